//! The table `[protocol]`: how all nodes of a cluster work.

use std::time::Duration;

use swim_core::{NameKeeper, Wire};

use super::node::{shown_versions, versions};
use super::setting::{ABOVE_ZERO, Kind, Setting, Table};
use super::{NodeSettings, Profile};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Practically for ever, and safe for any arithmetic.
pub(super) const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

macro_rules! time {
    ($field:ident, $min:expr, $max:expr) => {
        Kind::Time {
            min: $min,
            max: $max,
            get: |node: &NodeSettings| Some(node.options.config.$field),
            set: |node, time| node.options.config.$field = time,
        }
    };
}

macro_rules! flag {
    ($field:ident) => {
        Kind::Flag {
            get: |node: &NodeSettings| node.options.config.$field,
            set: |node, flag| node.options.config.$field = flag,
        }
    };
}

macro_rules! count {
    ($field:ident, $unit:literal, $min:literal, $max:expr) => {
        Kind::Count {
            unit: $unit,
            min: $min,
            max: $max,
            get: |node: &NodeSettings| u64::try_from(node.options.config.$field).ok(),
            set: |node, it| it.try_into().map(|it| node.options.config.$field = it).is_ok(),
        }
    };
}

macro_rules! settings {
    ($($key:ident, $kind:expr, $about:literal, $change:literal;)+) => {
        &[$(Setting { key: stringify!($key), about: $about, change: $change, kind: $kind },)+]
    };
}

/// The table `[protocol]`: settings that should be the same in the whole cluster.
pub static PROTOCOL: Table<NodeSettings> = Table {
    name: "protocol",
    about: "How the nodes of a cluster work: the same for all members. docs/how-to/tune.md tells \
            what the times come to, and 'swim simulate --config FILE' what a cluster would do.",
    variables: "SWIM_",
    settings: SETTINGS,
};

