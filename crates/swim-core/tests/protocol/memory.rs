//! How much memory a member takes, and whether it is given back.
//!
//! Counts requested bytes, of all structures of a node together.

#![allow(clippy::unwrap_used, reason = "test code")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use swim_core::wire::{self, Ack, Claim, Message, Update};
use swim_core::{Config, Incarnation, Instant, Node, Output, Versions};
use swim_test_support::counting;

/// Maximum bytes of memory per member, besides its name and metadata.
const BYTES_PER_MEMBER_MAX: usize = 100;

const NAME_SIZE: usize = 10;
const META: &[u8] = b"rack=7";

/// A node, and peers that answer it at once.
struct Cluster {
    node: Node,
    now: Instant,
    before: usize,
}

impl Cluster {
    fn new() -> Self {
        Cluster::remembering_for(Duration::from_secs(24 * 3600))
    }

    /// A node that remembers unlisted members for this long.
    fn remembering_for(lost_members_keep: Duration) -> Self {
        let mut config = Config::lan("self".parse().unwrap(), address(0));
        config.lost_members_keep = lost_members_keep;
        // A push/pull would hold all members once more for a moment.
        config.push_pull_interval = Duration::ZERO;
        let before = counting::live();
        let now = Instant::ORIGIN;
        let node = Node::new(config, [7; 32], now).unwrap();
        Cluster { node, now, before }
    }

    /// Bytes in use, without the names and metadata of `members` members.
    fn bytes_without_text(&self, members: usize) -> usize {
        counting::live() - self.before - members * (NAME_SIZE + META.len())
    }

    fn tell(&mut self, number: usize, incarnation: u32, claim: Claim<'_>) {
        let name = name(number);
        let update = Update { name: &name, incarnation: Incarnation(incarnation), claim };
        self.hand_in(address(1), &Message::Update(update));
    }

    fn hand_in(&mut self, from: SocketAddr, message: &Message<'_>) {
        let mut packet = BytesMut::new();
        wire::begin_packet(b"", &mut packet);
        message.encode(&mut packet);
        self.node.handle_packet(self.now, from, &packet);
        while self.node.poll_output().is_some() {}
    }

    fn add(&mut self, numbers: impl Iterator<Item = usize>) {
        for number in numbers {
            let claim =
                Claim::Alive { address: address(number), meta: META, versions: Versions::DEFAULT };
            self.tell(number, 1, claim);
        }
    }

    fn take_leave(&mut self, numbers: impl Iterator<Item = usize>) {
        numbers.for_each(|number| self.tell(number, 1, Claim::Left));
    }

    /// Advances the time by at least `least`, and until no gossip is queued. Peers answer all
    /// pings.
    fn settle(&mut self, least: Duration) {
        let until = self.now + least;
        while self.now < until || self.node.stats().updates_queued > 0 {
            let Some(deadline) = self.node.poll_timeout() else {
                self.now = until;
                return;
            };
            self.now = self.now.max(deadline);
            self.node.handle_timeout(self.now);
            self.answer_pings();
        }
    }

    fn answer_pings(&mut self) {
        let mut pings = Vec::new();
        while let Some(output) = self.node.poll_output() {
            let Output::Packet { to, payload, .. } = output else {
                continue;
            };
            let messages = wire::open_packet(&payload, b"").unwrap();
            pings.extend(messages.flatten().filter_map(|message| match message {
                Message::Ping(ping) => Some((to, ping.sequence)),
                _ => None,
            }));
        }
        for (from, sequence) in pings {
            let ack = Ack { sequence, payload: b"", view: 0 };
            self.hand_in(from, &Message::Ack(ack));
        }
    }
}

fn name(number: usize) -> String {
    format!("n{number:09}")
}

fn address(number: usize) -> SocketAddr {
    let [.., a, b, c] = number.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 7946))
}

#[test]
fn a_member_takes_at_most_100_bytes_besides_its_name_and_metadata() {
    // The last is the first number at which doubling tables are half empty.
    for members in [10_000, 100_000, 131_073] {
        let mut cluster = Cluster::new();
        cluster.add(1..members);
        cluster.settle(Duration::ZERO);
        assert_eq!(cluster.node.members_live(), members);
        let bytes = cluster.bytes_without_text(members);
        assert!(
            bytes <= members * BYTES_PER_MEMBER_MAX,
            "{members} members: {} bytes each",
            bytes / members
        );
    }
}

#[test]
fn the_table_never_holds_much_more_than_it_needs_while_it_grows() {
    for members in [10_000, 131_073] {
        let mut cluster = Cluster::new();
        counting::restart_peak();
        // Gossip keeps pace, so queued gossip does not count.
        for number in 1..members {
            cluster.add(number..=number);
            if number % 1_000 == 0 {
                cluster.settle(Duration::ZERO);
            }
        }
        let text = members * (NAME_SIZE + META.len());
        let peak = counting::peak() - cluster.before - text;
        assert!(
            peak <= members * (BYTES_PER_MEMBER_MAX + 20),
            "{members} members: {} bytes each at the peak",
            peak / members
        );
    }
}

#[test]
fn memory_returns_when_members_are_forgotten() {
    let mut cluster = Cluster::remembering_for(Duration::from_secs(60));
    cluster.add(1..1_000);
    cluster.settle(Duration::ZERO);
    let small = counting::live() - cluster.before;

    cluster.add(1_000..50_000);
    cluster.settle(Duration::ZERO);
    cluster.take_leave(1_000..50_000);
    let config = cluster.node.config();
    let kept = config.gossip_to_the_dead + config.lost_members_keep;
    cluster.settle(kept + Duration::from_secs(10));

    assert_eq!(cluster.node.members().count(), 1_000);
    let after = counting::live() - cluster.before;
    assert!(
        after < small * 2,
        "{small} bytes with 1,000 members; {after} after 49,000 more have come and gone"
    );
}

#[test]
fn members_that_come_and_go_for_hours_take_no_more_memory_than_those_of_one() {
    let mut cluster = Cluster::remembering_for(Duration::from_secs(3600));
    cluster.add(1..100);
    let mut next = 100;
    let mut hour = |cluster: &mut Cluster| {
        for _ in 0..60 {
            cluster.add(next..next + 50);
            cluster.settle(Duration::from_secs(30));
            cluster.take_leave(next..next + 50);
            cluster.settle(Duration::from_secs(30));
            next += 50;
        }
        counting::live() - cluster.before
    };
    // After an hour the first members are forgotten, so from the second hour on the number is
    // constant.
    hour(&mut cluster);
    let after_two = hour(&mut cluster);
    let after_eight = (2..8).fold(0, |_, _| hour(&mut cluster));
    assert!(
        after_eight <= after_two * 11 / 10,
        "{after_two} bytes after two hours, {after_eight} after eight"
    );
}
