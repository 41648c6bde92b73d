//! Messages between nodes, and their encoding.
//!
//! Messages borrow from the packet or frame that they were read from; nothing is copied or
//! allocated. [`open_packet`] reads a datagram; [`open_header`], [`frame_len`] and [`decode_frame`]
//! read a stream. `docs/reference/wire.md` specifies the format, `docs/swim.proto` its schema.
//!
//! ```
//! use bytes::BytesMut;
//! use swim_core::wire::{self, Message, Ping};
//!
//! let ping = Ping { sequence: 7, target: "cache-7", source: "cache-1", reply_to: None };
//! let ping = Message::Ping(ping);
//! let mut packet = BytesMut::new();
//! wire::begin_packet(b"staging", &mut packet);
//! ping.encode(&mut packet);
//!
//! let mut messages = wire::open_packet(&packet, b"staging")?;
//! assert_eq!(messages.next(), Some(Ok(ping)));
//! assert_eq!(messages.next(), None);
//! # Ok::<(), swim_core::DropReason>(())
//! ```

#[cfg_attr(
    not(feature = "memberlist"),
    allow(dead_code, reason = "it knows the prices of both wires")
)]
mod allowance;
mod frames;
mod half;
mod lz4;
#[cfg(feature = "memberlist")]
pub mod memberlist;
mod messages;
#[cfg(not(feature = "memberlist"))]
pub(crate) mod no_memberlist;
mod protobuf;
mod seal_version;
mod swim;

use core::hash::Hasher;
use core::net::SocketAddr;

use bytes::BytesMut;
use siphasher::sip::SipHasher13;

use crate::member::{Incarnation, State, Versions};
use crate::stats::MessageKind;

pub use half::{Half, Opening};

pub(crate) use allowance::{Allowance, newcomers_max};
pub use frames::{
    FRAME_HEADER_LEN, FRAME_SIZE_TARGET, Frame, Members, NameClaim, PUSH_PULL_FRAME_SIZE_MAX,
    PushPull, Scope, decode_frame, encode_push_pull, encode_push_pull_with, frame_len,
};
pub use lz4::{Lz4, compress_packet, unpack_packet};
pub(crate) use lz4::{compress_packet_within, unpack_packet_within};
#[cfg(not(feature = "memberlist"))]
pub(crate) use no_memberlist as memberlist;
pub use seal_version::SealVersion;
pub(crate) use swim::{
    HEADER_SIZE_MAX, Labels, alive_len_max, mark_sealed, mark_sealed_stream, read_header,
};
pub use swim::{
    LINK_MAGIC, MAGIC, Messages, WIRE_VERSION, begin_packet, header_len, open_header, open_packet,
};

/// The longest cluster label in bytes: the wire has one byte for its length.
pub const LABEL_SIZE_MAX: usize = 255;
/// The longest key of a broadcast, in bytes.
pub const BROADCAST_KEY_SIZE_MAX: usize = 255;
/// The smallest `packet_size_max` in bytes.
///
/// A ping or an accusation with two names of 255 bytes, after a label of 255 bytes, takes 782.
pub const PACKET_SIZE_MIN: usize = 800;
/// The largest payload of a UDP datagram over IPv4.
pub const DATAGRAM_SIZE_MAX: usize = 65_507;
/// The most bytes that one stream, or all of them together, may buffer.
pub const STREAM_BYTES_MAX: usize = 1 << 30;

/// The wire format of a node.
///
/// Without the feature `memberlist` it has one variant and is `#[non_exhaustive]`. A `match` on it
/// then still compiles if another part of a program enables the feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "memberlist"), non_exhaustive)]
pub enum Wire {
    /// This library's own format: compact, with all features.
    #[default]
    Swim,
    /// The format of HashiCorp memberlist, byte for byte, for clusters with Go programs.
    #[cfg(feature = "memberlist")]
    Memberlist,
}

