//! What nodes say to each other, and how it is written down.
//!
//! The messages here borrow from the packet or frame that they were read from; nothing is copied
//! or allocated. [`open_packet`] reads a datagram, [`open_header`], [`frame_len`] and
//! [`decode_frame`] a stream. `docs/reference/wire.md` specifies the format, `docs/swim.proto` its
//! schema.
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

/// The longest cluster label, in bytes: its length travels in one byte.
pub const LABEL_SIZE_MAX: usize = 255;
/// The longest key of a broadcast, in bytes.
pub const BROADCAST_KEY_SIZE_MAX: usize = 255;
/// The smallest `packet_size_max`, in bytes: a ping or an accusation with two names of 255 bytes,
/// behind a label of 255 bytes, takes 782.
pub const PACKET_SIZE_MIN: usize = 800;
/// The largest payload of a UDP datagram over IPv4.
pub const DATAGRAM_SIZE_MAX: usize = 65_507;
/// The most bytes that one stream, or all of them together, may buffer.
pub const STREAM_BYTES_MAX: usize = 1 << 30;

/// Which format a node speaks.
///
/// Without the feature `memberlist` it has one variant and is `#[non_exhaustive]`: a `match` on it
/// still compiles where something else in a program asks for the feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "memberlist"), non_exhaustive)]
pub enum Wire {
    /// This library's own: compact, with all that it can do.
    #[default]
    Swim,
    /// That of HashiCorp memberlist, byte for byte: to be in one cluster with Go programs.
    #[cfg(feature = "memberlist")]
    Memberlist,
}

impl Wire {
    /// The word for it in settings and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.format() {
            Format::Swim => "swim",
            Format::Memberlist(_) => "memberlist",
        }
    }

    /// The same, to be matched on.
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

    /// The protocol versions that there are, and what a node announces by default.
    pub(crate) const fn versions(self) -> Versions {
        match self.format() {
            Format::Swim => Versions::DEFAULT,
            Format::Memberlist(_) => Versions::MEMBERLIST,
        }
    }

    /// What a message costs in a packet besides its own bytes.
    pub(crate) const fn part_overhead(self) -> usize {
        match self.format() {
            Format::Swim => 0,
            Format::Memberlist(_) => memberlist::COMPOUND_PART_OVERHEAD,
        }
    }

    /// Appends a message in the form in which packets carry it.
    #[inline]
    pub(crate) fn encode(self, message: &Message<'_>, out: &mut BytesMut) {
        match self.format() {
            Format::Swim => message.encode(out),
            Format::Memberlist(_) => memberlist::encode(message, out),
        }
    }

    /// How many bytes [`encode`](Wire::encode) appends.
    #[inline]
    pub(crate) fn encoded_len(self, message: &Message<'_>) -> usize {
        match self.format() {
            Format::Swim => message.encoded_len(),
            Format::Memberlist(_) => memberlist::encoded_len(message),
        }
    }
}

/// A [`Wire`] as this crate matches on it. Without the feature `memberlist` the second one has no
/// value, so the compiler leaves out what would be done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "memberlist"), allow(dead_code, reason = "so one is never made"))]
pub(crate) enum Format {
    Swim,
    Memberlist(memberlist::Spoken),
}

