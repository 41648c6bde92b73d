//! What leaves a node: packets, stream operations, and events.

mod connection_error;
mod made;
mod sentence;
#[cfg(feature = "serde")]
mod serial;
#[cfg(test)]
mod tests;
mod tls_fault;
mod via;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;

use crate::fingerprint::Fingerprint;
use crate::member::{Incarnation, Member, Name, State};
use crate::stats::DropReason;

pub use connection_error::ConnectionError;
pub use tls_fault::TlsFault;
pub use via::Via;

/// Something that the caller has to do. Exhaustive on purpose: a new duty must not be overlooked.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a datagram. It may be lost, and nothing is reported when it cannot be sent.
    Packet {
        /// Where to.
        to: SocketAddr,
        /// Its content, at most `packet_size_max` bytes.
        payload: Bytes,
        /// What it is for: what goes first where packets have to wait.
        kind: PacketKind,
    },
    /// Do something to a stream (a TCP connection, say).
    Stream {
        /// Which stream.
        id: StreamId,
        /// What to do.
        op: StreamOp,
    },
    /// Tell the application.
    Event(Event),
    /// Tell who gave a command how it ended. Each command that returned a [`RequestId`] gets
    /// exactly one answer.
    Answer {
        /// Which command.
        request: RequestId,
        /// How it ended.
        result: Result<Answer, Failure>,
    },
}

/// What a packet is for. The payload may be encrypted, so whoever queues packets is told.
///
/// Exhaustive on purpose: a queue has to know what to do with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// A ping, or the request to send one: the receiver answers it, and a late answer counts for
    /// nothing.
    Probe,
    /// An ack or a nack, for which somebody waits.
    Answer,
    /// Gossip, messages of the application, notices to one member: still of use when late.
    News,
}

/// What to do to a stream. Operations on one stream are carried out in order.
///
/// Each stream ends once: by [`Close`](StreamOp::Close), by [`Abort`](StreamOp::Abort), or by the
/// caller's own [`StreamInput::Failed`]. The node has forgotten it then. No further operation names
/// it, and nothing that is still reported about it matters.
///
/// Exhaustive on purpose: a new duty must not be overlooked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamOp {
    /// Connect to this address, and report [`StreamInput::Opened`] or [`StreamInput::Failed`].
    /// Later operations may follow before that report; keep them until the stream is open.
    Open {
        /// Where to.
        to: SocketAddr,
    },
    /// Write these bytes, all of them, in order.
    Send(Bytes),
    /// Nothing more will be written: close the sending side once everything is written. The peer
    /// may still send; go on reading.
    Finish,
    /// Both sides are done: close the stream and forget it, once what is still unwritten is
    /// written. This follows a [`Finish`](StreamOp::Finish), and the
    /// [`StreamInput::Finished`] of the peer.
    ///
    /// The node no longer watches the stream, so the caller gives up a peer that stops reading:
    /// when [`Config::stream_timeout`](crate::Config::stream_timeout) passes in which less than
    /// 256 KiB of what is left was written.
    Close,
    /// Close the stream now and forget it, unsent bytes too; stop dialling if it is not open yet.
    Abort,
}

