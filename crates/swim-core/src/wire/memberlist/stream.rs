//! memberlist's wire: the messages of a stream, inside label and seal. Each side sends one.

use alloc::vec::Vec;

use bytes::BytesMut;

use super::lzw::Lzw;
use super::messages::{AckBody, AliveBody, Compressed, Request, put_member};
use super::msgpack::{Fields, Reader, Sink};
use super::packet::affords;
use super::{ACK, COMPRESSED, ERROR, LZW, PING, PUSH_PULL, USER};
use crate::member::MemberRef;
use crate::stats::DropReason;
use crate::wire::allowance::Allowance;
use crate::wire::{Ack, Ping};

/// One message of a stream, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMessage<'a> {
    /// Asks a member to answer, when datagrams may not get through.
    Ping(Ping<'a>),
    /// Answers a ping.
    Ack(Ack<'a>),
    /// A user message to this member. It gets no answer.
    User {
        /// The content.
        payload: &'a [u8],
    },
    /// One side's view of all members.
    PushPull(Table<'a>),
    /// The sender's error, instead of another answer. Ends before the first byte that is not UTF-8.
    Error(&'a str),
}

/// One side's half of a push/pull exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table<'a> {
    /// Whether the exchange is a join. The same in both halves.
    pub join: bool,
    /// The number of members, including those that [`members`](Table::members) skips.
    pub nodes: u32,
    /// The application's state; empty if there is none.
    pub user_state: &'a [u8],
    /// The members, with their structure checked.
    states: &'a [u8],
    default_port: u16,
}

/// The members of a [`Table`], in the order in which they were sent.
///
/// A bad member is an error, and the next one follows. A member in an unknown state is skipped.
#[derive(Clone, Debug)]
pub struct TableMembers<'a> {
    states: Reader<'a>,
    default_port: u16,
}

/// Reads a message whose end a [`Scanner`](super::Scanner) found.
///
/// Ignores bytes after it. A member's port 0 is replaced with `default_port`. Nothing is copied or
/// allocated.
///
/// # Errors
///
/// - [`DropReason::Unrecognised`]: a type that streams do not have, or compressed or sealed text
/// - [`DropReason::Truncated`]: no byte
/// - otherwise as in a packet, see [`read_packet`](super::read_packet)
pub fn decode_stream(message: &[u8], default_port: u16) -> Result<StreamMessage<'_>, DropReason> {
    decode::<false>(message, default_port)
}

/// The same, for a message with no bytes after it. The end of its members then follows from its
/// length, so the members, perhaps a hundred thousand, need not be walked over to find it.
///
/// # Errors
///
/// Like [`decode_stream`].
pub(crate) fn decode_scanned(
    message: &[u8],
    default_port: u16,
) -> Result<StreamMessage<'_>, DropReason> {
    decode::<true>(message, default_port)
}

fn decode<const SCANNED: bool>(
    message: &[u8],
    default_port: u16,
) -> Result<StreamMessage<'_>, DropReason> {
    let (&kind, body) = message.split_first().ok_or(DropReason::Truncated)?;
    let reader = Reader::new(body);
    match kind {
        PING => Request::decode::<false>(reader)?.ping().map(StreamMessage::Ping),
        ACK => AckBody::decode::<true>(reader).map(|answer| StreamMessage::Ack(answer.ack())),
        USER => decode_user(reader).map(|payload| StreamMessage::User { payload }),
        PUSH_PULL => Table::decode::<SCANNED>(reader, default_port).map(StreamMessage::PushPull),
        ERROR => decode_error(reader).map(StreamMessage::Error),
        _ => Err(DropReason::Unrecognised),
    }
}

/// Appends one half of a push/pull.
///
/// `members` are all known members in any order, including failed ones and the sender.
pub fn encode_push_pull<'a>(
    join: bool,
    members: impl Iterator<Item = MemberRef<'a>> + Clone,
    user_state: &[u8],
    out: &mut BytesMut,
) {
    out.put(&[PUSH_PULL]);
    out.fields(3);
    out.bool("Join", join);
    out.int("Nodes", members.clone().count());
    out.int("UserStateLen", user_state.len());
    for member in members {
        put_member(&member, out);
    }
    out.put(user_state);
}

/// Appends a user message. A Go member accepts up to 20 MiB, including seal and compression.
pub fn encode_user(payload: &[u8], out: &mut BytesMut) {
    out.put(&[USER]);
    out.fields(1);
    out.int("UserMsgLen", payload.len());
    out.put(payload);
}

/// Appends an error, instead of another answer.
pub fn encode_error(text: &str, out: &mut BytesMut) {
    out.put(&[ERROR]);
    out.fields(1);
    out.text("Error", text.as_bytes());
}

/// Replaces `out` with the message inside `message`, whose type is [`COMPRESSED`].
///
/// Do not unpack the result again.
///
/// # Errors
///
/// [`DropReason::TooLarge`] above `size_max` bytes, [`DropReason::Truncated`] if the result is
/// empty, [`DropReason::Unrecognised`] if `message` has another type, and [`DropReason::Malformed`]
/// otherwise.
pub fn unpack_stream(
    message: &[u8],
    size_max: usize,
    lzw: &mut Lzw,
    out: &mut Vec<u8>,
) -> Result<(), DropReason> {
    unpack_stream_within(message, size_max, Allowance::ANY, lzw, out)
}

