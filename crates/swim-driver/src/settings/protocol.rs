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
    about: "The protocol, the same for all members of a cluster. See docs/how-to/tune.md for the \
            effect of the times; 'swim simulate --config FILE' simulates a cluster.",
    variables: "SWIM_",
    settings: SETTINGS,
};

const SETTINGS: &[Setting<NodeSettings>] = settings! {
    profile, PROFILE,
        "Preset of timing: \"lan\" for one data centre, \"wan\" for several sites, \"local\" for \
         one machine. The settings below override it.",
        "to fit the network; the defaults below are those of \"lan\"";
    wire, WIRE,
        "Format of packets and streams: the native wire, or the wire of HashiCorp memberlist.",
        "to join Go programs such as Serf";
    compression, flag!(compression),
        "Compress if that saves bytes. On the \"swim\" wire only datagrams are compressed, and the \
         default is off; on the \"memberlist\" wire the default is on.",
        "if bytes cost more than CPU time";
    protocol_versions, PROTOCOL_VERSIONS,
        "Protocol versions that the node announces, as MIN:MAX:CURRENT.",
        "for old members on the \"memberlist\" wire";
    name_conflict, NAME_CONFLICT,
        "Which of two nodes keeps a name that both claimed while they could not reach each other: \
         the one that has had it longer (\"older\"), or the other one (\"newer\"). The same in the \
         whole cluster.",
        "if you replace a node by starting a new one while the old one may still run";
    probe_interval, time!(probe_interval, ABOVE_ZERO, HOUR),
        "The protocol period: the node probes one member per interval.",
        "for faster detection, after suspicion_mult; shorter intervals cost packets";
    probe_timeout, time!(probe_timeout, ABOVE_ZERO, HOUR),
        "Time for a direct ping before relays are asked to help; below probe_interval.",
        "to stay above the 99th percentile of the round trip";
    indirect_probes, count!(indirect_probes, "peers", 0, 16),
        "How many relays are asked to ping a member that does not answer.",
        "for lossy networks";
    stream_ping, flag!(stream_ping),
        "Also ping over TCP if the direct ping gets no answer.",
        "if members have no TCP, or to measure its effect";
    last_call, flag!(last_call),
        "Ping a suspect once more, by datagram and then over TCP, before it is declared failed.",
        "to measure its effect";
    suspicion_mult, count!(suspicion_mult, "", 1, 64),
        "The shortest suspicion lasts this many probe intervals, times log10 of the members.",
        "for faster detection; suspects then have less time to refute";
    suspicion_max_mult, count!(suspicion_max_mult, "", 1, 64),
        "The longest suspicion lasts this many times the shortest.",
        "to give suspects with few accusers more or less time";
    awareness_max, count!(awareness_max, "", 1, 64),
        "Upper limit of local health, exclusive; the probe interval is stretched at most so many \
         times.",
        "on machines that are starved of CPU for long";
    lifeguard_health, flag!(lifeguard_health),
        "Lifeguard: a node that misses answers probes more slowly and waits longer.",
        "to measure its effect";
    lifeguard_suspicion, flag!(lifeguard_suspicion),
        "Lifeguard: suspicions start long and shrink with each independent accuser.",
        "to measure its effect";
    lifeguard_buddy, flag!(lifeguard_buddy),
        "Lifeguard: the ping to a suspect carries the suspicion.",
        "to measure its effect";
    lateness, flag!(lateness),
        "Ignore time in which this node itself did not run, instead of counting it against peers.",
        "to reproduce published baselines";
    gossip_interval, time!(gossip_interval, ABOVE_ZERO, HOUR),
        "Time between two gossip ticks.",
        "to spread news faster; this costs packets while there is news";
    gossip_nodes, count!(gossip_nodes, "members", 1, 16),
        "Number of members that get gossip in each tick.",
        "to spread news faster; this costs packets while there is news";
    gossip_to_the_dead, time!(gossip_to_the_dead, ABOVE_ZERO, DAY),
        "How long failed members still get gossip, and failed and left members stay listed; at \
         least probe_interval.",
        "to list failed and left members for longer";
    retransmit_mult, count!(retransmit_mult, "", 1, 16),
        "Each update is sent this many times ceil(log10(members + 1)) times.",
        "for lossy networks; this costs bytes while there is news";
    push_pull_interval, time!(push_pull_interval, Duration::ZERO, DAY),
        "Time between two push/pulls with a random member; clusters of more than 32 members \
         stretch it. 0s switches push/pulls off.",
        "if large member lists cost too many bytes";
    stream_timeout, time!(stream_timeout, ABOVE_ZERO, HOUR),
        "Time limit for connecting, and then for each side's part of an exchange.",
        "for slow networks";
    packet_size_max, count!(packet_size_max, "bytes", 800, 65_507),
        "The largest datagram, including label and encryption.",
        "if the network path takes smaller or larger datagrams";
    meta_size_max, count!(meta_size_max, "bytes", 0, 65_507),
        "The longest metadata of any member.",
        "for more tags; it must fit packet_size_max";
    members_max, count!(members_max, "members", 1, 16_777_216),
        "The most members in the table; further ones are refused.",
        "to bound the memory: about 100 bytes plus name and metadata per member";
    lost_members_keep, time!(lost_members_keep, Duration::ZERO, YEAR),
        "How long the node remembers a member that is no longer listed. If it failed, the node \
         keeps looking for it.",
        "for partitions of more than a day";
    lost_members_max, count!(lost_members_max, "members", 0, u64::MAX),
        "The most unlisted members that are remembered.",
        "to bound the memory";
    update_queue_max, count!(update_queue_max, "updates", 16, u64::MAX),
        "The most membership updates that wait to be gossiped. When full, the updates sent most \
         often are dropped first.",
        "to bound the memory";
    broadcast_queue_max, count!(broadcast_queue_max, "broadcasts", 1, 1024),
        "The most user broadcasts that wait to be gossiped, including those of peers.",
        "to bound the memory";
    broadcast_queue_bytes_max, count!(broadcast_queue_bytes_max, "bytes", 800, u64::MAX),
        "The most bytes of user broadcasts that wait to be gossiped; at least packet_size_max.",
        "to bound the memory";
    broadcast_origins_max, count!(broadcast_origins_max, "origins", 1, u64::MAX),
        "The most origins of user broadcasts that are remembered, to recognise duplicates.",
        "if more members broadcast";
    reliable_size_max, count!(reliable_size_max, "bytes", 0, 1_073_741_824),
        "The largest message over a stream.",
        "for larger messages, with stream_buffer_max";
    user_state_size_max, count!(user_state_size_max, "bytes", 0, 1_073_741_824),
        "The largest application state in a push/pull.",
        "for larger states, with stream_buffer_max";
    streams_max, count!(streams_max, "streams", 1, u64::MAX),
        "The most incoming streams open at once.",
        "if more than 100 nodes of the cluster start at once";
    streams_per_source_max, count!(streams_per_source_max, "streams", 1, u64::MAX),
        "The most incoming streams open from one IPv4 address, or one IPv6 /64 network.",
        "for many nodes on one host or behind one NAT";
    stream_buffer_max, count!(stream_buffer_max, "bytes", 0, 1_073_741_824),
        "The most bytes of unfinished incoming streams; at least reliable_size_max and \
         user_state_size_max.",
        "to bound the memory";
    requests_max, count!(requests_max, "commands", 1, u64::MAX),
        "The most commands that wait for their answer.",
        "if the application sends more commands at once";
    relays_max, count!(relays_max, "pings", 1, u64::MAX),
        "The most pings in progress on behalf of other members.",
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
