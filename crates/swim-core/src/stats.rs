//! Counters of a node's work, its messages, and its drops.

mod counters;

use core::fmt;
use core::ops::{Index, IndexMut};
use core::time::Duration;

pub use counters::{Counter, CounterKind};

/// Counters since the node was created, and a few gauges. Counters only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams handed to [`Node::handle_packet`](crate::Node::handle_packet).
    pub packets_received: u64,
    /// Their total size in bytes.
    pub packet_bytes_received: u64,
    /// Datagrams in the node's outputs.
    pub packets_sent: u64,
    /// Their total size in bytes.
    pub packet_bytes_sent: u64,
    /// Bytes received on streams.
    pub stream_bytes_received: u64,
    /// Bytes sent on streams.
    pub stream_bytes_sent: u64,
    /// Streams that this node opened.
    pub streams_opened: u64,
    /// Streams that this node accepted.
    pub streams_accepted: u64,
    /// Messages received, by kind.
    pub received: MessageCounts,
    /// Messages sent, by kind.
    pub sent: MessageCounts,
    /// Dropped input, by reason.
    pub drops: DropCounts,
    /// Probes that this node started.
    pub probes: u64,
    /// Probes without an answer of any kind.
    pub probes_failed: u64,
    /// Probes that only the ping over a stream answered.
    pub probes_saved_by_stream: u64,
    /// Suspicions that this node's own probes raised.
    pub suspicions_raised: u64,
    /// Suspicions of peers that this node saw refuted.
    pub suspicions_refuted: u64,
    /// Members that this node declared failed after a suspicion timed out.
    pub failures_declared: u64,
    /// Accusations of this node that it refuted.
    pub accusations_refuted: u64,
    /// Push/pulls completed, including joins, on either side.
    pub push_pulls: u64,
    /// Push/pulls that this node began because a probed member's view differed from its own.
    pub repairs: u64,
    /// Seals made with all keys: of datagrams, frames, and messages on streams.
    pub seals: u64,
    /// Periods longer than a probe interval in which this node did not run.
    pub stalls: u64,
    /// Connections on which TLS failed, on either side. 0 with a transport without TLS.
    pub tls_failures: u64,
    /// Gauge: the smoothed round trip of this node's direct probes to all members. Each measurement
    /// weighs an eighth. `None` before the first one.
    pub round_trip: Option<Duration>,
    /// Gauge: local health; 0 is healthy.
    pub health: u8,
    /// Gauge: live members, including this node.
    pub members_live: usize,
    /// Gauge: members that failed or left, are no longer listed, and are still remembered.
    pub members_lost: usize,
    /// Gauge: membership updates waiting to be gossiped.
    pub updates_queued: usize,
    /// Gauge: user broadcasts waiting to be gossiped.
    pub broadcasts_queued: usize,
    /// Gauge: open streams.
    pub streams_open: usize,
}

impl Stats {
    pub(crate) fn note_round_trip(&mut self, measured: Duration) {
        let before = self.round_trip.unwrap_or(measured);
        self.round_trip = Some((before * 7 + measured) / 8);
    }
}

macro_rules! counted_enum {
    (
        $(#[$enum_doc:meta])* $name:ident, $(#[$counts_doc:meta])* $counts:ident {
            $($(#[$doc:meta])* $variant:ident => $key:literal, $text:literal;)*
        }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every value, in a fixed order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// A short fixed key in `snake_case` for metrics and JSON.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $($name::$variant => $key,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $($name::$variant => $text,)*
                })
            }
        }

        $(#[$counts_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $counts([u64; $name::ALL.len()]);

        impl $counts {
            /// The sum over all kinds.
            #[must_use]
            pub fn total(&self) -> u64 {
                self.0.iter().sum()
            }

            /// Every kind with its count, in a fixed order.
            pub fn iter(&self) -> impl Iterator<Item = ($name, u64)> + '_ {
                $name::ALL.iter().copied().zip(self.0.iter().copied())
            }
        }

        impl Default for $counts {
            fn default() -> Self {
                $counts([0; $name::ALL.len()])
            }
        }

        impl Index<$name> for $counts {
            type Output = u64;

            fn index(&self, kind: $name) -> &u64 {
                &self.0[kind as usize]
            }
        }

        impl IndexMut<$name> for $counts {
            fn index_mut(&mut self, kind: $name) -> &mut u64 {
                &mut self.0[kind as usize]
            }
        }
    };
}

