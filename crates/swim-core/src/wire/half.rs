//! One side's complete part of an exchange on a stream, in either format.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::frames::{FRAME_HEADER_LEN, Frame, Members, NameClaim, Scope, decode_frame, frame_len};
use super::{Format, Ping, User, Wire, memberlist};
use crate::member::MemberRef;
use crate::stats::{DropReason, MessageKind};

/// Unsealed and unpacked input of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a> {
    wire: Wire,
    /// Frames of the native wire, or a message of memberlist's wire whose end a `Scanner` found.
    text: &'a [u8],
    /// The port to use if memberlist's wire gives none.
    port: u16,
}

/// The subject of an exchange.
#[derive(Clone, Copy, Debug)]
pub enum Opening<'a> {
    /// A ping.
    Ping(Ping<'a>),
    /// The answer to a ping, or to a user message.
    Ack {
        /// The sequence number of the ping.
        sequence: u32,
        /// The digest of the members that the sender believes alive or suspect; 0 if it sends none.
        view: u32,
    },
    /// A user message.
    User(User<'a>),
    /// The sender's view.
    PushPull {
        /// How much of it.
        scope: Scope,
        /// The digest of the sender's view; 0 if it sends none.
        view: u64,
        /// Whether the sender claims its name. On memberlist's wire it always does.
        claim: NameClaim,
    },
    /// The peer's error about its input.
    Complaint(&'a str),
}

impl Opening<'_> {
    /// The kind of message; `None` for an error.
    #[must_use]
    pub fn kind(&self) -> Option<MessageKind> {
        match self {
            Opening::Ping(_) => Some(MessageKind::Ping),
            Opening::Ack { .. } => Some(MessageKind::Ack),
            Opening::User(_) => Some(MessageKind::User),
            Opening::PushPull { .. } => Some(MessageKind::PushPull),
            Opening::Complaint(_) => None,
        }
    }
}

impl<'a> Half<'a> {
    /// Reads `text` as a part in this wire format.
    ///
    /// On memberlist's wire, members without a port get `port`.
    #[must_use]
    pub const fn new(wire: Wire, text: &'a [u8], port: u16) -> Self {
        Half { wire, text, port }
    }

    /// The subject of the exchange.
    ///
    /// # Errors
    ///
    /// The reason why the text is unusable.
    pub fn opening(&self) -> Result<Opening<'a>, DropReason> {
        let Half { wire, text, port } = *self;
        match wire.format() {
            Format::Swim => match Frames(text).next().ok_or(DropReason::Malformed)?? {
                Frame::Ping(ping) => Ok(Opening::Ping(ping)),
                Frame::Ack(ack) => Ok(Opening::Ack { sequence: ack.sequence, view: ack.view }),
                Frame::User(user) => Ok(Opening::User(user)),
                Frame::PushPull(part) => Ok(Opening::PushPull {
                    scope: part.scope(),
                    view: part.view,
                    claim: part.claim,
                }),
            },
            Format::Memberlist(_) => memberlist::opening(text, port),
        }
    }

    /// The members in a push/pull, in the order in which they were sent.
    ///
    /// A malformed member is an error, and the next one follows.
    pub fn members(&self) -> Box<dyn Iterator<Item = Result<MemberRef<'a>, DropReason>> + 'a> {
        let Half { wire, text, port } = *self;
        match wire.format() {
            Format::Swim => Box::new(self.members_of_frames()),
            Format::Memberlist(_) => match memberlist::members(text, port) {
                Some(members) => Box::new(members),
                None => Box::new(core::iter::empty()),
            },
        }
    }

    /// The members in a push/pull of the native wire, without dynamic dispatch for each.
    pub(crate) fn members_of_frames(
        &self,
    ) -> impl Iterator<Item = Result<MemberRef<'a>, DropReason>> + use<'a> {
        MembersOfAll { frames: Frames(self.text), current: None }
    }

    /// The sender's application state in a push/pull, up to `size_max` bytes.
    ///
    /// # Errors
    ///
    /// [`DropReason::TooLarge`], or the reason why the text is unusable.
    pub fn user_state(&self, size_max: usize) -> Result<Vec<u8>, DropReason> {
        let Half { wire, text, port } = *self;
        let mut state = Vec::new();
        let mut add = |piece: &[u8]| {
            if state.len() + piece.len() > size_max {
                return Err(DropReason::TooLarge);
            }
            state.extend_from_slice(piece);
            Ok(())
        };
        match wire.format() {
            Format::Swim => {
                for frame in Frames(text) {
                    let Frame::PushPull(part) = frame? else { return Err(DropReason::Malformed) };
                    add(part.user_state)?;
                }
            }
            Format::Memberlist(_) => add(memberlist::user_state(text, port)?)?,
        }
        Ok(state)
    }
}

/// Walks over complete frames of the native wire.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let len = frame_len(self.0)?;
        let body = self.0.get(FRAME_HEADER_LEN..FRAME_HEADER_LEN + len)?;
        self.0 = &self.0[FRAME_HEADER_LEN + len..];
        Some(decode_frame(body))
    }
}

/// The members in all frames of a push/pull. Written out, because chained iterators of the standard
/// library make a push/pull 2% slower.
struct MembersOfAll<'a> {
    frames: Frames<'a>,
    /// The members in the current frame.
    current: Option<Members<'a>>,
}

impl<'a> Iterator for MembersOfAll<'a> {
    type Item = Result<MemberRef<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(member) = self.current.as_mut().and_then(Iterator::next) {
                return Some(member);
            }
            self.current = match self.frames.next()? {
                Ok(Frame::PushPull(part)) => Some(part.members()),
                Ok(_) => return Some(Err(DropReason::Malformed)),
                Err(reason) => return Some(Err(reason)),
            };
        }
    }
}
