//! Counters: what a node did, received, and dropped, and why.

mod counters;

use core::fmt;
use core::ops::{Index, IndexMut};
use core::time::Duration;

pub use counters::{Counter, CounterKind};

/// Counts since the node was created, and a few gauges. All counters only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams handed to [`Node::handle_packet`](crate::Node::handle_packet).
    pub packets_received: u64,
    /// Their bytes.
    pub packet_bytes_received: u64,
    /// Datagrams given out.
    pub packets_sent: u64,
    /// Their bytes.
    pub packet_bytes_sent: u64,
    /// Bytes that came in on streams.
    pub stream_bytes_received: u64,
    /// Bytes given out on streams.
    pub stream_bytes_sent: u64,
    /// Streams that this node opened.
    pub streams_opened: u64,
    /// Streams that this node accepted.
    pub streams_accepted: u64,
    /// Messages received, by kind.
    pub received: MessageCounts,
    /// Messages sent, by kind.
    pub sent: MessageCounts,
    /// What was dropped, by reason.
    pub drops: DropCounts,
    /// Probes that this node started.
    pub probes: u64,
    /// Probes that nobody answered in any way.
    pub probes_failed: u64,
    /// Probes saved by the ping over a stream.
    pub probes_saved_by_stream: u64,
    /// Suspicions that this node's own probes raised.
    pub suspicions_raised: u64,
    /// Suspicions of others that this node saw refuted.
    pub suspicions_refuted: u64,
    /// Members that this node declared failed when a suspicion timed out.
    pub failures_declared: u64,
    /// Accusations of this node itself that it refuted.
    pub accusations_refuted: u64,
    /// Push/pull exchanges completed, joins included, on either side.
    pub push_pulls: u64,
    /// Push/pull exchanges that this node began because a probed member saw another cluster.
    pub repairs: u64,
    /// Datagrams, frames and messages of streams that this node sealed, with all keys together.
    pub seals: u64,
    /// Times when this node did not run for longer than a probe interval.
    pub stalls: u64,
    /// Connections on which TLS failed, on either side. 0 with a transport that speaks no TLS.
    pub tls_failures: u64,
    /// Gauge: the smoothed round trip of this node's own direct probes over all members, each
    /// measurement weighing an eighth; `None` before the first.
    pub round_trip: Option<Duration>,
    /// Gauge: local health, 0 is healthy.
    pub health: u8,
    /// Gauge: live members, this node included.
    pub members_live: usize,
    /// Gauge: members that failed or left, are no longer listed, and are not forgotten yet.
    pub members_lost: usize,
    /// Gauge: membership updates waiting to be gossiped.
    pub updates_queued: usize,
    /// Gauge: user broadcasts waiting to be gossiped.
    pub broadcasts_queued: usize,
    /// Gauge: streams open.
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
            /// All of them, in a fixed order.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// A short fixed key in `snake_case`, for metrics and JSON.
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
    /// Why something that came in was dropped. The peer's fault is never an error: it is counted.
    DropReason,
    /// How much was dropped, by [`DropReason`].
    DropCounts {
        /// An empty datagram, or one too short for a header.
        Truncated => "truncated", "cut short";
        /// Bytes that are no known format.
        Unrecognised => "unrecognised", "not a format this node knows";
        /// HTTP.
        Http => "http", "an HTTP request";
        /// TLS.
        Tls => "tls", "a TLS handshake";
        /// A TLS alert: a peer that speaks nothing but TLS refuses what it cannot read.
        TlsRequired => "tls_required", "a TLS alert: set tls_ca, tls_certificate and tls_key";
        /// The wire format of HashiCorp memberlist.
        Memberlist => "memberlist", "HashiCorp memberlist's format; this node speaks swim";
        /// The native wire format, where memberlist's is spoken.
        Swim => "swim", "swim's own format; this node speaks memberlist's";
        /// Packets over a stream, where this node takes them as datagrams.
        Links => "links", "packets over a stream; this node takes them as datagrams";
        /// A version of the native wire format that this node does not speak.
        WireVersion => "wire_version", "another version of the wire format";
        /// Another cluster's label, or none where one is needed.
        LabelMismatch => "label_mismatch", "another cluster's label";
        /// Not encrypted, where this node requires it ([`Encryption`](crate::Encryption)).
        Plaintext => "plaintext", "not encrypted, as this node requires";
        /// Encrypted, where this node has no key.
        Sealed => "sealed", "encrypted; this node has no key";
        /// Encrypted with a key that this node does not have, for another label, or damaged.
        WrongKey => "wrong_key", "encrypted with a key that this node does not have";
        /// A message or application state on a stream that is not bound to this exchange: sealed,
        /// but perhaps at another time, for somebody else.
        Unbound => "unbound", "a message that may have been recorded";
        /// Sealed, and sent before its sender knew of this node, or of what it remembers: recorded,
        /// or sent to an earlier life of it.
        Predates => "predates", "from before this node was known";
        /// A sealed message that was taken before, or is too old to tell.
        RepeatedMessage => "repeated_message", "a message taken before";
        /// A sealed message of a sender that cannot be remembered besides all others.
        SendersFull => "senders_full", "messages of too many senders";
        /// Compressed, where nothing is: a stream of the native wire format. Also whatever else is
        /// compressed, where this crate was built without its feature `compression`.
        Compressed => "compressed", "compressed, which is not read here";
        /// From an address, or about one, that is in none of `allowed_networks`.
        NotAllowed => "not_allowed", "an address outside the allowed networks";
        /// A checksum that does not match.
        Checksum => "checksum", "a wrong checksum";
        /// Fields that contradict the schema.
        Malformed => "malformed", "malformed";
        /// Compressed into so few bytes that to read it would be more work than they pay for.
        Overpacked => "overpacked", "compressed into too few bytes for what it holds";
        /// Metadata longer than `meta_size_max`.
        MetaTooLarge => "meta_too_large", "metadata above meta_size_max";
        /// An announced address that nobody can send to: unspecified, or with port 0.
        BadAddress => "bad_address", "an address that nobody can send to";
        /// A datagram, frame or stream above its limit.
        TooLarge => "too_large", "larger than the configured limit";
        /// An alive with version ranges that are not in order or that have nothing in common with
        /// this node's.
        Versions => "versions", "incompatible or invalid versions";
        /// An accusation at the highest incarnation, which nobody could refute.
        IncarnationExhausted => "incarnation_exhausted", "an accusation that nobody could refute";
        /// An alive about a member beyond `members_max`.
        MembersFull => "members_full", "the member table is full (members_max)";
        /// News about a member that this node does not know.
        UnknownMember => "unknown_member", "news about an unknown member";
        /// News that is older than what is known. Harmless, and common.
        Stale => "stale", "older than what is known";
        /// A word against a live member of one that this node holds failed, or does not know.
        FailedAccuser => "failed_accuser", "an accusation by a member that is held failed";
        /// A known name announced from another address.
        AddressConflict => "address_conflict", "a known name from another address";
        /// A ping for another name, as sent to a reused address.
        WrongName => "wrong_name", "meant for another name at this address";
        /// The sender's own name, where its certificate has others.
        CertificateName => "certificate_name",
            "a name that its certificate lacks: add it as a DNS name, or unset tls_verify_name";
        /// A datagram with more than one ping; only the first is answered.
        TooManyQuestions => "too_many_questions", "more than one ping in a datagram";
        /// A ping that is shorter than its answer, from somebody who never answered this node.
        ShortPing => "short_ping", "a stranger's ping, shorter than its answer";
        /// An ack or nack that nobody waits for: late, or made up.
        UnexpectedAck => "unexpected_ack", "an ack that nobody waits for";
        /// More pings for other members than `relays_max`.
        RelaysFull => "relays_full", "too many indirect pings under way (relays_max)";
        /// A broadcast that was seen before. Harmless, and common.
        RepeatedBroadcast => "repeated_broadcast", "a broadcast seen before";
        /// An older broadcast than one of the same origin and key that waits to be passed on.
        ReplacedBroadcast => "replaced_broadcast", "replaced by a newer broadcast of its key";
        /// A broadcast of an origin that cannot be remembered: so many others said something
        /// lately.
        OriginsFull => "origins_full", "broadcasts of too many origins (broadcast_origins_max)";
        /// What the application's hooks did not admit.
        NotAdmitted => "not_admitted", "not admitted by the application";
        /// A push/pull that the application's hooks did not accept.
        MergeRefused => "merge_refused", "a merge that the application refused";
        /// A queued update or broadcast that gave way because its queue was full.
        QueueFull => "queue_full", "pushed out of a full queue";
        /// Everything, asked for more often than it is told.
        TableRefused => "table_refused", "asked for the whole member table too often";
        /// A stream refused at the door, or ended to make way for others.
        StreamRefused => "stream_refused", "too many streams";
        /// A stream that was not done in time.
        StreamTimeout => "stream_timeout", "a stream that was not done in time";
    }
}

counted_enum! {
    /// The kinds of messages, on datagrams and streams together.
    MessageKind,
    /// How many messages, by [`MessageKind`].
    MessageCounts {
        /// A direct ping.
        Ping => "ping", "ping";
        /// A request to ping somebody else.
        IndirectPing => "indirect_ping", "indirect ping";
        /// The answer to a ping.
        Ack => "ack", "ack";
        /// No answer from the member that one was asked to ping.
        Nack => "nack", "nack";
        /// A member is alive.
        Alive => "alive", "alive";
        /// A member is suspected.
        Suspect => "suspect", "suspect";
        /// A member is declared failed.
        Failed => "failed", "failed";
        /// A member says goodbye.
        Left => "left", "left";
        /// A user message to one member.
        User => "user", "user message";
        /// A user broadcast.
        Broadcast => "broadcast", "user broadcast";
        /// One side's half of a push/pull.
        PushPull => "push_pull", "push/pull";
    }
}
