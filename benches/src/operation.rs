//! The regular operations of a node.

use core::time::Duration;

use swim_core::Config;
use swim_core::wire::{Message, Ping, Scope};

use crate::coder::Coder;
use crate::names::{address, name};
use crate::updates::alive_of;
use crate::{Subject, exchange};

/// The number of queued updates, if any are queued.
pub const QUEUED: usize = 1_000;

/// The number of updates in a packet of known updates.
pub const UPDATES_PER_PACKET: usize = 40;

/// The number of prepared datagrams to choose from.
///
/// Each names 40 random members, so together they name each of 100,000 members once on average.
const POOL: usize = 2_500;

/// A regular operation of a node.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The title in the table of figures.
    pub title: &'static str,
    /// The name in criterion's reports.
    pub key: &'static str,
    /// Creates a node with this configuration and number of members, ready for the first time.
    pub subject: fn(Config, usize) -> Subject,
    /// Prepares each time; not measured.
    pub prepare: Option<fn(&mut Subject)>,
    /// The measured work.
    pub work: fn(&mut Subject),
    /// The number of equal things in the work; figures are per thing.
    pub per: usize,
    /// Whether preparing takes milliseconds with many members.
    ///
    /// That is fast enough for a few hundred samples, but not for millions.
    pub is_slow_to_prepare: bool,
}

/// All operations.
pub const OPERATIONS: [Operation; 9] = [
    Operation {
        title: "ping answered, queue empty, same asker",
        key: "ping/hot",
        subject: asked_by_one,
        prepare: None,
        work: Subject::hand_in,
        per: 1,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "ping answered, queue empty, any asker",
        key: "ping/cold",
        subject: Subject::joined_with,
        prepare: Some(ask_as_anybody),
        work: Subject::hand_in,
        per: 1,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "ping answered, 1,000 updates queued",
        key: "ping/queued",
        subject: asked_by_one,
        prepare: Some(queue),
        work: Subject::hand_in,
        per: 1,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "ack handled",
        key: "ack",
        subject: Subject::joined_with,
        prepare: Some(await_ack),
        work: Subject::hand_in,
        per: 1,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "known update, same packet again (hot)",
        key: "known/hot",
        subject: told_the_same,
        prepare: None,
        work: Subject::hand_in,
        per: UPDATES_PER_PACKET,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "known update, random members (cold)",
        key: "known/cold",
        subject: told_about_anybody,
        prepare: Some(next_of_pool),
        work: Subject::hand_in,
        per: UPDATES_PER_PACKET,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "probe tick, last of a round (hot)",
        key: "tick/probe/hot",
        subject: Subject::joined_with,
        prepare: Some(await_last_probes),
        work: Subject::keep_deadline,
        per: 1,
        is_slow_to_prepare: true,
    },
    Operation {
        title: "probe tick, any member (cold)",
        key: "tick/probe/cold",
        subject: Subject::joined_with,
        prepare: Some(await_probe),
        work: Subject::keep_deadline,
        per: 1,
        is_slow_to_prepare: false,
    },
    Operation {
        title: "gossip tick, 1,000 updates queued",
        key: "tick/gossip",
        subject: gossiping,
        prepare: Some(await_gossip),
        work: gossip,
        per: 1,
        is_slow_to_prepare: false,
    },
];

/// A full push/pull with a member that knows the same, begun by that member.
///
/// Its cost grows with the number of members, so it is not in the table of operations with constant
/// cost.
pub const PUSH_PULL: Operation = Operation {
    title: "push/pull, all known",
    key: "push_pull",
    subject: told_everything,
    prepare: None,
    work: exchange_known,
    per: 1,
    is_slow_to_prepare: false,
};

fn ping_from(coder: &mut Coder, number: usize) -> Vec<u8> {
    let (own, asker) = (name(0), name(number));
    let reply_to = coder.says_where_to_answer().then(|| address(number));
    let ping = Ping { sequence: 7_654_321, target: &own, source: &asker, reply_to };
    coder.packet_of(&Message::Ping(ping))
}

fn asked_by_one(config: Config, members: usize) -> Subject {
    let mut subject = Subject::joined_with(config, members);
    (subject.datagram, subject.from) = (ping_from(&mut subject.coder, 1), address(1));
    subject
}

fn ask_as_anybody(subject: &mut Subject) {
    let asker = subject.any_peer();
    subject.datagram = ping_from(&mut subject.coder, asker);
    subject.from = address(asker);
}

fn queue(subject: &mut Subject) {
    subject.queue_goodbyes(QUEUED);
}

/// Lets the node send its next ping, and prepares the ack.
fn await_ack(subject: &mut Subject) {
    subject.wait();
    subject.keep_deadline();
    assert!(subject.prepare_ack(), "a probe tick sends a ping");
    subject.now += Duration::from_millis(1);
}

fn packet_about(coder: &mut Coder, members: impl Iterator<Item = usize>) -> Vec<u8> {
    let names: Vec<(usize, String)> = members.map(|number| (number, name(number))).collect();
    let versions = coder.versions();
    let alive = |number, name| Message::Update(alive_of(versions, number, name));
    let updates: Vec<Message<'_>> =
        names.iter().map(|(number, name)| alive(*number, name)).collect();
    coder.packet(updates.iter())
}

fn told_the_same(config: Config, members: usize) -> Subject {
    let mut subject = Subject::joined_with(config, members);
    let step = (members / UPDATES_PER_PACKET).max(1);
    let numbers = (0..UPDATES_PER_PACKET).map(|index| 1 + index * step % (members - 1));
    subject.datagram = packet_about(&mut subject.coder, numbers);
    subject
}

fn told_about_anybody(config: Config, members: usize) -> Subject {
    let mut subject = Subject::joined_with(config, members);
    subject.pool = (0..POOL)
        .map(|_| {
            let numbers = [(); UPDATES_PER_PACKET].map(|()| subject.any_peer());
            packet_about(&mut subject.coder, numbers.into_iter())
        })
        .collect();
    subject
}

/// Copies the next datagram into the same buffer, as a caller reads each into one buffer.
fn next_of_pool(subject: &mut Subject) {
    let next = subject.below(subject.pool.len());
    let Subject { datagram, pool, .. } = subject;
    datagram.clear();
    datagram.extend_from_slice(&pool[next]);
}

/// Answers the previous tick's ping, and waits for the next tick.
fn await_probe(subject: &mut Subject) {
    subject.answer_ping();
    subject.wait();
}

/// The last ticks of a round move few members, so their data is in the cache.
fn await_last_probes(subject: &mut Subject) {
    subject.await_end_of_round(8);
}

/// Returns a node that only gossips, for an hour.
fn gossiping(mut config: Config, members: usize) -> Subject {
    config.probe_interval = Duration::from_secs(3600);
    config.gossip_to_the_dead = Duration::from_secs(24 * 3600);
    Subject::joined_with(config, members)
}

fn await_gossip(subject: &mut Subject) {
    subject.queue_goodbyes(QUEUED);
    subject.wait();
}

fn gossip(subject: &mut Subject) {
    subject.node.handle_timeout(subject.now);
    subject.turn();
}

fn told_everything(config: Config, members: usize) -> Subject {
    let mut subject = Subject::joined_with(config, members);
    subject.pool = vec![exchange::half(Scope::Full, members)];
    subject
}

fn exchange_known(subject: &mut Subject) {
    let pool = core::mem::take(&mut subject.pool);
    subject.exchange(&pool[0]);
    subject.pool = pool;
}
