//! The native wire format: the frames of a stream, after the same header as in a packet.

use bytes::BytesMut;

use super::messages::decode_member;
use super::protobuf::{Body, Fields, Key, Sink, Writer, delimited_len, put_head, put_message};
use super::{Ack, DATAGRAM_SIZE_MAX, Ping, User};
use crate::member::MemberRef;
use crate::stats::{DropReason, MessageKind};

/// The length field before each frame of a stream, in bytes: 32 bits, big-endian.
pub const FRAME_HEADER_LEN: usize = 4;
/// The longest frame of a push/pull, including its header.
///
/// Neither side then has to hold the whole push/pull. Only a frame with one large member may be
/// longer.
pub const FRAME_SIZE_TARGET: usize = 64 << 10;
/// The longest body of a push/pull frame that a receiver accepts.
///
/// A member is at most as long as an alive message that fills the largest datagram. The limit
/// therefore also admits senders that end a frame only once it has reached [`FRAME_SIZE_TARGET`].
pub const PUSH_PULL_FRAME_SIZE_MAX: usize = 128 << 10;

// Room for the frame's own fields around 64 KiB and one largest member.
const _: () = assert!(FRAME_SIZE_TARGET + DATAGRAM_SIZE_MAX + 16 <= PUSH_PULL_FRAME_SIZE_MAX);

/// The field numbers of a frame. 5 to 15 are reserved.
const PING: u32 = 1;
const ACK: u32 = 2;
const USER: u32 = 3;
const PUSH_PULL: u32 = 4;

/// The field numbers of a push/pull. 9 to 15 are reserved.
const MEMBER: u32 = 1;
const USER_STATE: u32 = 2;
const JOIN: u32 = 3;
const LAST: u32 = 4;
const PARTIAL: u32 = 5;
const VIEW: u32 = 6;
const WITHHELD: u32 = 7;
const LIVED: u32 = 8;

/// One message of a stream, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Asks a member to answer, when datagrams may not get through.
    Ping(Ping<'a>),
    /// Answers a ping, or acknowledges a user message.
    Ack(Ack<'a>),
    /// A user message to this member.
    User(User<'a>),
    /// A part of one side's view of all members.
    PushPull(PushPull<'a>),
}

/// A part of one side's half of a push/pull. The half ends with the frame marked as last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPull<'a> {
    /// Whether the exchange is a join. The same in every frame of a half.
    pub join: bool,
    /// Whether this is the last frame of the half.
    pub last: bool,
    /// Whether the half has only the sender and some members, and so should the answer. The same in
    /// every frame of a half.
    pub partial: bool,
    /// The digest of the sender's view; 0 if it sends none. The same in every frame of a half.
    pub view: u64,
    /// Whether the sender claims its name. The same in every frame of a half.
    pub claim: NameClaim,
    /// The next piece of the sender's application state. The receiver joins the pieces.
    pub user_state: &'a [u8],
    /// The message itself, with its structure checked, for walking over its members.
    body: &'a [u8],
}

/// The purpose and extent of a push/pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything, to join the cluster.
    Join,
    /// Everything, to repair what gossip missed.
    Full,
    /// The sender and some members, to settle the beliefs about them.
    Partial,
    /// The sender alone, with the digest of its view. The answer has everything if the views
    /// differ, and is of the same kind if they do not.
    Compare,
}

/// Whether the sender of a push/pull claims its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameClaim {
    /// The sender claims it: the first member, the sender itself, is news.
    #[default]
    Claimed,
    /// The sender does not claim it: another node has the name. The first member only identifies
    /// the sender.
    Withheld,
    /// Both sender and receiver claim it, and decide which of them keeps it.
    Contested {
        /// How long the sender has had the name, in milliseconds by its own clock; above 0.
        lived: u64,
    },
}

/// The members of a [`PushPull`] frame. A malformed member is an error, and the next one follows.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    fields: Fields<'a>,
}

/// The length of the body that a frame's header announces.
///
/// `None` if `bytes` has fewer than [`FRAME_HEADER_LEN`] bytes. Compare the length with a limit
/// before waiting for the body.
#[must_use]
pub fn frame_len(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<FRAME_HEADER_LEN>()?;
    Some(usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX))
}

