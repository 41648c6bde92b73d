//! Every limit of the configuration that datagrams and commands can reach: input at the limit is
//! accepted; input one above it is dropped and counted, or refused.

use std::time::Duration;

use bytes::Bytes;
use swim_core::wire::{self, Broadcast, Claim, IndirectPing, Message, Ping, Update};
use swim_core::{
    CommandError, Config, ConfigError, DropReason, Event, Incarnation, Node, Output, Versions,
};

use super::peer::{Peer, address, alive, complaints, config, events, name, packets};

#[test]
fn settings_at_their_edge_are_valid_and_one_beyond_are_refused_by_name() {
    type Set = fn(&mut Config, usize);
    let edges: [(&str, Set, usize, usize); 18] = [
        ("packet_size_max", |c, n| c.packet_size_max = n, 800, 799),
        ("packet_size_max", |c, n| c.packet_size_max = n, 65_507, 65_508),
        ("meta_size_max", |c, n| c.meta_size_max = n, 1_100, 1_101),
        ("members_max", |c, n| c.members_max = n, 1, 0),
        ("members_max", |c, n| c.members_max = n, 1 << 24, (1 << 24) + 1),
        ("update_queue_max", |c, n| c.update_queue_max = n, 16, 15),
        ("broadcast_queue_max", |c, n| c.broadcast_queue_max = n, 1, 0),
        ("broadcast_origins_max", |c, n| c.broadcast_origins_max = n, 1, 0),
        ("broadcast_queue_bytes_max", |c, n| c.broadcast_queue_bytes_max = n, 1_400, 1_399),
        ("streams_max", |c, n| c.streams_max = n, 1, 0),
        ("streams_per_source_max", |c, n| c.streams_per_source_max = n, 1, 0),
        ("stream_buffer_max", |c, n| c.stream_buffer_max = n, 20 << 20, (20 << 20) - 1),
        ("stream_buffer_max", |c, n| c.stream_buffer_max = n, 1 << 30, (1 << 30) + 1),
        ("requests_max", |c, n| c.requests_max = n, 1, 0),
        ("relays_max", |c, n| c.relays_max = n, 1, 0),
        ("gossip_nodes", |c, n| c.gossip_nodes = n, 16, 17),
        ("gossip_nodes", |c, n| c.gossip_nodes = n, 1, 0),
        ("indirect_probes", |c, n| c.indirect_probes = n, 16, 17),
    ];
    for (name, set, edge, beyond) in edges {
        let with = |value| {
            let mut config = config();
            config.meta_size_max = 400;
            set(&mut config, value);
            config.validate()
        };
        assert_eq!(with(edge), Ok(()), "{name} = {edge}");
        match with(beyond) {
            Err(ConfigError::OutOfRange { setting, .. }) => {
                assert!(setting.contains(name), "{setting} for {name} = {beyond}");
            }
            other => panic!("{name} = {beyond}: {other:?}"),
        }
    }
}

#[test]
fn meta_size_max() {
    let with = |size: usize| {
        let mut config = config();
        config.meta = vec![7; size].into();
        Node::new(config, [7; 32], Peer::new().now).map(|_| ())
    };
    assert_eq!(with(512), Ok(()));
    assert_eq!(with(513), Err(ConfigError::MetaTooLarge { size: 513, max: 512 }));

    let mut peer = Peer::new();
    let set = |peer: &mut Peer, size: usize| {
        let now = peer.now;
        peer.node.set_meta(now, Bytes::from(vec![7; size])).map(|_| ())
    };
    assert_eq!(set(&mut peer, 512), Ok(()));
    assert_eq!(set(&mut peer, 513), Err(CommandError::TooLarge { size: 513, max: 512 }));
    assert_eq!(peer.node.local().meta.len(), 512);

    let claim = |meta| Claim::Alive { address: address(1), meta, versions: Versions::DEFAULT };
    assert_eq!(complaints(&peer.hear(1, 1, claim(&[7; 513]))), [(DropReason::MetaTooLarge, false)]);
    assert_eq!(peer.node.members_live(), 1);
    assert_eq!(complaints(&peer.hear(1, 1, claim(&[7; 512]))), []);
    assert_eq!(peer.node.members_live(), 2);
    peer.hear(1, 2, claim(&[7; 513]));
    assert_eq!(peer.node.member("n1").unwrap().incarnation, Incarnation(1), "as it was");
}