const SETTINGS: &[Setting<NodeSettings>] = settings! {
    profile, PROFILE,
        "Timing, to begin with: \"lan\" for one data centre, \"wan\" for several places, \"local\" \
         for one machine. The settings below go before it.",
        "to fit the network; the times below are those of \"lan\"";
    wire, WIRE,
        "The format of packets and streams: this program's own, or that of HashiCorp memberlist.",
        "to be in one cluster with Go programs such as Serf";
    compression, flag!(compression),
        "Compress what that makes shorter: on \"swim\" packets alone and off by default, on \
         \"memberlist\" on by default.",
        "where bytes cost more than time";
    protocol_versions, PROTOCOL_VERSIONS,
        "The protocol versions that the node announces, as MIN:MAX:CURRENT.",
        "among old members of memberlist's wire";
    name_conflict, NAME_CONFLICT,
        "Which of two nodes keeps a name that both claimed while they could not hear each other: \
         the one that has had it longer, or the other. The same in the whole cluster.",
        "where a node is replaced by starting another one, and the old one may still run";
    probe_interval, time!(probe_interval, ABOVE_ZERO, HOUR),
        "The protocol period: one member is probed per interval.",
        "for faster detection, after suspicion_mult; it costs packets";
    probe_timeout, time!(probe_timeout, ABOVE_ZERO, HOUR),
        "How long a direct ping may take before peers are asked to help; below probe_interval.",
        "to lie above the 99th percentile of the round trip";
    indirect_probes, count!(indirect_probes, "peers", 0, 16),
        "How many peers are asked to ping a member that does not answer.",
        "for lossy networks";
    stream_ping, flag!(stream_ping),
        "Also ping over TCP when the direct ping is not answered.",
        "where members have no TCP, or to compare";
    last_call, flag!(last_call),
        "Ask a suspect once more, by a ping and then over TCP, before it is declared failed.",
        "to compare";
    suspicion_mult, count!(suspicion_mult, "", 1, 64),
        "The shortest suspicion lasts this many probe intervals, times log10 of the members.",
        "for faster detection; members then have less time to refute";
    suspicion_max_mult, count!(suspicion_max_mult, "", 1, 64),
        "The longest suspicion lasts this many times the shortest.",
        "to give members that few accuse more time, or less";
    awareness_max, count!(awareness_max, "", 1, 64),
        "Local health stays below this; a probe interval is stretched at most so many times.",
        "on machines that starve for long";
    lifeguard_health, flag!(lifeguard_health),
        "Lifeguard: a node that misses answers probes slower and waits longer.",
        "to compare";
    lifeguard_suspicion, flag!(lifeguard_suspicion),
        "Lifeguard: suspicions start long and shrink with every independent accuser.",
        "to compare";
    lifeguard_buddy, flag!(lifeguard_buddy),
        "Lifeguard: a suspect hears of its suspicion in the ping that probes it.",
        "to compare";
    lateness, flag!(lateness),
        "Time in which this node itself did not run is not counted against others.",
        "to reproduce published baselines";
    gossip_interval, time!(gossip_interval, ABOVE_ZERO, HOUR),
        "The time between two gossip ticks.",
        "for news to spread faster; it costs packets while there is news";
    gossip_nodes, count!(gossip_nodes, "members", 1, 16),
        "How many members are sent gossip in a tick.",
        "for news to spread faster; it costs packets while there is news";
    gossip_to_the_dead, time!(gossip_to_the_dead, ABOVE_ZERO, DAY),
        "How long failed members still receive gossip, and failed and left ones stay listed; at \
         least probe_interval.",
        "to keep the gone in the list for longer";
    retransmit_mult, count!(retransmit_mult, "", 1, 16),
        "An update is sent this many times ceil(log10(members + 1)) times.",
        "for lossy networks; it costs bytes while there is news";
    push_pull_interval, time!(push_pull_interval, Duration::ZERO, DAY),
        "The time between two exchanges of the whole list with a random member; larger clusters \
         than 32 stretch it. 0s switches it off.",
        "where large tables cost too many bytes";
    stream_timeout, time!(stream_timeout, ABOVE_ZERO, HOUR),
        "How long connecting, and then each side's part of an exchange, may take.",
        "for slow networks";
    packet_size_max, count!(packet_size_max, "bytes", 800, 65_507),
        "The largest datagram, label and encryption included.",
        "where the path takes smaller or larger ones";
    meta_size_max, count!(meta_size_max, "bytes", 0, 65_507),
        "The longest metadata of any member.",
        "for more tags; it has to fit packet_size_max";
    members_max, count!(members_max, "members", 1, 16_777_216),
        "How many members the table holds; further ones are not taken in.",
        "to bound the memory, about 100 bytes and name and metadata per member";
    lost_members_keep, time!(lost_members_keep, Duration::ZERO, YEAR),
        "How long a member that is no longer listed is remembered, and looked for if it failed.",
        "for partitions of more than a day";
    lost_members_max, count!(lost_members_max, "members", 0, u64::MAX),
        "How many such members are remembered.",
        "to bound the memory";
    update_queue_max, count!(update_queue_max, "updates", 16, u64::MAX),
        "How many membership updates wait to be gossiped; the ones sent most often go first.",
        "to bound the memory";
    broadcast_queue_max, count!(broadcast_queue_max, "broadcasts", 1, 1024),
        "How many user broadcasts wait to be gossiped, those of others included.",
        "to bound the memory";
    broadcast_queue_bytes_max, count!(broadcast_queue_bytes_max, "bytes", 800, u64::MAX),
        "The most bytes of user broadcasts that wait; at least packet_size_max.",
        "to bound the memory";
    broadcast_origins_max, count!(broadcast_origins_max, "origins", 1, u64::MAX),
        "How many origins of user broadcasts are remembered to recognise repetitions.",
        "for clusters of more members that broadcast";
    reliable_size_max, count!(reliable_size_max, "bytes", 0, 1_073_741_824),
        "The largest message over a stream.",
        "for larger ones, with stream_buffer_max";
    user_state_size_max, count!(user_state_size_max, "bytes", 0, 1_073_741_824),
        "The largest application state in a push/pull.",
        "for larger ones, with stream_buffer_max";
    streams_max, count!(streams_max, "streams", 1, u64::MAX),
        "How many incoming streams may be open at once.",
        "for clusters in which more than 100 nodes start at once";
    streams_per_source_max, count!(streams_per_source_max, "streams", 1, u64::MAX),
        "How many of them one IPv4 address, or one IPv6 network of 64 bits, may have open.",
        "for many nodes on one host or behind one NAT";
    stream_buffer_max, count!(stream_buffer_max, "bytes", 0, 1_073_741_824),
        "The most bytes of unfinished incoming streams; at least reliable_size_max and \
         user_state_size_max.",
        "to bound the memory";
    requests_max, count!(requests_max, "commands", 1, u64::MAX),
        "How many commands may wait for their answer.",
        "for applications that send more at once";
    relays_max, count!(relays_max, "pings", 1, u64::MAX),
        "How many pings may be under way for other members.",
        "";
};

const PROFILE: Kind<NodeSettings> = Kind::Word {
    words: &["lan", "wan", "local"],
    get: |node| node.profile.as_str(),
    set: |node, word| {
        node.profile = match word {
            "wan" => Profile::Wan,
            "local" => Profile::Local,
            _ => Profile::Lan,
        };
    },
};

const WIRE: Kind<NodeSettings> = Kind::Word {
    words: &["swim", "memberlist"],
    get: |node| node.options.config.wire.as_str(),
    set: |node, word| {
        let memberlist = word == Wire::Memberlist.as_str();
        node.options.config.wire = if memberlist { Wire::Memberlist } else { Wire::Swim };
    },
};

const NAME_CONFLICT: Kind<NodeSettings> = Kind::Word {
    words: &["older", "newer"],
    get: |node| node.options.config.name_conflict.as_str(),
    set: |node, word| {
        let newer = word == NameKeeper::Newer.as_str();
        node.options.config.name_conflict =
            if newer { NameKeeper::Newer } else { NameKeeper::Older };
    },
};

const PROTOCOL_VERSIONS: Kind<NodeSettings> = Kind::Text {
    form: "MIN:MAX:CURRENT with MIN <= CURRENT <= MAX, such as \"1:5:2\"",
    example: "",
    get: |node| Some(shown_versions(node.options.config.versions.protocol)),
    set: |node, text| {
        node.options.config.versions.protocol = versions(text)?;
        Ok(())
    },
};
