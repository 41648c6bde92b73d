//! Outputs of a node: packets, stream operations, and events.

mod connection_error;
mod kind;
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

/// Something for the caller to do. Exhaustive on purpose: no caller must overlook a new duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A datagram to send. It may be lost; the node needs no report if sending fails.
    Packet {
        /// The destination.
        to: SocketAddr,
        /// The content, at most `packet_size_max` bytes.
        payload: Bytes,
        /// The purpose, which decides the order when packets have to wait.
        kind: PacketKind,
    },
    /// An operation on a stream (for example, a TCP connection).
    Stream {
        /// The stream.
        id: StreamId,
        /// The operation.
        op: StreamOp,
    },
    /// News for the application.
    Event(Event),
    /// The result of a command. Each command that returned a [`RequestId`] gets exactly one answer.
    Answer {
        /// The command.
        request: RequestId,
        /// Its result.
        result: Result<Answer, Failure>,
    },
}

/// The purpose of a packet, for callers that queue packets. The payload itself may be encrypted.
///
/// Exhaustive on purpose: a queue must handle each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// A ping, or a request to send one. The receiver answers it; a late answer counts for nothing.
    Probe,
    /// An ack or a nack, which the receiver waits for.
    Answer,
    /// Gossip, an application message, or a notice to one member: useful even when late.
    News,
}

/// An operation on a stream. Carry out the operations on one stream in order.
///
/// Each stream ends once: with [`Close`](StreamOp::Close), [`Abort`](StreamOp::Abort), or the
/// caller's [`StreamInput::Failed`]. The node then forgets the stream: it names it in no further
/// operation, and ignores later reports about it.
///
/// Exhaustive on purpose: no caller must overlook a new duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamOp {
    /// Connects to this address. Report [`StreamInput::Opened`] or [`StreamInput::Failed`]. Later
    /// operations may come before that report; keep them until the stream is open.
    Open {
        /// The address.
        to: SocketAddr,
    },
    /// Writes all of these bytes, in order.
    Send(Bytes),
    /// Closes the sending side once everything is written; nothing follows. Go on reading: the peer
    /// may still send.
    Finish,
    /// Closes the stream once everything is written, and removes it: both sides are done. Comes
    /// after [`Finish`](StreamOp::Finish) and the peer's [`StreamInput::Finished`].
    ///
    /// The node no longer watches the stream, so the caller must give up a peer that stops reading.
    /// That is a peer that takes less than 256 KiB of the remaining bytes within
    /// [`Config::stream_timeout`](crate::Config::stream_timeout).
    Close,
    /// Closes the stream now and removes it, with all unsent bytes. Stops dialling if it is not
    /// open yet.
    Abort,
}

