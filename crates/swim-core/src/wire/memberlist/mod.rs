//! The wire format of HashiCorp memberlist, for clusters with Go members.
//!
//! This module is the codec for the text inside label and seal. For a datagram, [`read_packet`]
//! walks over the messages; [`encode`] writes one, and [`make_compound`], [`compress_packet`] and
//! [`add_checksum`] wrap them. For a stream, [`Scanner`] finds the end of a message and
//! [`decode_stream`] reads it. The messages are those of the native wire, so
//! [`Message`](crate::wire::Message) is the type for both.
//!
//! Tests compare it with bytes that a Go member sent, and with the input that a Go member accepts.
//! It is stricter than Go with data that it passes on: names are 1 to 255 bytes of UTF-8, addresses
//! 4 or 16 bytes, and versions 6 bytes. A decompressed packet is at most [`UNPACKED_PACKET_MAX`]
//! bytes long.
//!
//! ```
//! use bytes::BytesMut;
//! use swim_core::wire::memberlist::{Lzw, encode, read_packet};
//! use swim_core::wire::{Message, Ping};
//!
//! let ping = Ping { sequence: 42, target: "n", source: "", reply_to: None };
//! let mut packet = BytesMut::new();
//! encode(&Message::Ping(ping), &mut packet);
//! assert_eq!(&packet[..], b"\x00\x82\xa4Node\xa1n\xa5SeqNo\x2a");
//!
//! read_packet(&packet, 7946, &mut Lzw::default(), &mut |message| {
//!     assert_eq!(message, Ok(Message::Ping(ping)));
//! });
//! ```

mod half;
mod label;
#[cfg(feature = "compression")]
mod lzw;
mod messages;
mod msgpack;
#[cfg(not(feature = "compression"))]
mod no_lzw;
mod packet;
mod scanner;
mod stream;
#[cfg(test)]
mod tolerance;

pub(crate) use half::{members, opening, user_state};
pub(crate) use label::lacks_body;
pub use label::{
    check_first_byte, label_header_len, looks_plain, looks_sealed, put_label, split_label,
    split_stream_label,
};
pub use lzw::Lzw;
#[cfg(feature = "compression")]
pub use lzw::compress_stream;
pub use messages::{encode, encoded_len};
pub use packet::{
    CHECKSUM_OVERHEAD, COMPOUND_OVERHEAD, COMPOUND_PART_OVERHEAD, COMPOUND_PARTS_MAX, NESTING_MAX,
    UNPACKED_PACKET_MAX, add_checksum, compress_packet, make_compound, read_packet,
};
pub(crate) use packet::{compress_packet_within, read_packet_within};
pub use scanner::{
    HEADER_SIZE_MAX, MEMBER_SIZE_MAX, SEAL_HEADER_LEN, SIMPLE_SIZE_MAX, Scanner, StreamLimits,
};
pub(crate) use stream::unpack_stream_within;
pub use stream::{
    StreamMessage, Table, TableMembers, decode_stream, encode_error, encode_push_pull, encode_user,
    unpack_stream,
};

pub use super::SealVersion;

#[cfg(not(feature = "compression"))]
use no_lzw as lzw;

/// Marks the format as supported: the value of [`Format::Memberlist`](super::Format).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken;

/// The types of messages: the first byte of each. Types outside the model of
/// [`Message`](crate::wire::Message) are public.
const PING: u8 = 0;
const INDIRECT_PING: u8 = 1;
const ACK: u8 = 2;
const SUSPECT: u8 = 3;
const ALIVE: u8 = 4;
/// Also a leave.
const DEAD: u8 = 5;
const PUSH_PULL: u8 = 6;
const COMPOUND: u8 = 7;
const USER: u8 = 8;
/// The first byte of a compressed message; see [`unpack_stream`].
pub const COMPRESSED: u8 = 9;
/// The first byte of a sealed message on a stream.
///
/// The number of sealed bytes follows in 32 bits, big-endian. In a datagram, the seal has no type.
pub const SEALED: u8 = 10;
const NACK: u8 = 11;
const CHECKSUM: u8 = 12;
/// The first byte of an error, sent instead of an answer.
pub const ERROR: u8 = 13;

/// The first protocol version whose members understand checksums.
pub const CHECKSUM_VERSION: u8 = 5;
/// The first protocol version whose members answer pings over streams.
pub const STREAM_PING_VERSION: u8 = 3;
/// The first protocol version whose members send nacks.
pub const NACK_VERSION: u8 = 4;

/// The only compression algorithm.
const LZW: u8 = 0;