/// What the caller reports about a stream. See [`Node::handle_stream`](crate::Node::handle_stream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamInput<'a> {
    /// The connection asked for with [`StreamOp::Open`] is established.
    Opened,
    /// The names that the peer may go by, as its certificate says. Reported before any data, by
    /// transports that check names; a peer that calls itself anything else is refused.
    Certified(&'a [Name]),
    /// Bytes came in, in order, in pieces of any size.
    Data(&'a [u8]),
    /// The peer closed its sending side: no more data will come.
    Finished,
    /// The connection failed, or could not be opened.
    Failed(ConnectionError),
}

/// Names a stream between a node and its caller. Never reused within one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Names a command whose answer comes later, as an [`Output::Answer`]. Never reused within one
/// node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// News for the application, with its cause. New kinds may be added in any release.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A member is in the cluster that was not there before, or is back. From its second failure
    /// on, a member that has not answered this node in between is not back before it answers.
    #[non_exhaustive]
    Joined {
        /// The member, alive.
        member: Member,
        /// What was known of it before: `Failed` or `Left`, or nothing.
        previous: Option<State>,
        /// How this node heard of it.
        via: Via,
    },
    /// A live member announced itself anew: other metadata, versions or address, or only a higher
    /// incarnation (it refuted a suspicion that this node never heard of, or it restarted).
    #[non_exhaustive]
    Updated {
        /// The member with what it announces now.
        member: Member,
        /// How this node heard of it.
        via: Via,
    },
    /// A member is suspected. Unless it refutes it will be declared failed.
    #[non_exhaustive]
    Suspected {
        /// The member, suspect.
        member: Member,
        /// Whose probe failed.
        accuser: Name,
        /// When this node will declare it failed: at the earliest, if others confirm ...
        timeout_min: Duration,
        /// ... and at the latest, if nobody does.
        timeout_max: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// One more member independently suspects a suspect; its time runs out sooner.
    #[non_exhaustive]
    Confirmed {
        /// The suspect.
        name: Name,
        /// Whose probe failed too.
        accuser: Name,
        /// How many independent confirmations there are now, the first accuser not counted.
        confirmations: u32,
        /// How long it has left to refute.
        remaining: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A suspect showed that it is alive, with a higher incarnation.
    #[non_exhaustive]
    Refuted {
        /// The member, alive.
        member: Member,
        /// How long it had been suspected here.
        suspected_for: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A member is declared failed.
    #[non_exhaustive]
    Failed {
        /// The member, failed.
        member: Member,
        /// Who declared it failed: this node, or the one that gossips say did.
        declared_by: Name,
        /// Everybody whose failed probe this node knows of, the first accuser first; empty when
        /// the failure was news without a suspicion before.
        accusers: Vec<Name>,
        /// How long it had been suspected here.
        suspected_for: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A member said goodbye; also reported when it had been declared failed before.
    #[non_exhaustive]
    Left {
        /// The member, left.
        member: Member,
        /// What was known of it before.
        previous: State,
        /// How this node heard of it.
        via: Via,
    },
    /// A failed or left member is no longer in the member list: `gossip_to_the_dead` is over, or
    /// the application said so. If it failed it is still looked for, for `lost_members_keep`.
    #[non_exhaustive]
    Unlisted {
        /// The member as it was last known.
        member: Member,
    },
    /// Somebody claimed that this node is suspect, failed or gone; it refuted.
    #[non_exhaustive]
    Accused {
        /// Who claimed it; this node's own name where it was its own goodbye of an earlier life.
        accuser: Name,
        /// What was claimed.
        claim: State,
        /// The incarnation that was accused.
        incarnation: Incarnation,
        /// The incarnation with which this node refuted.
        refuted_with: Incarnation,
        /// How this node heard of it.
        via: Via,
    },
    /// Local health changed: 0 is healthy; the higher, the slower this node itself seems to be.
    #[non_exhaustive]
    HealthChanged {
        /// The score before.
        from: u8,
        /// The score now.
        to: u8,
        /// What moved it.
        reason: HealthReason,
    },
    /// A probed member sent data with its ack. Acks without data are not reported.
    #[non_exhaustive]
    AckPayload {
        /// The member.
        name: Name,
        /// The measured round trip.
        round_trip: Duration,
        /// What it sent.
        payload: Bytes,
    },
    /// A member answers pings over a stream or through others, but not by datagram: something
    /// between this node and it filters or loses datagrams, one way or both. Reported once until a
    /// ping is answered by datagram again.
    #[non_exhaustive]
    DatagramsBlocked {
        /// The member.
        member: Member,
    },
    /// A member answers datagrams, and no stream to it: something between this node and it filters
    /// TCP, or nothing listens there. It stays alive, but push/pulls and reliable messages between
    /// the two fail. Reported once until a stream is answered again.
    #[non_exhaustive]
    StreamsBlocked {
        /// The member.
        member: Member,
    },
    /// A user broadcast arrived. Each is delivered once, in no particular order.
    #[non_exhaustive]
    Broadcast {
        /// The member that sent it.
        origin: Name,
        /// Its key, empty for none.
        key: Bytes,
        /// Its content.
        payload: Bytes,
    },
    /// A message to this node arrived. On memberlist's wire also a broadcast, which is not told
    /// apart there.
    #[non_exhaustive]
    Message {
        /// The member that sent it, as it calls itself. `None` on memberlist's wire, which does not
        /// say; put it into the payload.
        from: Option<Name>,
        /// Its content.
        payload: Bytes,
        /// By stream (`send_reliable`) or by datagram (`send`).
        reliable: bool,
    },
    /// The application state of another node came in, in a push/pull.
    #[non_exhaustive]
    UserState {
        /// The node's address.
        from: SocketAddr,
        /// Whether the exchange was a join.
        join: bool,
        /// The state, never empty.
        state: Bytes,
    },
    /// This node has heard from no member for longer than a suspicion lasts: half as long as the
    /// longest, and at least the shortest one (see [`Config::suspicion_timeouts`]). It is cut off,
    /// or all others are gone. What it lists is out of date, and it declares the others failed.
    ///
    /// [`Config::suspicion_timeouts`]: crate::Config::suspicion_timeouts
    #[non_exhaustive]
    Isolated {
        /// How long it has heard nobody.
        silent_for: Duration,
    },
    /// After [`Isolated`](Event::Isolated): this node hears from a member again.
    #[non_exhaustive]
    HeardAgain {
        /// How long it had heard nobody.
        silent_for: Duration,
    },
    /// No member reaches this node at the address that it announces, although its own packets
    /// arrive: three peers at a time, asked three times, found nobody there. The others declare it
    /// failed, and it refutes, again and again. Correct what it announces, or let datagrams and
    /// streams through to there. Reported once until something comes there.
    #[non_exhaustive]
    AddressUnreachable {
        /// What this node announces.
        address: SocketAddr,
    },
    /// This node did not run for a while (suspend, stall, starved CPU). The time is not counted
    /// against others.
    #[non_exhaustive]
    Late {
        /// How long, beyond the time it was due.
        by: Duration,
    },
    /// Another node has this node's own name, at another address. Two nodes must not share a name:
    /// rename one of them. On the native wire this node may be the one that waits: its joins fail
    /// with [`Failure::NameTaken`] then.
    #[non_exhaustive]
    NameTaken {
        /// The other address.
        address: SocketAddr,
        /// How this node heard of it.
        via: Via,
    },
    /// Two live nodes claim the same name. On the native wire the two decide which one keeps it
    /// ([`Config::name_conflict`](crate::Config::name_conflict)), but rename the other.
    #[non_exhaustive]
    NameConflict {
        /// The name.
        name: Name,
        /// The address that keeps the name here: the one that was known.
        winner: SocketAddr,
        /// The address that is not heeded under this name.
        loser: SocketAddr,
        /// How this node heard of the winner.
        via: Via,
    },
    /// Something came in that this node cannot use: the first of its kind from an address.
    #[non_exhaustive]
    BadInput {
        /// Where it came from.
        from: SocketAddr,
        /// What is wrong with it.
        reason: DropReason,
        /// By stream or by datagram.
        stream: bool,
    },
    /// Streams from peers ran short of something, so that some of them had to end, or were refused.
    /// Reported once a minute at most for each resource.
    #[non_exhaustive]
    StreamsShort {
        /// What they ran short of.
        resource: StreamResource,
        /// Who holds the most of it, up to 8 sources, the one with the most first.
        sources: Vec<StreamSource>,
    },
    /// The primary key, which is for AES, may have made half of the 2^32 seals that it is good for:
    /// if each live member sealed as often with it as this node. Replace it before it has served as
    /// long again. Reported once for each key, and not counted over a restart of the node.
    #[non_exhaustive]
    KeyWearsOut {
        /// The key.
        key: Fingerprint,
        /// How often this node sealed with it.
        seals: u64,
        /// How many live members there are, this node included.
        members: usize,
    },
    /// TLS could not be spoken with a peer: the first time for this reason and host in a minute.
    #[non_exhaustive]
    TlsFailed {
        /// The address that was dialled, or that the peer dialled from.
        peer: SocketAddr,
        /// Whether this node dialled.
        dialled: bool,
        /// What is wrong, and what to change.
        fault: TlsFault,
    },
}

/// What streams share. See [`Event::StreamsShort`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamResource {
    /// Streams that may be open: `streams_max`.
    Places,
    /// Bytes of what is not complete yet: `stream_buffer_max`, or the part of it for strangers.
    Bytes,
}

impl StreamResource {
    /// A short fixed name, for people, metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            StreamResource::Places => "places",
            StreamResource::Bytes => "bytes",
        }
    }
}

impl fmt::Display for StreamResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the streams of one source take up. See [`Event::StreamsShort`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StreamSource {
    /// An IPv4 address, or an IPv6 network of 64 bits.
    pub network: IpNet,
    /// How many are open.
    pub streams: usize,
    /// How many bytes of them are kept.
    pub bytes: usize,
}

/// What moved local health. See [`Event::HealthChanged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthReason {
    /// A probe was answered.
    ProbeAnswered,
    /// A probe failed, and no peer was there to help.
    ProbeFailed,
    /// Peers that were asked to help stayed silent: their nacks are missing.
    NacksMissed,
    /// Somebody suspected this node.
    Accused,
}

impl HealthReason {
    /// A short fixed name, for metrics and JSON.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            HealthReason::ProbeAnswered => "probe_answered",
            HealthReason::ProbeFailed => "probe_failed",
            HealthReason::NacksMissed => "nacks_missed",
            HealthReason::Accused => "accused",
        }
    }
}