/// The caller's report about a stream. See [`Node::handle_stream`](crate::Node::handle_stream).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamInput<'a> {
    /// The connection that [`StreamOp::Open`] asked for is established.
    Opened,
    /// The names in the peer's certificate. Report them before any data, if the transport checks
    /// names. A peer that uses another name is refused.
    Certified(&'a [Name]),
    /// Received bytes, in order, in pieces of any size.
    Data(&'a [u8]),
    /// The peer closed its sending side: no data follows.
    Finished,
    /// The connection failed or could not be opened.
    Failed(ConnectionError),
}

/// Identifies a stream between a node and its caller. Never reused within one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// Identifies a command that is answered later by [`Output::Answer`]. Never reused within one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// News for the application, with its cause. Any release may add kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A member is new in the cluster, or is back.
    ///
    /// From its second failure on, a member counts as back only once it has answered this node.
    #[non_exhaustive]
    Joined {
        /// The member, alive.
        member: Member,
        /// Its state before: `Failed` or `Left`; `None` if it was unknown.
        previous: Option<State>,
        /// How this node heard of it.
        via: Via,
    },
    /// A live member announced other metadata, versions or address, or only a higher incarnation.
    ///
    /// Only the incarnation rises after a restart, or to refute a suspicion that this node never
    /// heard of.
    #[non_exhaustive]
    Updated {
        /// The member, as announced now.
        member: Member,
        /// How this node heard of it.
        via: Via,
    },
    /// A member is suspected. Unless it refutes, it will be declared failed.
    #[non_exhaustive]
    Suspected {
        /// The member, suspect.
        member: Member,
        /// The member whose probe failed.
        accuser: Name,
        /// The shortest time until this node declares it failed: with enough confirmations.
        timeout_min: Duration,
        /// The longest time: without any confirmation.
        timeout_max: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// Another member independently suspects the suspect, which shortens its timeout.
    #[non_exhaustive]
    Confirmed {
        /// The suspect.
        name: Name,
        /// The member whose probe failed too.
        accuser: Name,
        /// The number of independent confirmations so far, not counting the first accuser.
        confirmations: u32,
        /// The time left to refute.
        remaining: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A suspect refuted the suspicion, with a higher incarnation.
    #[non_exhaustive]
    Refuted {
        /// The member, alive.
        member: Member,
        /// How long it was suspected here.
        suspected_for: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A member is declared failed.
    #[non_exhaustive]
    Failed {
        /// The member, failed.
        member: Member,
        /// The member that declared it failed: this node, or the one named in gossip.
        declared_by: Name,
        /// All accusers that this node knows of, the first one first. Empty when no suspicion came
        /// before.
        accusers: Vec<Name>,
        /// How long it was suspected here.
        suspected_for: Duration,
        /// How this node heard of it.
        via: Via,
    },
    /// A member left. Also reported if it had been declared failed before.
    #[non_exhaustive]
    Left {
        /// The member, left.
        member: Member,
        /// Its state before.
        previous: State,
        /// How this node heard of it.
        via: Via,
    },
    /// A failed or left member is removed from the member list, after `gossip_to_the_dead` or by
    /// the application. A failed one is still looked for, for `lost_members_keep`.
    #[non_exhaustive]
    Unlisted {
        /// The member in its last known state.
        member: Member,
    },
    /// Somebody claimed that this node is suspect, failed or left. This node refuted it.
    #[non_exhaustive]
    Accused {
        /// The member that made the claim. It is this node's own name for a leave message of an
        /// earlier life.
        accuser: Name,
        /// The claimed state.
        claim: State,
        /// The incarnation that was accused.
        incarnation: Incarnation,
        /// The incarnation that this node refuted with.
        refuted_with: Incarnation,
        /// How this node heard of it.
        via: Via,
    },
    /// Local health changed. 0 is healthy; the higher, the slower this node seems to be.
    #[non_exhaustive]
    HealthChanged {
        /// The score before.
        from: u8,
        /// The score now.
        to: u8,
        /// The cause.
        reason: HealthReason,
    },
    /// A probed member sent data with its ack. An ack without data causes no event.
    #[non_exhaustive]
    AckPayload {
        /// The member.
        name: Name,
        /// The measured round trip.
        round_trip: Duration,
        /// The data.
        payload: Bytes,
    },
    /// A member answers pings only over streams or through relays. Datagrams to or from it are
    /// filtered or lost.
    ///
    /// Not reported again before the member answers a ping by datagram.
    #[non_exhaustive]
    DatagramsBlocked {
        /// The member.
        member: Member,
    },
    /// A member answers datagrams, but no streams: TCP is filtered, or nothing listens there.
    ///
    /// The member stays alive, but push/pulls and reliable messages between the two nodes fail.
    /// Not reported again before a stream is answered.
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
        /// Its key; empty if it has none.
        key: Bytes,
        /// Its content.
        payload: Bytes,
    },
    /// A message to this node arrived. On memberlist's wire, a user broadcast arrives this way too.
    #[non_exhaustive]
    Message {
        /// The name that the sender claims. `None` on memberlist's wire, which does not carry it;
        /// put it into the payload there.
        from: Option<Name>,
        /// Its content.
        payload: Bytes,
        /// Whether it came over a stream (`send_reliable`) or in a datagram (`send`).
        reliable: bool,
    },
    /// The application state of another node arrived in a push/pull.
    #[non_exhaustive]
    UserState {
        /// The node's address.
        from: SocketAddr,
        /// Whether the exchange was a join.
        join: bool,
        /// The state; never empty.
        state: Bytes,
    },
    /// This node has heard from no member for half of the longest suspicion, and at least for the
    /// shortest one (see [`Config::suspicion_timeouts`]).
    ///
    /// It is cut off, or all other members are gone. Its member list is out of date, and it
    /// declares the other members failed.
    ///
    /// [`Config::suspicion_timeouts`]: crate::Config::suspicion_timeouts
    #[non_exhaustive]
    Isolated {
        /// How long no member was heard.
        silent_for: Duration,
    },
    /// This node hears from a member again, after [`Isolated`](Event::Isolated).
    #[non_exhaustive]
    HeardAgain {
        /// How long no member was heard.
        silent_for: Duration,
    },
    /// No member reaches this node at its announced address, although its own packets arrive.
    ///
    /// Three rounds of requests to three peers each found nobody there. Peers keep declaring this
    /// node failed, and it keeps refuting. Correct the announced address, or let datagrams and
    /// streams through to it. Not reported again before something arrives there.
    #[non_exhaustive]
    AddressUnreachable {
        /// The announced address.
        address: SocketAddr,
    },
    /// This node did not run for a while (suspend, stall, CPU starvation). The time is not counted
    /// against peers.
    #[non_exhaustive]
    Late {
        /// How late it ran.
        by: Duration,
    },
    /// Another node has this node's name, at another address. Rename one of the two.
    ///
    /// On the native wire, this node may be the one that waits for the name. Its joins then fail
    /// with [`Failure::NameTaken`].
    #[non_exhaustive]
    NameTaken {
        /// The other address.
        address: SocketAddr,
        /// How this node heard of it.
        via: Via,
    },
    /// Two live nodes claim the same name. Rename one of them. On the native wire the two nodes
    /// decide which one keeps the name ([`Config::name_conflict`](crate::Config::name_conflict)).
    #[non_exhaustive]
    NameConflict {
        /// The name.
        name: Name,
        /// The address that keeps the name in this node's view: the known one.
        winner: SocketAddr,
        /// The address that is ignored under this name.
        loser: SocketAddr,
        /// How this node heard of the winner.
        via: Via,
    },
    /// This node cannot use something that it received. Reported once per minute for each host and
    /// reason.
    #[non_exhaustive]
    BadInput {
        /// The sender's address.
        from: SocketAddr,
        /// The reason.
        reason: DropReason,
        /// Whether it came over a stream or in a datagram.
        stream: bool,
    },
    /// Incoming streams ran short of a resource, so that some were ended or refused. Reported at
    /// most once per minute for each resource.
    #[non_exhaustive]
    StreamsShort {
        /// The resource.
        resource: StreamResource,
        /// The sources that use most of it, at most 8, in descending order.
        sources: Vec<StreamSource>,
    },
    /// The primary key (for AES) may have made half of the 2^32 seals that it is good for.
    ///
    /// This assumes that each live member seals as often as this node.
    ///
    /// Replace it within as much time as it has been in use. Reported once per key; a restart of
    /// the node resets the count.
    #[non_exhaustive]
    KeyWearsOut {
        /// The key.
        key: Fingerprint,
        /// How often this node sealed with it.
        seals: u64,
        /// The number of live members, including this node.
        members: usize,
    },
    /// TLS failed with a peer. Reported once per minute for each host and reason.
    #[non_exhaustive]
    TlsFailed {
        /// The address that was dialled, or that the peer dialled from.
        peer: SocketAddr,
        /// Whether this node dialled.
        dialled: bool,
        /// The cause, and what to change.
        fault: TlsFault,
    },
}

/// A resource that streams share. See [`Event::StreamsShort`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamResource {
    /// Open streams: `streams_max`.
    Places,
    /// Bytes of incomplete input: `stream_buffer_max`, or strangers' part of it.
    Bytes,
}

impl StreamResource {
    /// A short fixed name for people, metrics and JSON.
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

/// The resources that one source uses. See [`Event::StreamsShort`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StreamSource {
    /// An IPv4 address, or an IPv6 /64 network.
    pub network: IpNet,
    /// The number of its open streams.
    pub streams: usize,
    /// The buffered bytes of its streams.
    pub bytes: usize,
}

/// The cause of a change in local health. See [`Event::HealthChanged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthReason {
    /// A probe was answered.
    ProbeAnswered,
    /// A probe failed, and no peer could be asked to help.
    ProbeFailed,
    /// Peers that were asked to help sent no nack.
    NacksMissed,
    /// This node was suspected.
    Accused,
}