#[test]
fn members_max() {
    let mut peer = Peer::with(|config| config.members_max = 4);
    (1..=3).for_each(|number| assert_eq!(peer.meet(number).len(), 1));
    assert_eq!(peer.meet(4), []);
    assert_eq!(peer.drops(DropReason::MembersFull), 1);
    // News about members in the table still counts.
    assert_eq!(peer.hear(3, 2, alive(3)).len(), 1);
    // A departed member takes up a place until it is no longer listed.
    peer.hear(3, 2, Claim::Left);
    assert_eq!(peer.meet(4), []);
    peer.run_answered(peer.node.config().gossip_to_the_dead + Duration::from_secs(1));
    assert_eq!(events(&peer.meet(4)).len(), 1);
    assert_eq!(peer.node.members().count(), 4);
}

#[test]
fn who_comes_back_needs_a_place_like_a_newcomer() {
    let mut peer = Peer::with(|config| config.members_max = 3);
    (1..=2).for_each(|number| assert_eq!(peer.meet(number).len(), 1));
    peer.hear(2, 1, Claim::Left);
    peer.run_answered(peer.node.config().gossip_to_the_dead + Duration::from_secs(1));
    peer.meet(3);
    assert_eq!(peer.node.members().count(), 3);
    assert_eq!(events(&peer.hear(2, 9, alive(2))), [], "back from the lost");
    assert_eq!(peer.node.members().count(), 3);
    assert_eq!(peer.drops(DropReason::MembersFull), 1);
}

/// A remembered lost member is not brought back by old news.
#[test]
fn lost_members_max() {
    let mut peer = Peer::with(|config| config.lost_members_max = 2);
    for number in 1..=3 {
        peer.meet(number);
        peer.hear(number, 1, Claim::Left);
        peer.run(Duration::from_secs(1));
    }
    peer.run(peer.node.config().gossip_to_the_dead + Duration::from_secs(1));
    assert_eq!(peer.node.members().count(), 1);
    let back = |peer: &mut Peer, number| !events(&peer.meet(number)).is_empty();
    assert!(!back(&mut peer, 3));
    assert!(!back(&mut peer, 2));
    assert!(back(&mut peer, 1), "forgotten to make room for the others");
}

#[test]
fn update_queue_max() {
    let mut peer = Peer::with(|config| config.update_queue_max = 16);
    (1..=16).for_each(|number| assert_eq!(peer.meet(number).len(), 1));
    assert_eq!(peer.node.stats().updates_queued, 16);
    assert_eq!(peer.drops(DropReason::QueueFull), 0);
    assert_eq!(peer.meet(17).len(), 1, "it is taken in all the same");
    assert_eq!(peer.node.stats().updates_queued, 16);
    assert_eq!(peer.drops(DropReason::QueueFull), 1);
}

#[test]
fn broadcast_queue_max() {
    let mut peer = Peer::with(|config| config.broadcast_queue_max = 3);
    peer.meet(1);
    let broadcast = |peer: &mut Peer| peer.node.broadcast(peer.now, b"payload").map(|_| ());
    (0..3).for_each(|_| assert_eq!(broadcast(&mut peer), Ok(())));
    assert_eq!(broadcast(&mut peer), Err(CommandError::Busy { limit: "broadcast_queue_max" }));

    // A broadcast that is passed on pushes out another one.
    let outputs = peer.say(address(1), &[relayed(0, 0, b"payload")]);
    assert!(events(&outputs).iter().any(|event| matches!(event, Event::Broadcast { .. })));
    assert_eq!(peer.node.stats().broadcasts_queued, 3);
    assert_eq!(peer.drops(DropReason::QueueFull), 1);
}

