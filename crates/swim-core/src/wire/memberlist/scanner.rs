//! memberlist's wire: where a message of a stream ends. Nothing says so in front; it has to be
//! read.

use super::msgpack::{Reader, extent};
use super::stream::{PushPullHeader, UserHeader};
use super::{ACK, COMPRESSED, ERROR, PING, PUSH_PULL, SEALED, USER};
use crate::stats::DropReason;

/// The most bytes of a message on a stream that is neither a push/pull nor a user message nor
/// compressed nor sealed: a ping, an ack, an error. An ack's payload fits, which came in a datagram
/// where this wire was made.
pub const SIMPLE_SIZE_MAX: usize = 64 << 10;
/// The most bytes of the head of a push/pull or of a user message. Go's has 50.
pub const HEADER_SIZE_MAX: usize = 4 << 10;
/// The most bytes of one member of a push/pull: its metadata may fill a datagram.
pub const MEMBER_SIZE_MAX: usize = 128 << 10;
/// What stands before the sealed bytes on a stream: the type, and the length in 32 bits,
/// big-endian. These bytes are authenticated together with the sealed ones.
pub const SEAL_HEADER_LEN: usize = 5;
/// What stands before compressed bytes, and a little for fields that nobody knows.
const PACKED_HEADER_SIZE_MAX: usize = 4 << 10;

/// The most values of a member in a table that was compressed. Those of Go have 19: a map of nine
/// names and values.
const MEMBER_VALUES_MAX: u64 = 40;

/// How large the parts of a message on a stream may be. By default as large as Go takes them; a
/// receiver that cannot hold as much sets less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// The most members of a push/pull.
    pub nodes_max: u32,
    /// The longest application state of a push/pull, in bytes.
    pub user_state_size_max: usize,
    /// The longest user message, in bytes.
    pub user_message_size_max: usize,
    /// The most sealed bytes, seal included.
    pub sealed_size_max: usize,
    /// The most compressed bytes. What they decompress to is the caller's to limit, with
    /// [`unpack_stream`](super::unpack_stream).
    pub packed_size_max: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        const MEBIBYTE: usize = 1 << 20;
        StreamLimits {
            nodes_max: 1 << 20,
            user_state_size_max: 20 * MEBIBYTE,
            user_message_size_max: 20 * MEBIBYTE,
            sealed_size_max: 20 * MEBIBYTE,
            // Go limits what comes out to 40 MiB; what goes in is not larger by more than a half.
            packed_size_max: 60 * MEBIBYTE,
        }
    }
}

impl StreamLimits {
    /// As large as Go takes them, but with these limits of a receiver.
    pub(crate) fn within(user_state_size_max: usize, user_message_size_max: usize) -> Self {
        StreamLimits { user_state_size_max, user_message_size_max, ..StreamLimits::default() }
    }
}

/// Finds the end of a message on a stream while it comes in. Every byte is looked at once, and what
/// a message says of its own size is compared with the limits as soon as it is there.
///
/// It checks the structure alone; the message is then to be read with
/// [`decode_stream`](super::decode_stream). A text that was sealed or compressed is a message of
/// its own: scan it with a new scanner, so that the limits hold for it, too.
#[derive(Clone, Debug)]
pub struct Scanner {
    limits: StreamLimits,
    stage: Stage,
    /// The first byte that was not looked at. It may not have come in yet.
    at: usize,
    /// Where the current value starts.
    start: usize,
    /// How many values are still missing to the current value.
    missing: u64,
    /// How many values the members of a push/pull may have, each with all that is in it.
    member_values_max: u64,
    /// How many may still come.
    values_left: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The type of the message.
    Kind,
    /// A value, which is the message.
    Body { size_max: usize },
    /// The head of a push/pull.
    PushPullHeader,
    /// A member of a push/pull, of so many, and then so many bytes of application state.
    Member { left: u32, user_state: usize },
    /// The head of a user message.
    UserHeader,
    /// The length of the sealed bytes.
    SealedLength,
    /// Nothing but bytes, up to here.
    Until(usize),
}

impl Scanner {
    /// For one message.
    #[must_use]
    pub fn new(limits: StreamLimits) -> Self {
        let (member_values_max, values_left) = (u64::MAX, u64::MAX);
        let (stage, at, start, missing) = (Stage::Kind, 0, 0, 0);
        Scanner { limits, stage, at, start, missing, member_values_max, values_left }
    }

    /// For one that was compressed, and may be made of little but values: more of them than members
    /// need are [`DropReason::Overpacked`].
    pub(crate) fn of_unpacked(limits: StreamLimits) -> Self {
        Scanner { member_values_max: MEMBER_VALUES_MAX, ..Scanner::new(limits) }
    }