counted_enum! {
    /// Why input was dropped. Peers' errors are only counted; they never become errors here.
    DropReason,
    /// The amount of dropped input, by [`DropReason`].
    DropCounts {
        /// An empty datagram, or one too short for a header.
        Truncated => "truncated", "cut short";
        /// No known format.
        Unrecognised => "unrecognised", "not a format this node knows";
        /// HTTP.
        Http => "http", "an HTTP request";
        /// TLS.
        Tls => "tls", "a TLS handshake";
        /// A TLS alert: the peer accepts only TLS, and refuses anything else.
        TlsRequired => "tls_required", "a TLS alert: set tls_ca, tls_certificate and tls_key";
        /// The wire format of HashiCorp memberlist.
        Memberlist => "memberlist", "HashiCorp memberlist's format; this node uses swim's";
        /// The native wire format, at a node that uses memberlist's.
        Swim => "swim", "swim's own format; this node uses memberlist's";
        /// Packets over a stream, at a node that takes them as datagrams.
        Links => "links", "packets over a stream; this node expects datagrams";
        /// A version of the native wire format that this node does not support.
        WireVersion => "wire_version", "another version of the wire format";
        /// Another cluster's label, or no label where one is needed.
        LabelMismatch => "label_mismatch", "another cluster's label";
        /// Plaintext, at a node that requires encryption ([`Encryption`](crate::Encryption)).
        Plaintext => "plaintext", "not encrypted, as this node requires";
        /// Encrypted input, at a node without a key.
        Sealed => "sealed", "encrypted; this node has no key";
        /// Encrypted with a key that this node lacks, for another label, or damaged.
        WrongKey => "wrong_key", "encrypted with a key that this node does not have";
        /// A sealed message or application state on a stream that is not bound to this exchange. It
        /// may have been recorded, or meant for another member.
        Unbound => "unbound", "a sealed message that may be a replay";
        /// A sealed message or broadcast that was recorded, or meant for an earlier life of this
        /// node. Its sender did not know this life, or the incarnation that this node took in order
        /// to forget.
        Predates => "predates", "a replay, or meant for an earlier life";
        /// A sealed message that was taken before, or is too old to check.
        RepeatedMessage => "repeated_message", "a message already received, or too old";
        /// A sealed message from a sender for which there is no room among the remembered ones.
        SendersFull => "senders_full", "sealed messages from too many senders";
        /// Compressed input that cannot be read: a stream of the native wire, or any compressed
        /// input in a build without the feature `compression`.
        Compressed => "compressed", "compressed, which is not read here";
        /// An address outside `allowed_networks`, of the sender or in a message about a member.
        NotAllowed => "not_allowed", "an address outside the allowed networks";
        /// A wrong checksum.
        Checksum => "checksum", "a wrong checksum";
        /// Fields that contradict the schema.
        Malformed => "malformed", "malformed";
        /// Compressed into too few bytes: reading it would take more work than they pay for.
        Overpacked => "overpacked", "compressed into too few bytes for what it holds";
        /// Metadata longer than `meta_size_max`.
        MetaTooLarge => "meta_too_large", "metadata above meta_size_max";
        /// An announced address that cannot be sent to: unspecified, or with port 0.
        BadAddress => "bad_address", "an unusable address";
        /// A datagram, frame or stream above its limit.
        TooLarge => "too_large", "larger than the configured limit";
        /// An alive message with version ranges that are out of order, or share nothing with this
        /// node's.
        Versions => "versions", "incompatible or invalid versions";
        /// An accusation at the highest incarnation, which the accused could not refute.
        IncarnationExhausted => "incarnation_exhausted", "an accusation that cannot be refuted";
        /// An alive message about a new member when `members_max` is reached.
        MembersFull => "members_full", "the member table is full (members_max)";
        /// An update about a member that this node does not know.
        UnknownMember => "unknown_member", "news about an unknown member";
        /// An update older than what is known. Harmless and common.
        Stale => "stale", "older than what is known";
        /// An accusation of a live member by one that this node believes failed, or does not know.
        FailedAccuser => "failed_accuser", "an accusation by a failed or unknown member";
        /// A known name announced from another address.
        AddressConflict => "address_conflict", "a known name from another address";
        /// A ping or message for another name, as sent to a reused address.
        WrongName => "wrong_name", "meant for another name at this address";
        /// A sender's name that its certificate does not have.
        CertificateName => "certificate_name",
            "a name that is not in its certificate: add it as a DNS name, or unset tls_verify_name";
        /// A datagram with more than one ping. Only the first is answered.
        TooManyQuestions => "too_many_questions", "more than one ping in a datagram";
        /// A ping shorter than its answer, from an address that never answered this node.
        ShortPing => "short_ping", "a stranger's ping, shorter than its answer";
        /// An ack or nack that this node does not wait for: late, or made up.
        UnexpectedAck => "unexpected_ack", "an ack that this node does not expect";
        /// A request to ping another member when `relays_max` is reached.
        RelaysFull => "relays_full", "too many indirect pings in progress (relays_max)";
        /// A broadcast seen before. Harmless and common.
        RepeatedBroadcast => "repeated_broadcast", "a broadcast seen before";
        /// A broadcast older than a waiting one with the same origin and key.
        ReplacedBroadcast => "replaced_broadcast", "replaced by a newer broadcast of its key";
        /// A broadcast whose origin cannot be remembered, because too many other origins were heard
        /// lately.
        OriginsFull => "origins_full", "broadcasts of too many origins (broadcast_origins_max)";
        /// A member that the application's hooks did not admit.
        NotAdmitted => "not_admitted", "not admitted by the application";
        /// A push/pull that the application's hooks refused.
        MergeRefused => "merge_refused", "a push/pull that the application refused";
        /// A waiting update or broadcast, pushed out because its queue was full.
        QueueFull => "queue_full", "pushed out of a full queue";
        /// A request for the whole member table, made more often than it is answered.
        TableRefused => "table_refused", "asked for the whole member table too often";
        /// A stream that was refused on arrival, or ended to make room.
        StreamRefused => "stream_refused", "too many streams";
        /// A stream that took too long.
        StreamTimeout => "stream_timeout", "a stream that took too long";
    }
}

counted_enum! {
    /// The kinds of messages, in datagrams and on streams.
    MessageKind,
    /// The number of messages, by [`MessageKind`].
    MessageCounts {
        /// A direct ping.
        Ping => "ping", "ping";
        /// A request to ping another member.
        IndirectPing => "indirect_ping", "indirect ping";
        /// The answer to a ping.
        Ack => "ack", "ack";
        /// A relay's report that the member did not answer.
        Nack => "nack", "nack";
        /// A member is alive.
        Alive => "alive", "alive";
        /// A member is suspected.
        Suspect => "suspect", "suspect";
        /// A member is declared failed.
        Failed => "failed", "failed";
        /// A member left.
        Left => "left", "left";
        /// A user message to one member.
        User => "user", "user message";
        /// A user broadcast.
        Broadcast => "broadcast", "user broadcast";
        /// One side's half of a push/pull.
        PushPull => "push_pull", "push/pull";
    }
}