/// Reads the body of a frame, without the header. Nothing is copied or allocated.
///
/// # Errors
///
/// [`DropReason::Malformed`] if the structure is broken, a required field is missing or wrong, or
/// the frame does not have exactly one message of a known kind.
pub fn decode_frame(body: &[u8]) -> Result<Frame<'_>, DropReason> {
    let mut found = None;
    let mut fields = Fields::new(body);
    while let Some(field) = fields.next_bytes(PING..=PUSH_PULL)? {
        if found.replace(field).is_some() {
            return Err(DropReason::Malformed);
        }
    }
    match found {
        Some((PING, body)) => Ping::decode(body).map(Frame::Ping),
        Some((ACK, body)) => Ack::decode(body).map(Frame::Ack),
        Some((USER, body)) => User::decode(body).map(Frame::User),
        Some((PUSH_PULL, body)) => PushPull::decode(body).map(Frame::PushPull),
        _ => Err(DropReason::Malformed),
    }
}

/// Appends one half of a push/pull, in as many frames as it needs, with the last one marked.
///
/// Reads `members` in one pass; the sender itself must come first.
///
/// `view` is the digest of the sender's view, or 0 for none. [`Scope::Compare`] needs one.
pub fn encode_push_pull<'a>(
    scope: Scope,
    view: u64,
    members: impl Iterator<Item = MemberRef<'a>>,
    user_state: &[u8],
    out: &mut BytesMut,
) {
    encode_push_pull_with(scope, NameClaim::Claimed, view, members, user_state, out);
}

/// The same, for a sender that may not claim its name.
pub fn encode_push_pull_with<'a>(
    scope: Scope,
    claim: NameClaim,
    view: u64,
    members: impl Iterator<Item = MemberRef<'a>>,
    user_state: &[u8],
    out: &mut BytesMut,
) {
    debug_assert!(scope != Scope::Partial || view == 0, "a digest would make it a comparison");
    let start = out.len();
    let for_claim = match claim {
        NameClaim::Claimed => 0,
        NameClaim::Withheld => 2,
        NameClaim::Contested { .. } => 11,
    };
    let size_max = FRAME_SIZE_TARGET - FRAME_OVERHEAD - for_claim;
    let mut half = HalfWriter { scope, claim, view, size_max, out, start };
    for member in members {
        half.member(&member);
    }
    half.user_state(user_state);
    half.end_frame(true);
}

impl Frame<'_> {
    /// Appends the frame with its header.
    ///
    /// A push/pull is written as it was read; to write a new one, use [`encode_push_pull`].
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Frame::Ping(ping) => put_frame(out, PING, ping),
            Frame::Ack(ack) => put_frame(out, ACK, ack),
            Frame::User(user) => put_frame(out, USER, user),
            Frame::PushPull(PushPull { body, .. }) => {
                put_frame_head(out, PUSH_PULL, body.len());
                out.extend_from_slice(body);
            }
        }
    }

    /// The kind of this message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Frame::Ping(_) => MessageKind::Ping,
            Frame::Ack(_) => MessageKind::Ack,
            Frame::User(_) => MessageKind::User,
            Frame::PushPull(_) => MessageKind::PushPull,
        }
    }
}

impl<'a> PushPull<'a> {
    /// The purpose of the exchange.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match (self.join, self.partial) {
            (true, _) => Scope::Join,
            (false, true) if self.view != 0 => Scope::Compare,
            (false, true) => Scope::Partial,
            (false, false) => Scope::Full,
        }
    }

    /// The members in this frame, in the order in which they were sent.
    #[must_use]
    pub fn members(&self) -> Members<'a> {
        Members { fields: Fields::new(self.body) }
    }

    fn withhold(&mut self, withheld: u64) {
        if withheld != 0 {
            self.claim = NameClaim::Withheld;
        }
    }

    /// A sender that withholds its name takes part in no contest.
    fn contest(&mut self, lived: u64) {
        if lived > 0 && self.claim == NameClaim::Claimed {
            self.claim = NameClaim::Contested { lived };
        }
    }

    /// Checks the structure of the message, but leaves its members to [`Members`].
    fn decode(body: &'a [u8]) -> Result<Self, DropReason> {
        let mut push_pull = PushPull {
            join: false,
            last: false,
            partial: false,
            view: 0,
            claim: NameClaim::Claimed,
            user_state: &[],
            body,
        };
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key.number() {
                // About a thousand of these, and one of each other field.
                MEMBER => _ = fields.bytes(key)?,
                _ => push_pull.take(key, &mut fields)?,
            }
        }
        Ok(push_pull)
    }

    /// Takes a field that is not a member.
    #[inline(never)]
    fn take(&mut self, key: Key, fields: &mut Fields<'a>) -> Result<(), DropReason> {
        match key.number() {
            USER_STATE => self.user_state = fields.bytes(key)?,
            JOIN => self.join = fields.varint(key)? != 0,
            LAST => self.last = fields.varint(key)? != 0,
            PARTIAL => self.partial = fields.varint(key)? != 0,
            VIEW => self.view = fields.fixed64(key)?,
            WITHHELD => self.withhold(fields.varint(key)?),
            LIVED => self.contest(fields.varint(key)?),
            _ => fields.skip(key)?,
        }
        Ok(())
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<MemberRef<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next_bytes(MEMBER..=MEMBER).transpose()?;
        Some(field.and_then(|(_, body)| decode_member(body)))
    }
}