    /// Told all bytes of the message that came in so far, from the byte of its type on, says its
    /// length in bytes when all of it is there; what follows is not part of it.
    ///
    /// # Errors
    ///
    /// [`DropReason::Unrecognised`] for a type that has no place on a stream,
    /// [`DropReason::TooLarge`] above a limit, [`DropReason::Malformed`] for a broken structure or
    /// a negative length. The end cannot be found after that.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, DropReason> {
        // Every turn ends the walk, or passes over a byte at least.
        loop {
            self.stage = match self.stage {
                Stage::Kind => match bytes.first() {
                    Some(&kind) => self.begin(kind)?,
                    None => return Ok(None),
                },
                Stage::Body { size_max } => match self.value(bytes, size_max)? {
                    Some(_) => Stage::Until(self.at),
                    None => return Ok(None),
                },
                Stage::PushPullHeader => match self.value(bytes, HEADER_SIZE_MAX)? {
                    Some(value) => self.push_pull(value)?,
                    None => return Ok(None),
                },
                Stage::Member { left: 0, user_state } => self.until(user_state),
                Stage::Member { left, user_state } => match self.value(bytes, MEMBER_SIZE_MAX)? {
                    Some(_) => {
                        self.expect_value();
                        Stage::Member { left: left - 1, user_state }
                    }
                    None => return Ok(None),
                },
                Stage::UserHeader => match self.value(bytes, HEADER_SIZE_MAX)? {
                    Some(value) => self.user(value)?,
                    None => return Ok(None),
                },
                Stage::SealedLength => match bytes.first_chunk::<SEAL_HEADER_LEN>() {
                    Some(header) => self.sealed(header)?,
                    None => return Ok(None),
                },
                Stage::Until(end) => return Ok((bytes.len() >= end).then_some(end)),
            };
        }
    }

    /// Whether these many bytes end within the current value, so that there is nothing to be told
    /// of them yet. Most do that come one by one.
    #[inline]
    pub(crate) fn needs_more_than(&self, bytes: usize) -> bool {
        bytes < self.at
    }

    fn begin(&mut self, kind: u8) -> Result<Stage, DropReason> {
        self.at = 1;
        self.expect_value();
        match kind {
            PING | ACK | ERROR => Ok(Stage::Body { size_max: SIMPLE_SIZE_MAX }),
            PUSH_PULL => Ok(Stage::PushPullHeader),
            USER => Ok(Stage::UserHeader),
            COMPRESSED => {
                let size_max = self.limits.packed_size_max.saturating_add(PACKED_HEADER_SIZE_MAX);
                Ok(Stage::Body { size_max })
            }
            SEALED => Ok(Stage::SealedLength),
            _ => Err(DropReason::Unrecognised),
        }
    }

    fn push_pull(&mut self, header: Reader<'_>) -> Result<Stage, DropReason> {
        let header = PushPullHeader::decode(header)?;
        let nodes = limited(header.nodes, self.limits.nodes_max)?;
        let user_state = limited(header.user_state_size, self.limits.user_state_size_max)?;
        self.expect_value();
        self.values_left = self.member_values_max.saturating_mul(nodes.into());
        Ok(Stage::Member { left: nodes, user_state })
    }

    fn user(&self, header: Reader<'_>) -> Result<Stage, DropReason> {
        let header = UserHeader::decode(header)?;
        limited(header.size, self.limits.user_message_size_max).map(|size| self.until(size))
    }

    fn sealed(&mut self, header: &[u8; SEAL_HEADER_LEN]) -> Result<Stage, DropReason> {
        let [_, length @ ..] = *header;
        self.at = SEAL_HEADER_LEN;
        limited(u32::from_be_bytes(length).into(), self.limits.sealed_size_max)
            .map(|size| self.until(size))
    }

    /// So many bytes from here.
    fn until(&self, size: usize) -> Stage {
        Stage::Until(self.at.saturating_add(size))
    }

    fn expect_value(&mut self) {
        self.start = self.at;
        self.missing = 1;
    }

    /// Goes on in the current value, and gives it when all of it is there.
    fn value<'a>(
        &mut self,
        bytes: &'a [u8],
        size_max: usize,
    ) -> Result<Option<Reader<'a>>, DropReason> {
        while self.missing > 0 {
            let Some(extent) = extent(bytes.get(self.at..).unwrap_or_default())? else {
                return Ok(None);
            };
            self.at = self.at.saturating_add(extent.size);
            self.missing = (self.missing - 1).saturating_add(extent.values);
            self.values_left = self.values_left.checked_sub(1).ok_or(DropReason::Overpacked)?;
            // Each missing value takes a byte at least.
            let missing = usize::try_from(self.missing).unwrap_or(usize::MAX);
            if (self.at - self.start).saturating_add(missing) > size_max {
                return Err(DropReason::TooLarge);
            }
        }
        Ok(bytes.get(self.start..self.at).map(Reader::new))
    }
}

/// A length or count that somebody said.
fn limited<T: TryFrom<i64> + PartialOrd>(said: i64, limit: T) -> Result<T, DropReason> {
    if said < 0 {
        return Err(DropReason::Malformed);
    }
    match T::try_from(said) {
        Ok(said) if said <= limit => Ok(said),
        _ => Err(DropReason::TooLarge),
    }
}