#[test]
fn broadcast_queue_bytes_max() {
    let mut peer = Peer::with(|config| config.broadcast_queue_bytes_max = 1_400);
    peer.meet(1);
    let broadcast = |peer: &mut Peer, size| {
        let payload = vec![7; size];
        peer.node.broadcast(peer.now, &payload).map(|_| ())
    };
    assert_eq!(broadcast(&mut peer, 900), Ok(()));
    let busy = Err(CommandError::Busy { limit: "broadcast_queue_max" });
    // The limit counts encoded broadcasts: at the edge the payload and some 20 bytes fit.
    let mut size = 520;
    while broadcast(&mut peer, size) == busy {
        size -= 1;
    }
    assert!((450..500).contains(&size), "{size}");
    assert_eq!(peer.node.stats().broadcasts_queued, 2);
    assert_eq!(broadcast(&mut peer, 30), busy);
    // A broadcast to pass on, of which peers have copies, pushes out none that was never sent.
    peer.say(address(1), &[relayed(0, 0, &[7; 1_000])]);
    assert_eq!(peer.node.stats().broadcasts_queued, 2);
    assert_eq!(peer.drops(DropReason::QueueFull), 1);
}

#[test]
fn broadcast_origins_max() {
    let mut peer = Peer::with(|config| config.broadcast_origins_max = 2);
    for number in 1..5 {
        peer.meet(number);
    }
    let is_new = |peer: &mut Peer, origin| {
        events(&peer.say(address(1), &[relayed(origin, 0, b"p")]))
            .iter()
            .any(|event| matches!(event, Event::Broadcast { .. }))
    };
    assert!(is_new(&mut peer, 1) && is_new(&mut peer, 2));
    assert!(!is_new(&mut peer, 1) && !is_new(&mut peer, 2), "both are remembered");
    assert!(!is_new(&mut peer, 3), "copies of the others may still travel");
    assert_eq!(peer.drops(DropReason::OriginsFull), 1);
    peer.run_answered(peer.node.config().gossip_to_the_dead);
    assert!(is_new(&mut peer, 3), "who fell silent makes room");
    assert!(!is_new(&mut peer, 3));
}

#[test]
fn requests_max() {
    let mut peer = Peer::with(|config| config.requests_max = 2);
    peer.meet(1);
    let ping = |peer: &mut Peer| peer.node.ping(peer.now, "n1").map(|_| ());
    assert_eq!(ping(&mut peer), Ok(()));
    assert_eq!(ping(&mut peer), Ok(()));
    assert_eq!(ping(&mut peer), Err(CommandError::Busy { limit: "requests_max" }));
    peer.run(peer.node.config().probe_interval);
    assert_eq!(ping(&mut peer), Ok(()), "answered ones make room");
}

#[test]
fn relays_max() {
    let mut peer = Peer::with(|config| config.relays_max = 4);
    peer.meet(1);
    peer.meet(2);
    let ask = |peer: &mut Peer, from: u16| {
        let target = name(1);
        let ping = IndirectPing::new(7, &target, address(1));
        packets(&peer.say(address(from), &[Message::IndirectPing(ping)])).len()
    };
    let strangers = [3, 3, 4].map(|from| ask(&mut peer, from));
    assert_eq!(strangers, [1, 0, 0], "strangers have a quarter");
    let members = [2, 2, 2, 2].map(|from| ask(&mut peer, from));
    assert_eq!(members, [1, 1, 1, 0]);
    assert_eq!(peer.drops(DropReason::RelaysFull), 3);
    peer.run(peer.node.config().probe_interval);
    assert_eq!(ask(&mut peer, 3), 1, "what is over makes room");
}

/// A node with the longest name and label, so that all overheads are as large as they get.
fn longest() -> Peer {
    let mut peer = Peer::with(|config| {
        config.name = "s".repeat(255).parse().unwrap();
        config.label = vec![b'l'; 255].into();
        config.meta_size_max = 400;
    });
    peer.greet(1);
    peer
}

#[test]
fn message_size_max() {
    let mut peer = longest();
    let max = peer.node.message_size_max();
    let send = |peer: &mut Peer, size: usize| peer.node.send(peer.now, "n1", &vec![7; size]);
    assert_eq!(send(&mut peer, max + 1), Err(CommandError::TooLarge { size: max + 1, max }));
    assert_eq!(send(&mut peer, max), Ok(()));
    let sent = packets(&peer.outputs());
    assert!((1_390..=1_400).contains(&sent[0].1.len()), "{} bytes", sent[0].1.len());
}

