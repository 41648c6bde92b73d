//! One side's complete part of an exchange on a stream, in either format.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::frames::{FRAME_HEADER_LEN, Frame, Members, NameClaim, Scope, decode_frame, frame_len};
use super::{Format, Ping, User, Wire, memberlist};
use crate::member::MemberRef;
use crate::stats::{DropReason, MessageKind};

/// What came in on a stream, unsealed and unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Half<'a> {
    wire: Wire,
    /// Frames of the native wire, or a message of memberlist's as far as a `Scanner` found that it
    /// goes.
    text: &'a [u8],
    /// Stands for the port where memberlist's wire gives none.
    port: u16,
}

/// What an exchange is about.
#[derive(Clone, Copy, Debug)]
pub enum Opening<'a> {
    /// A ping.
    Ping(Ping<'a>),
    /// The answer to a ping, or to a user message.
    Ack {
        /// The sequence number of the ping.
        sequence: u32,
        /// The digest of whom the sender holds for alive or suspect; 0 where it tells none.
        view: u32,
    },
    /// A user message.
    User(User<'a>),
    /// What the sender knows.
    PushPull {
        /// How much of it.
        scope: Scope,
        /// The digest of the sender's view; 0 where it tells none.
        view: u64,
        /// Whether the sender claims its name; on memberlist's wire it always does.
        claim: NameClaim,
    },
    /// The peer says what is wrong with what it was sent.
    Complaint(&'a str),
}

impl Opening<'_> {
    /// What kind of message it is; a complaint is none.
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
    /// What `text` is on this wire. On memberlist's, `port` stands for the port of a member of whom
    /// none is given.
    #[must_use]
    pub const fn new(wire: Wire, text: &'a [u8], port: u16) -> Self {
        Half { wire, text, port }
    }

    /// What the exchange is about.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
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

    /// The members in a push/pull, in the order in which they were sent. One that is malformed
    /// yields an error, and the next one follows.
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

    /// The members in a push/pull of the native wire, without a call through a table of functions
    /// for each.
    pub(crate) fn members_of_frames(
        &self,
    ) -> impl Iterator<Item = Result<MemberRef<'a>, DropReason>> + use<'a> {
        MembersOfAll { frames: Frames(self.text), current: None }
    }

    /// The sender's application state in a push/pull, up to `size_max` bytes.
    ///
    /// # Errors
    ///
    /// [`DropReason::TooLarge`], and what is wrong with it.
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

/// The members in all frames of a push/pull, written out: chained iterators of the standard library
/// take 2% more of a push/pull.
struct MembersOfAll<'a> {
    frames: Frames<'a>,
    /// Those in the frame that is read now.
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