impl HealthReason {
    /// A short fixed name for metrics and JSON.
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
            HealthReason::NacksMissed => "relays did not answer",
            HealthReason::Accused => "this node was suspected",
        })
    }
}

/// The result of a command that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// `join`: the push/pull with the node at the address is complete.
    Joined {
        /// The address that was joined.
        contact: SocketAddr,
        /// The number of live members that this node knows now, including itself.
        members: usize,
    },
    /// `leave`: the leave message was sent its full number of times, and a peer acknowledged it or
    /// no live peer was known.
    Left,
    /// `set_meta`, `broadcast`: the update was sent its full number of times, or a newer one
    /// replaced it.
    Spread,
    /// `send_reliable`: the receiver acknowledged the message.
    Delivered,
    /// `ping`: the member answered.
    Pong {
        /// The measured round trip.
        round_trip: Duration,
        /// The data that the member sends with its acks.
        payload: Bytes,
    },
}

/// Why an accepted command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No answer came in time.
    Timeout,
    /// The connection could not be made, or broke. A peer that refuses the stream (see
    /// [`Refused`](Failure::Refused)) while data is under way often causes this too, as
    /// [`ConnectionError::Reset`].
    Connection(ConnectionError),
    /// The peer closed the stream without an answer. It speaks another protocol, belongs to another
    /// cluster, refuses, or is overloaded (its `streams_max`, `streams_per_source_max` or
    /// `stream_buffer_max` is reached). If it is overloaded, a later attempt may succeed.
    Refused,
    /// The peer's answer is unusable.
    BadAnswer {
        /// The reason.
        reason: DropReason,
    },
    /// The peer reported an error (memberlist's wire only), for example that keys or limits differ.
    Complained {
        /// The peer's message, at most 200 characters.
        message: String,
    },
    /// `join`: the address belongs to this node.
    OwnAddress,
    /// `join` and `set_meta`, native wire: another node has this node's name and answers
    /// ([`Event::NameTaken`](crate::Event::NameTaken)). This node asks that one once per probe
    /// interval. Once it has failed or left, this node takes part under its name, with the metadata
    /// that was set.
    NameTaken,
    /// `leave`: no peer acknowledged the leave message, by datagram or over a stream. This node has
    /// left nevertheless, but running peers will see it as failed.
    NobodyHeard,
    /// This node left the cluster before the command was complete.
    Stopped,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout => f.write_str("no answer in time"),
            Failure::Connection(error) => error.fmt(f),
            Failure::Refused => f.write_str(
                "the peer closed the connection without an answer: its label or protocol may \
                 differ, or it may be overloaded",
            ),
            Failure::BadAnswer { reason } => write!(f, "the answer is unusable: {reason}"),
            Failure::Complained { message } => write!(f, "the peer reported an error: {message}"),
            Failure::OwnAddress => f.write_str("that is this node's own address"),
            Failure::NameTaken => f.write_str(
                "another node has this node's name; this node takes part once the name is free",
            ),
            Failure::NobodyHeard => f.write_str(
                "no peer acknowledged the leave: running peers will see this node as failed",
            ),
            Failure::Stopped => f.write_str("this node left the cluster before it was done"),
        }
    }
}

impl core::error::Error for Failure {}