#[test]
fn broadcast_size_max() {
    let mut peer = longest();
    let max = peer.node.broadcast_size_max();
    let broadcast =
        |peer: &mut Peer, size: usize| peer.node.broadcast(peer.now, &vec![7; size]).map(|_| ());
    let too_large = CommandError::TooLarge { size: max + 1, max };
    assert_eq!(broadcast(&mut peer, max + 1), Err(too_large));
    assert_eq!(broadcast(&mut peer, max), Ok(()));
    // It waits until its share of packets is saved up, and then goes out whole.
    let sizes: Vec<usize> =
        packets(&peer.run(Duration::from_secs(3))).iter().map(|(_, p)| p.len()).collect();
    let largest = sizes.iter().max().unwrap();
    assert!((1_380..=1_400).contains(largest), "{largest} bytes");
}

#[test]
fn ack_payload_size_max() {
    let mut peer = longest();
    let max = peer.node.ack_payload_size_max();
    let set = |peer: &mut Peer, size: usize| {
        peer.node.set_ack_payload(peer.now, Bytes::from(vec![7; size]))
    };
    assert_eq!(set(&mut peer, max + 1), Err(CommandError::TooLarge { size: max + 1, max }));
    assert_eq!(set(&mut peer, max), Ok(()));
    let own = peer.node.local().name.to_owned();
    let ping = Ping { sequence: u32::MAX, target: &own, source: "n1", reply_to: None };
    let sent = packets(&peer.say(address(1), &[Message::Ping(ping)]));
    assert!((1_390..=1_400).contains(&sent[0].1.len()), "{} bytes", sent[0].1.len());
}

#[test]
fn packet_size_max_holds_for_every_packet() {
    for packet_size_max in [800, 1_400, 65_507] {
        let mut peer = Peer::with(|config| {
            config.name = "s".repeat(255).parse().unwrap();
            config.label = vec![b'l'; 250].into();
            config.meta_size_max = 10;
            config.packet_size_max = packet_size_max;
        });
        let long = "n".repeat(255);
        let news = Update { name: &long, incarnation: Incarnation(1), claim: alive(1) };
        peer.say(address(1), &[Message::Update(news)]);
        (2..300).for_each(|number| drop(peer.meet(number)));
        peer.node.broadcast(peer.now, &vec![7; peer.node.broadcast_size_max()]).unwrap();
        let sent = packets(&peer.run(Duration::from_secs(60)));
        assert!(sent.len() > 100);
        let largest = sent.iter().map(|(_, payload)| payload.len()).max().unwrap();
        assert!(largest <= packet_size_max, "{largest} bytes of {packet_size_max}");
        assert!(largest > packet_size_max * 9 / 10, "{largest} bytes of {packet_size_max}");
    }
}

fn relayed(origin: u16, sequence: u32, payload: &[u8]) -> Message<'_> {
    const ORIGINS: [&str; 4] = ["n1", "n2", "n3", "n4"];
    let origin = ORIGINS[usize::from(origin)];
    Message::Broadcast(Broadcast {
        origin,
        life: 7,
        sequence,
        key: b"",
        payload,
        known: Incarnation(0),
    })
}

impl Peer {
    /// Like [`Peer::run`], but members answer every ping, so that none is suspected.
    fn run_answered(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.node.poll_timeout().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.node.handle_timeout(self.now);
            let outputs = self.outputs();
            for (to, payload) in packets(&outputs) {
                let sequences: Vec<u32> = wire::open_packet(&payload, b"")
                    .unwrap()
                    .flatten()
                    .filter_map(|message| match message {
                        Message::Ping(ping) => Some(ping.sequence),
                        _ => None,
                    })
                    .collect();
                for sequence in sequences {
                    let ack = wire::Ack { sequence, payload: b"", view: 0 };
                    self.say(to, &[Message::Ack(ack)]);
                }
            }
            assert!(!outputs.iter().any(|output| matches!(output, Output::Stream { .. })));
        }
        self.now = until;
    }
}
