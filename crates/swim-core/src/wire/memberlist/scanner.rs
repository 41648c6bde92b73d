//! memberlist's wire: finds the end of a message on a stream. The message has no length field in
//! front, so its structure has to be read.

use super::msgpack::{Reader, extent};
use super::stream::{PushPullHeader, UserHeader};
use super::{ACK, COMPRESSED, ERROR, PING, PUSH_PULL, SEALED, USER};
use crate::stats::DropReason;

/// The most bytes of a ping, an ack or an error on a stream.
///
/// An ack's payload fits, because acks were made for datagrams. Push/pulls, user messages, and
/// compressed or sealed messages have other limits.
pub const SIMPLE_SIZE_MAX: usize = 64 << 10;
/// The most bytes of the head of a push/pull or user message. Go's has 50.
pub const HEADER_SIZE_MAX: usize = 4 << 10;
/// The most bytes of one member of a push/pull: its metadata may fill a datagram.
pub const MEMBER_SIZE_MAX: usize = 128 << 10;
/// The bytes before the sealed bytes on a stream.
///
/// They are the type and the length, in 32 bits, big-endian, and are authenticated with the sealed
/// bytes.
pub const SEAL_HEADER_LEN: usize = 5;
/// The bytes before compressed bytes, with some room for unknown fields.
const PACKED_HEADER_SIZE_MAX: usize = 4 << 10;

/// The most values of a member in a compressed table. Go's members have 19: a map of nine names and
/// values.
const MEMBER_VALUES_MAX: u64 = 40;

/// Limits on the parts of a message on a stream.
///
/// The defaults are Go's limits. A receiver with less memory sets lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// The most members of a push/pull.
    pub nodes_max: u32,
    /// The longest application state of a push/pull, in bytes.
    pub user_state_size_max: usize,
    /// The longest user message, in bytes.
    pub user_message_size_max: usize,
    /// The most sealed bytes, including the seal.
    pub sealed_size_max: usize,
    /// The most compressed bytes.
    ///
    /// The caller limits what they decompress to, with [`unpack_stream`](super::unpack_stream).
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
            // Go limits the output to 40 MiB. The input is at most half as long again.
            packed_size_max: 60 * MEBIBYTE,
        }
    }
}

impl StreamLimits {
    /// Go's limits, except for these two.
    pub(crate) fn within(user_state_size_max: usize, user_message_size_max: usize) -> Self {
        StreamLimits { user_state_size_max, user_message_size_max, ..StreamLimits::default() }
    }
}

/// Finds the end of a message on a stream while it arrives.
///
/// Looks at every byte once, and compares each announced size with the limits as soon as it
/// arrives.
///
/// It checks only the structure; read the message with [`decode_stream`](super::decode_stream).
/// Scan a text that was sealed or compressed with a new scanner, so that the limits apply to it
/// too.
#[derive(Clone, Debug)]
pub struct Scanner {
    limits: StreamLimits,
    stage: Stage,
    /// The first byte not looked at; it may not have arrived yet.
    at: usize,
    /// The start of the current value.
    start: usize,
    /// How many values the current value still lacks.
    missing: u64,
    /// How many values a member of a push/pull may have, including nested ones.
    member_values_max: u64,
    /// How many values may still come.
    values_left: u64,
}

/// The next part.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The type of the message.
    Kind,
    /// A value, which is the whole message.
    Body { size_max: usize },
    /// The head of a push/pull.
    PushPullHeader,
    /// A member of a push/pull, with the number left, and then this many bytes of application
    /// state.
    Member { left: u32, user_state: usize },
    /// The head of a user message.
    UserHeader,
    /// The length of the sealed bytes.
    SealedLength,
    /// Only bytes, up to this position.
    Until(usize),
}

impl Scanner {
    /// A scanner for one message.
    #[must_use]
    pub fn new(limits: StreamLimits) -> Self {
        let (member_values_max, values_left) = (u64::MAX, u64::MAX);
        let (stage, at, start, missing) = (Stage::Kind, 0, 0, 0);
        Scanner { limits, stage, at, start, missing, member_values_max, values_left }
    }

    /// A scanner for a decompressed message, which may consist of little but values. More values
    /// than members need are [`DropReason::Overpacked`].
    pub(crate) fn of_unpacked(limits: StreamLimits) -> Self {
        Scanner { member_values_max: MEMBER_VALUES_MAX, ..Scanner::new(limits) }
    }

    /// Returns the length of the message once it is complete.
    ///
    /// Takes all bytes of the message so far, from its type on. Bytes after that length are not
    /// part of it.
    ///
    /// # Errors
    ///
    /// [`DropReason::Unrecognised`] for a type that streams do not have; [`DropReason::TooLarge`]
    /// above a limit; [`DropReason::Malformed`] for a broken structure or a negative length. The
    /// end can no longer be found after an error.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, DropReason> {
        // Each turn ends the walk, or moves on by at least a byte.
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

    /// Whether this many bytes end within the current value, so that there is nothing to do yet.
    /// That is common if bytes arrive one by one.
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

    /// This many bytes from here.
    fn until(&self, size: usize) -> Stage {
        Stage::Until(self.at.saturating_add(size))
    }

    fn expect_value(&mut self) {
        self.start = self.at;
        self.missing = 1;
    }

    /// Goes on with the current value, and returns it once it is complete.
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
            // Each missing value takes at least a byte.
            let missing = usize::try_from(self.missing).unwrap_or(usize::MAX);
            if (self.at - self.start).saturating_add(missing) > size_max {
                return Err(DropReason::TooLarge);
            }
        }
        Ok(bytes.get(self.start..self.at).map(Reader::new))
    }
}

/// Checks an announced length or count.
fn limited<T: TryFrom<i64> + PartialOrd>(said: i64, limit: T) -> Result<T, DropReason> {
    if said < 0 {
        return Err(DropReason::Malformed);
    }
    match T::try_from(said) {
        Ok(said) if said <= limit => Ok(said),
        _ => Err(DropReason::TooLarge),
    }
}