impl Wire {
    /// The value's name in settings and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.format() {
            Format::Swim => "swim",
            Format::Memberlist(_) => "memberlist",
        }
    }

    /// The same, for `match`.
    #[inline]
    pub(crate) const fn format(self) -> Format {
        match self {
            Wire::Swim => Format::Swim,
            #[cfg(feature = "memberlist")]
            Wire::Memberlist => Format::Memberlist(memberlist::Spoken),
        }
    }

    /// Whether it is memberlist's.
    #[inline]
    pub(crate) const fn is_memberlist(self) -> bool {
        matches!(self.format(), Format::Memberlist(_))
    }

    /// The supported protocol versions, and the ones that a node announces by default.
    pub(crate) const fn versions(self) -> Versions {
        match self.format() {
            Format::Swim => Versions::DEFAULT,
            Format::Memberlist(_) => Versions::MEMBERLIST,
        }
    }

    /// The overhead of a message in a packet, in bytes.
    pub(crate) const fn part_overhead(self) -> usize {
        match self.format() {
            Format::Swim => 0,
            Format::Memberlist(_) => memberlist::COMPOUND_PART_OVERHEAD,
        }
    }

    /// Appends a message in its form for packets.
    #[inline]
    pub(crate) fn encode(self, message: &Message<'_>, out: &mut BytesMut) {
        match self.format() {
            Format::Swim => message.encode(out),
            Format::Memberlist(_) => memberlist::encode(message, out),
        }
    }

    /// The number of bytes that [`encode`](Wire::encode) appends.
    #[inline]
    pub(crate) fn encoded_len(self, message: &Message<'_>) -> usize {
        match self.format() {
            Format::Swim => message.encoded_len(),
            Format::Memberlist(_) => memberlist::encoded_len(message),
        }
    }
}

/// A [`Wire`] for `match` in this crate. Without the feature `memberlist` the second variant has no
/// value, so the compiler drops the code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "memberlist"), allow(dead_code, reason = "so one is never made"))]
pub(crate) enum Format {
    Swim,
    Memberlist(memberlist::Spoken),
}

/// One message of a datagram, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Asks a member to answer.
    Ping(Ping<'a>),
    /// Asks a member to ping another one.
    IndirectPing(IndirectPing<'a>),
    /// Answers a ping.
    Ack(Ack<'a>),
    /// Reports that the member of an indirect ping has not answered yet.
    Nack {
        /// The sequence number of the indirect ping.
        sequence: u32,
    },
    /// News about a member.
    Update(Update<'a>),
    /// A user message to one member.
    User(User<'a>),
    /// A user message to all members.
    Broadcast(Broadcast<'a>),
}

/// A direct ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping<'a> {
    /// Returned in the ack.
    pub sequence: u32,
    /// The name of the addressed member; another member at this address does not answer. On
    /// memberlist's wire it may be empty, for any member.
    pub target: &'a str,
    /// The sender's name. On memberlist's wire it may be empty, for unknown.
    pub source: &'a str,
    /// The address for the answer. Only memberlist's wire has it; otherwise the answer goes to the
    /// ping's source address.
    pub reply_to: Option<SocketAddr>,
}

/// A request to ping another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndirectPing<'a> {
    /// Returned in the ack or nack.
    pub sequence: u32,
    /// The name of the member to ping.
    pub target: &'a str,
    /// Its address.
    pub address: SocketAddr,
    /// The requester's name. Only memberlist's wire has it; otherwise it is empty.
    pub source: &'a str,
    /// The address for the answer, as in a [`Ping`].
    pub reply_to: Option<SocketAddr>,
    /// Whether the requester wants a nack. Not on the native wire, where it always does.
    pub wants_nack: bool,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The sequence number of the ping or indirect ping.
    pub sequence: u32,
    /// The application's data; empty for an indirect ping.
    pub payload: &'a [u8],
    /// A digest of the members that the sender believes alive or suspect; 0 if it must not be
    /// compared.
    pub view: u32,
}

/// News about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    /// The member's name.
    pub name: &'a str,
    /// The member's incarnation that the news is about.
    pub incarnation: Incarnation,
    /// The claim.
    pub claim: Claim<'a>,
}

/// The claim of an [`Update`] about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim<'a> {
    /// It is alive and announces this.
    Alive {
        /// Its address.
        address: SocketAddr,
        /// Its metadata.
        meta: &'a [u8],
        /// Its versions.
        versions: Versions,
    },
    /// A probe of it failed.
    Suspect {
        /// The member whose probe failed.
        accuser: &'a str,
    },
    /// It did not refute in time.
    Failed {
        /// The member that declared it failed.
        accuser: &'a str,
    },
    /// It left.
    Left,
}

/// A user message to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// The sender's name. Empty on memberlist's wire, which does not carry it.
    pub from: &'a str,
    /// The content.
    pub payload: &'a [u8],
    /// The recipient and number of the message. Only sealed messages of the native wire have it.
    pub envelope: Option<Envelope>,
}