impl fmt::Display for HealthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HealthReason::ProbeAnswered => "a probe was answered",
            HealthReason::ProbeFailed => "a probe failed",
            HealthReason::NacksMissed => "peers that were asked to help stayed silent",
            HealthReason::Accused => "this node was suspected",
        })
    }
}

/// How a command succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// `join`: the push/pull with the node at the address is done.
    Joined {
        /// The address that was joined.
        contact: SocketAddr,
        /// How many live members this node knows now, itself included.
        members: usize,
    },
    /// `leave`: the goodbye was sent as often as an update is sent, and a peer acknowledged it; or
    /// there was nobody to tell.
    Left,
    /// `set_meta`, `broadcast`: sent as often as an update is sent, or replaced by a newer one.
    Spread,
    /// `send_reliable`: the receiver acknowledged the message.
    Delivered,
    /// `ping`: the member answered.
    Pong {
        /// The measured round trip.
        round_trip: Duration,
        /// What the member sends with its acks.
        payload: Bytes,
    },
}

/// Why a command that was accepted did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// The connection could not be made, or broke. A peer that closes it for one of the reasons of
    /// [`Refused`](Failure::Refused) while data is still on its way often looks like this, too:
    /// like [`ConnectionError::Reset`].
    Connection(ConnectionError),
    /// The peer closed the stream without an answer: it speaks another protocol, belongs to another
    /// cluster, refuses, or has no room for it, because its `streams_max`,
    /// `streams_per_source_max` or `stream_buffer_max` is reached. Where it is overloaded, a later
    /// attempt may succeed.
    Refused,
    /// The peer's answer was not understood.
    BadAnswer {
        /// What is wrong with it.
        reason: DropReason,
    },
    /// The peer said what is wrong, on memberlist's wire: that this node's keys or limits are not
    /// its own, say.
    Complained {
        /// What it said, at most 200 characters.
        message: String,
    },
    /// `join`: the address is this node's own.
    OwnAddress,
    /// `join` and `set_meta`, on the native wire: another node has this node's name, and answers
    /// ([`Event::NameTaken`](crate::Event::NameTaken)). This node asks it once per probe interval,
    /// and takes part under its name, with the metadata that was set, once that one has failed or
    /// left.
    NameTaken,
    /// `leave`: no peer acknowledged the goodbye, neither in a datagram nor on a stream. This node
    /// has left all the same; peers that run will see it as failed.
    NobodyHeard,
    /// This node left the cluster before the command was done.
    Stopped,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout => f.write_str("no answer in time"),
            Failure::Connection(error) => error.fmt(f),
            Failure::Refused => f.write_str(
                "the peer closed the connection without an answer (another cluster label or \
                 protocol, or is it overloaded?)",
            ),
            Failure::BadAnswer { reason } => write!(f, "the answer was not understood: {reason}"),
            Failure::Complained { message } => write!(f, "the peer reported an error: {message}"),
            Failure::OwnAddress => f.write_str("that is this node's own address"),
            Failure::NameTaken => f.write_str(
                "another node has this node's name; this node takes part once the name is free",
            ),
            Failure::NobodyHeard => f.write_str(
                "nobody heard it: no peer acknowledged the leave, and those that run will see this \
                 node as failed",
            ),
            Failure::Stopped => f.write_str("this node left the cluster first"),
        }
    }
}

impl core::error::Error for Failure {}
