//! The native wire format: the frames of a stream, after the same header as a packet's.

use bytes::BytesMut;

use super::messages::decode_member;
use super::protobuf::{Body, Fields, Key, Sink, Writer, delimited_len, put_head, put_message};
use super::{Ack, DATAGRAM_SIZE_MAX, Ping, User};
use crate::member::MemberRef;
use crate::stats::{DropReason, MessageKind};

/// The length before every frame of a stream, in bytes: 32 bits, big-endian.
pub const FRAME_HEADER_LEN: usize = 4;
/// A push/pull is cut into frames of at most this many bytes, their headers included, so that
/// neither side has to hold all of it. Only a frame of one large member may be larger.
pub const FRAME_SIZE_TARGET: usize = 64 << 10;
/// The longest body of a push/pull frame that a receiver accepts.
///
/// A member is at most as long as an alive that fills the largest datagram, so this also admits
/// senders that end a frame only when it has reached [`FRAME_SIZE_TARGET`].
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
    /// Are you there? Sent where datagrams may not get through.
    Ping(Ping<'a>),
    /// Yes; or: your user message arrived.
    Ack(Ack<'a>),
    /// A user message to this member.
    User(User<'a>),
    /// A part of what one side believes of all members.
    PushPull(PushPull<'a>),
}

/// A part of one side's half of a push/pull exchange. The half ends with the frame marked as last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushPull<'a> {
    /// The exchange was opened to join the cluster. The same in every frame of a half.
    pub join: bool,
    /// No frame of this half follows.
    pub last: bool,
    /// The half holds the sender and some members only, and so should the answer. The same in
    /// every frame of a half.
    pub partial: bool,
    /// The digest of the sender's view of the cluster; 0 where it tells none. The same in every
    /// frame of a half.
    pub view: u64,
    /// Whether the sender claims its name. The same in every frame of a half.
    pub claim: NameClaim,
    /// The next piece of the sender's application state; the receiver strings the pieces together.
    pub user_state: &'a [u8],
    /// The message itself, whose structure was checked, to walk over its members.
    body: &'a [u8],
}

/// Why a push/pull is made, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything, to join the cluster.
    Join,
    /// Everything, against what gossip missed.
    Full,
    /// The sender and some members: to settle what is believed of them.
    Partial,
    /// The sender alone, with the digest of its view: to be answered with everything if the other
    /// view differs, and in kind if it does not.
    Compare,
}

/// Whether the sender of a push/pull claims the name that it goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameClaim {
    /// It does: what it says first, of itself, is news.
    #[default]
    Claimed,
    /// It does not: another node has the name. What it says first only tells who asks.
    Withheld,
    /// It does, and so does the receiver: the two decide between themselves who keeps it.
    Contested {
        /// How long the sender has had the name, in milliseconds by its own clock; above 0.
        lived: u64,
    },
}

/// The members of a [`PushPull`] frame. A member that is malformed yields an error, and the next
/// one follows.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    fields: Fields<'a>,
}

/// The length of the body that a frame's header announces, or `None` when `bytes` has fewer than
/// [`FRAME_HEADER_LEN`] bytes. Compare it with a limit before waiting for the body.
#[must_use]
pub fn frame_len(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<FRAME_HEADER_LEN>()?;
    Some(usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX))
}

/// Reads the body of a frame, without the header. Nothing is copied or allocated.
///
/// # Errors
///
/// [`DropReason::Malformed`] when the structure is broken, when a required field is missing or
/// wrong, or when the frame does not hold exactly one message of a known kind.
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

/// Appends one half of a push/pull: as many frames as it takes, the last one marked. Takes
/// `members` as they come, in one pass; the sender itself goes first.
///
/// `view` is the digest of the sender's view, or 0 to tell none; [`Scope::Compare`] is nothing
/// without one.
pub fn encode_push_pull<'a>(
    scope: Scope,
    view: u64,
    members: impl Iterator<Item = MemberRef<'a>>,
    user_state: &[u8],
    out: &mut BytesMut,
) {
    encode_push_pull_with(scope, NameClaim::Claimed, view, members, user_state, out);
}

/// The same of a sender that may not claim its name.
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
    /// Appends the frame with its header. A push/pull is written as it was read; to write one
    /// anew, use [`encode_push_pull`].
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

    /// What kind of message it is.
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
    /// Why the exchange is made.
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

    /// A sender that withholds its name contests none.
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
                // A thousand of them, and one of each other field.
                MEMBER => _ = fields.bytes(key)?,
                _ => push_pull.take(key, &mut fields)?,
            }
        }
        Ok(push_pull)
    }

    /// Takes a field that is no member.
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

/// Writes one half of a push/pull, frame after frame.
struct HalfWriter<'b> {
    scope: Scope,
    claim: NameClaim,
    view: u64,
    /// How long the members and the user state in a frame may be.
    size_max: usize,
    out: &'b mut BytesMut,
    /// Where the current frame starts in `out`.
    start: usize,
}

/// What a frame of up to 64 KiB has beyond its members and user state: its own length, key and
/// length of the push/pull, and the fields `join`, `last`, `partial` and `view`. A sender without a
/// name has two bytes more.
const FRAME_OVERHEAD: usize = FRAME_HEADER_LEN + (1 + 3) + 2 + 2 + 2 + 9;

impl HalfWriter<'_> {
    fn member(&mut self, member: &MemberRef<'_>) {
        if delimited_len(member.body_len()) > self.room() && self.frame_len() > 0 {
            self.end_frame(false);
        }
        put_message(self.out, MEMBER, member);
    }

    fn user_state(&mut self, mut state: &[u8]) {
        /// The key and the length of a piece that fits a frame.
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
        // Only now is the length known: the head is appended, and then moved to the front. That
        // moves 64 KiB once per frame, a nanosecond per member.
        put_frame_head(self.out, PUSH_PULL, length);
        let head = self.frame_len() - length;
        self.out[self.start..].rotate_right(head);
        self.start = self.out.len();
    }

    /// How many more bytes of members or user state fit the current frame.
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

/// Appends what stands before the message of a frame: the frame's length, the message's key, the
/// message's length.
fn put_frame_head(out: &mut BytesMut, number: u32, length: usize) {
    // Limits far below keep the length from reaching 32 bits.
    let frame = u32::try_from(delimited_len(length)).unwrap_or(u32::MAX);
    out.extend_from_slice(&frame.to_be_bytes());
    put_head(out, number, length);
}