/// The same, for a message within this allowance. More work is [`DropReason::Overpacked`].
pub(crate) fn unpack_stream_within(
    message: &[u8],
    size_max: usize,
    mut allowance: Allowance,
    lzw: &mut Lzw,
    out: &mut Vec<u8>,
) -> Result<(), DropReason> {
    let Some((&COMPRESSED, body)) = message.split_first() else {
        return Err(DropReason::Unrecognised);
    };
    let compressed = Compressed::decode(Reader::new(body))?;
    if compressed.algorithm != LZW {
        return Err(DropReason::Malformed);
    }
    let limit = size_max.min(allowance.unpacked());
    match lzw.decompress(compressed.text, out, limit) {
        Err(DropReason::TooLarge) if limit < size_max => return Err(DropReason::Overpacked),
        outcome => outcome?,
    }
    match out.is_empty() {
        true => Err(DropReason::Truncated),
        // Streams have no compounds.
        false if affords(out, 0, &mut allowance) => Ok(()),
        false => Err(DropReason::Overpacked),
    }
}

/// Takes the cost of a compressed push/pull. Returns whether that much was left. The cost depends
/// on the number of members; a [`Scanner`](super::Scanner) limits their content.
pub(super) fn affords_table(message: &[u8], allowance: &mut Allowance) -> bool {
    let mut reader = Reader::new(message.get(1..).unwrap_or_default());
    // A broken structure is refused before any member is read.
    let Ok(header) = next_value(&mut reader).and_then(PushPullHeader::decode) else {
        return true;
    };
    allowance.take_entries(usize::try_from(header.nodes).unwrap_or_default())
}

impl<'a> Table<'a> {
    /// The readable members, and errors for the rest.
    #[must_use]
    pub fn members(&self) -> TableMembers<'a> {
        TableMembers { states: Reader::new(self.states), default_port: self.default_port }
    }

    /// Checks the structure of the message, but leaves its members to [`TableMembers`].
    fn decode<const SCANNED: bool>(
        mut reader: Reader<'a>,
        default_port: u16,
    ) -> Result<Self, DropReason> {
        let header = PushPullHeader::decode(next_value(&mut reader)?)?;
        let nodes = u32::try_from(header.nodes).map_err(|_| DropReason::Malformed)?;
        let size = length(header.user_state_size)?;
        let states = match SCANNED {
            true => {
                let states = reader.rest().len().checked_sub(size).ok_or(DropReason::Malformed)?;
                reader.raw(states)?
            }
            false => reader.values(nodes)?,
        };
        let user_state = reader.raw(size)?;
        Ok(Table { join: header.join, nodes, user_state, states, default_port })
    }
}

impl<'a> Iterator for TableMembers<'a> {
    type Item = Result<MemberRef<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.states.rest().is_empty() {
            let announcement = AliveBody::decode_next::<true>(&mut self.states);
            if announcement.is_err() {
                // The structure was checked, so this cannot fail.
                next_value(&mut self.states).ok()?;
            }
            let member =
                announcement.and_then(|announcement| announcement.member(self.default_port));
            if let Some(member) = member.transpose() {
                return Some(member);
            }
        }
        None
    }
}

impl core::iter::FusedIterator for TableMembers<'_> {}

/// The head of a push/pull. Its numbers are unchecked, and may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PushPullHeader {
    pub(super) join: bool,
    pub(super) nodes: i64,
    pub(super) user_state_size: i64,
}

impl PushPullHeader {
    pub(super) fn decode(reader: Reader<'_>) -> Result<Self, DropReason> {
        const ORDER: &[&str] = &["Nodes", "UserStateLen", "Join"];
        let mut header = PushPullHeader::default();
        let mut fields = Fields::new(reader, ORDER)?;
        while let Some(name) = fields.name()? {
            match name {
                b"Nodes" => header.nodes = fields.value.int()?,
                b"UserStateLen" => header.user_state_size = fields.value.int()?,
                b"Join" => header.join = fields.value.bool()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(header)
    }
}

/// The head of a user message. Its number is unchecked, and may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserHeader {
    pub(super) size: i64,
}

impl UserHeader {
    pub(super) fn decode(reader: Reader<'_>) -> Result<Self, DropReason> {
        const ORDER: &[&str] = &["UserMsgLen"];
        let mut header = UserHeader::default();
        let mut fields = Fields::new(reader, ORDER)?;
        while let Some(name) = fields.name()? {
            match name {
                b"UserMsgLen" => header.size = fields.value.int()?,
                _ => fields.value.skip()?,
            }
        }
        Ok(header)
    }
}

fn decode_user(mut reader: Reader<'_>) -> Result<&[u8], DropReason> {
    let header = UserHeader::decode(next_value(&mut reader)?)?;
    reader.raw(length(header.size)?)
}

fn decode_error(reader: Reader<'_>) -> Result<&str, DropReason> {
    const ORDER: &[&str] = &["Error"];
    let mut text: &[u8] = &[];
    let mut fields = Fields::new(reader, ORDER)?;
    while let Some(name) = fields.name()? {
        match name {
            b"Error" => text = fields.value.bytes()?,
            _ => fields.value.skip()?,
        }
    }
    Ok(text.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
}

/// The next value with its content.
fn next_value<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, DropReason> {
    reader.values(1).map(Reader::new)
}

fn length(said: i64) -> Result<usize, DropReason> {
    usize::try_from(said).map_err(|_| DropReason::Malformed)
}