/// The recipient and number of a sealed message, so that it is delivered only there and only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The addressed [`recipient`].
    pub to: u64,
    /// The recipient's incarnation, as far as the sender knows; 0 on a stream.
    pub incarnation: Incarnation,
    /// Identifies a life of the sender, a later one by a higher number; 0 on a stream.
    pub life: u32,
    /// Counts the sender's messages in one life; 0 on a stream.
    pub sequence: u32,
}

impl Envelope {
    /// The envelope of a message on a stream to a member of this name.
    ///
    /// The stream itself identifies the message.
    #[must_use]
    pub fn to_stream_of(name: &str) -> Self {
        Envelope { to: recipient(name), incarnation: Incarnation(0), life: 0, sequence: 0 }
    }
}

/// The number of a member of this name in an [`Envelope`]: shorter than most names.
#[must_use]
pub fn recipient(name: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// A user message to all members, identified by (origin, life, sequence).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast<'a> {
    /// The sender's name.
    pub origin: &'a str,
    /// A random number that the sender drew at its start. It distinguishes the sender's lives
    /// regardless of its clock and incarnations.
    pub life: u32,
    /// Counts the sender's broadcasts in one life, from 0.
    pub sequence: u32,
    /// Replaces older broadcasts of the same sender and key; empty if it has no key.
    pub key: &'a [u8],
    /// The content.
    pub payload: &'a [u8],
    /// The highest incarnation that the sender knew of any member, or 0 if nothing is sealed. A
    /// member that joined later has a higher one.
    pub known: Incarnation,
}

impl<'a> IndirectPing<'a> {
    /// The request in its form on the native wire.
    #[must_use]
    pub const fn new(sequence: u32, target: &'a str, address: SocketAddr) -> Self {
        IndirectPing { sequence, target, address, source: "", reply_to: None, wants_nack: true }
    }
}

impl Message<'_> {
    /// The kind of this message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Message::Ping(_) => MessageKind::Ping,
            Message::IndirectPing(_) => MessageKind::IndirectPing,
            Message::Ack(_) => MessageKind::Ack,
            Message::Nack { .. } => MessageKind::Nack,
            Message::Update(update) => match update.state() {
                State::Alive => MessageKind::Alive,
                State::Suspect => MessageKind::Suspect,
                State::Failed => MessageKind::Failed,
                State::Left => MessageKind::Left,
            },
            Message::User(_) => MessageKind::User,
            Message::Broadcast(_) => MessageKind::Broadcast,
        }
    }
}

impl Update<'_> {
    /// The claimed state.
    #[must_use]
    pub fn state(&self) -> State {
        match self.claim {
            Claim::Alive { .. } => State::Alive,
            Claim::Suspect { .. } => State::Suspect,
            Claim::Failed { .. } => State::Failed,
            Claim::Left => State::Left,
        }
    }
}