/// One message of a datagram, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Are you there?
    Ping(Ping<'a>),
    /// Please ping somebody for me.
    IndirectPing(IndirectPing<'a>),
    /// Yes.
    Ack(Ack<'a>),
    /// The member that you asked me to ping has not answered yet.
    Nack {
        /// The sequence number of the indirect ping.
        sequence: u32,
    },
    /// News about a member.
    Update(Update<'a>),
    /// A user message to one member.
    User(User<'a>),
    /// A user message to everybody.
    Broadcast(Broadcast<'a>),
}

/// A direct ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping<'a> {
    /// Comes back in the ack.
    pub sequence: u32,
    /// The name of the member that is meant; another one at this address does not answer. On
    /// memberlist's wire it may be empty, for whoever is there.
    pub target: &'a str,
    /// The name of the member that asks; on memberlist's wire it may be empty, for unknown.
    pub source: &'a str,
    /// Where the member that asks wants the answer. Only memberlist's wire says so; otherwise it
    /// goes to where the ping came from.
    pub reply_to: Option<SocketAddr>,
}

/// A request to ping another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndirectPing<'a> {
    /// Comes back in the ack or nack.
    pub sequence: u32,
    /// The name of the member to ping.
    pub target: &'a str,
    /// Its address.
    pub address: SocketAddr,
    /// The name of the member that asks. Only memberlist's wire says so; otherwise it is empty.
    pub source: &'a str,
    /// Where the member that asks wants the answer, as in a [`Ping`].
    pub reply_to: Option<SocketAddr>,
    /// Whether the member that asks wants a nack; the native wire does not say, as it always does.
    pub wants_nack: bool,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The sequence number of the ping or indirect ping.
    pub sequence: u32,
    /// The application's data; empty for an indirect ping.
    pub payload: &'a [u8],
    /// A digest of whom the sender holds for alive or suspect; 0 where it is not to be compared.
    pub view: u32,
}

/// News about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    /// The member that the news is about.
    pub name: &'a str,
    /// Its incarnation that the news is about.
    pub incarnation: Incarnation,
    /// What is claimed.
    pub claim: Claim<'a>,
}

/// What an [`Update`] claims of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim<'a> {
    /// It is alive, and announces this.
    Alive {
        /// Its address.
        address: SocketAddr,
        /// Its metadata.
        meta: &'a [u8],
        /// Its versions.
        versions: Versions,
    },
    /// Its probe failed.
    Suspect {
        /// Whose probe.
        accuser: &'a str,
    },
    /// It did not refute in time.
    Failed {
        /// Who says so.
        accuser: &'a str,
    },
    /// It said goodbye.
    Left,
}

/// A user message to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// The sender's name; empty on memberlist's wire, which does not say.
    pub from: &'a str,
    /// The content.
    pub payload: &'a [u8],
    /// For whom it is and which one it is; only what is sealed on the native wire says that.
    pub envelope: Option<Envelope>,
}

/// For whom a sealed message is, and which one it is: so it is delivered there, and once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The [`recipient`] that is meant.
    pub to: u64,
    /// The recipient's incarnation, as far as the sender knows; 0 on a stream.
    pub incarnation: Incarnation,
    /// Tells the sender's lives apart, and which was later; 0 on a stream.
    pub life: u32,
    /// Counts the sender's messages of one life; 0 on a stream.
    pub sequence: u32,
}

impl Envelope {
    /// The envelope of a message on a stream to a member of this name: the stream itself tells
    /// which message it is.
    #[must_use]
    pub fn to_stream_of(name: &str) -> Self {
        Envelope { to: recipient(name), incarnation: Incarnation(0), life: 0, sequence: 0 }
    }
}

/// What an [`Envelope`] calls a member of this name: shorter than most names.
#[must_use]
pub fn recipient(name: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// A user message to everybody. (origin, life, sequence) is its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast<'a> {
    /// The sender's name.
    pub origin: &'a str,
    /// A random number that the sender drew when it started: tells its lives apart, whatever its
    /// clock and its incarnations do.
    pub life: u32,
    /// Counts the sender's broadcasts of one life, from 0.
    pub sequence: u32,
    /// Replaces older broadcasts of the same sender and key; empty for none.
    pub key: &'a [u8],
    /// The content.
    pub payload: &'a [u8],
    /// The highest incarnation of any member that the sender knew; 0 where nothing is sealed. Who
    /// joined later has a higher one.
    pub known: Incarnation,
}

impl<'a> IndirectPing<'a> {
    /// The request as the native wire carries it.
    #[must_use]
    pub const fn new(sequence: u32, target: &'a str, address: SocketAddr) -> Self {
        IndirectPing { sequence, target, address, source: "", reply_to: None, wants_nack: true }
    }
}

impl Message<'_> {
    /// What kind of message it is.
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
    /// The state that is claimed.
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