impl core::iter::FusedIterator for Members<'_> {}

/// Writes one half of a push/pull, frame by frame.
struct HalfWriter<'b> {
    scope: Scope,
    claim: NameClaim,
    view: u64,
    /// The room for members and user state in a frame.
    size_max: usize,
    out: &'b mut BytesMut,
    /// The start of the current frame in `out`.
    start: usize,
}

/// The bytes of a frame of up to 64 KiB without members and user state. These are its length, the
/// push/pull's key and length, and the fields `join`, `last`, `partial` and `view`. A sender
/// without a name needs two bytes more.
const FRAME_OVERHEAD: usize = FRAME_HEADER_LEN + (1 + 3) + 2 + 2 + 2 + 9;

impl HalfWriter<'_> {
    fn member(&mut self, member: &MemberRef<'_>) {
        if delimited_len(member.body_len()) > self.room() && self.frame_len() > 0 {
            self.end_frame(false);
        }
        put_message(self.out, MEMBER, member);
    }

    fn user_state(&mut self, mut state: &[u8]) {
        /// The key and length of a piece that fits into a frame.
        const PIECE_OVERHEAD: usize = 1 + 3;
        while !state.is_empty() {
            let room = self.room().saturating_sub(PIECE_OVERHEAD);
            if room == 0 {
                self.end_frame(false);
                continue;
            }
            let (piece, rest) = state.split_at(room.min(state.len()));
            put_head(self.out, USER_STATE, piece.len());
            self.out.extend_from_slice(piece);
            state = rest;
        }
    }

    fn end_frame(&mut self, last: bool) {
        let mut body = Writer(self.out);
        body.varint(JOIN, (self.scope == Scope::Join).into());
        body.varint(LAST, last.into());
        body.varint(PARTIAL, matches!(self.scope, Scope::Partial | Scope::Compare).into());
        body.fixed64(VIEW, self.view);
        match self.claim {
            NameClaim::Claimed => {}
            NameClaim::Withheld => body.varint(WITHHELD, 1),
            NameClaim::Contested { lived } => body.varint(LIVED, lived),
        }
        let length = self.frame_len();
        // The length is known only now, so the head is appended and then moved to the front. That
        // moves 64 KiB once per frame, a nanosecond per member.
        put_frame_head(self.out, PUSH_PULL, length);
        let head = self.frame_len() - length;
        self.out[self.start..].rotate_right(head);
        self.start = self.out.len();
    }

    /// How many more bytes of members or user state fit into the current frame.
    fn room(&self) -> usize {
        self.size_max.saturating_sub(self.frame_len())
    }

    fn frame_len(&self) -> usize {
        self.out.len() - self.start
    }
}

fn put_frame(out: &mut BytesMut, number: u32, message: &impl Body) {
    let length = message.body_len();
    out.reserve(FRAME_HEADER_LEN + delimited_len(length));
    put_frame_head(out, number, length);
    message.fields(&mut Writer(out));
}

/// Appends the head of a frame: the frame's length, the message's key, and the message's length.
fn put_frame_head(out: &mut BytesMut, number: u32, length: usize) {
    // Limits far below keep the length from reaching 32 bits.
    let frame = u32::try_from(delimited_len(length)).unwrap_or(u32::MAX);
    out.extend_from_slice(&frame.to_be_bytes());
    put_head(out, number, length);
}
