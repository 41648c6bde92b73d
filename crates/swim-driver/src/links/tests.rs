//! Two nodes' links, and a wire between them that the test moves by hand.

use super::*;

const NOW: Instant = Instant::ORIGIN;
const LINK_AGE: Duration = Duration::from_secs(300);
const PING: PacketKind = PacketKind::Probe;

fn config(name: &str, address: &str) -> Config {
    Config::lan(name.parse().unwrap(), address.parse().unwrap())
}

fn peer(number: u8) -> SocketAddr {
    SocketAddr::new([10, 0, 0, number].into(), 7946)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Bench {
    links: Links,
    actions: VecDeque<Action>,
    members: Vec<IpAddr>,
}

impl Bench {
    fn new(links_max: usize) -> Self {
        let links = Links::new(&config("a", "10.0.0.1:7946"), links_max, LINK_AGE);
        let members = (1..=200).map(|number| peer(number).ip()).collect();
        Bench { links, actions: VecDeque::new(), members }
    }

    fn send(&mut self, now: Instant, to: SocketAddr, kind: PacketKind, packet: &'static [u8]) {
        let members = self.members.clone();
        let is_member = |ip| members.contains(&ip);
        self.links.send(now, to, (kind, packet.into()), is_member, &mut self.actions);
    }

    fn news(&mut self, now: Instant, id: StreamId, news: StreamNews<'_>) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        self.links.handle(now, id, news, &mut self.actions, |_, packet| {
            packets.push(packet.to_vec());
        });
        packets
    }

    fn greet(&mut self, id: u64, from: SocketAddr, bytes: &[u8]) -> Greeting {
        self.links.accepted(StreamId(id), from);
        let members = self.members.clone();
        let is_member = |ip| members.contains(&ip);
        self.links.greet(NOW, StreamId(id), bytes, is_member, &mut self.actions)
    }

    /// The single dial that was asked for.
    fn dialled(&mut self) -> StreamId {
        let dialled: Vec<_> = self.actions.drain(..).collect();
        match dialled[..] {
            [Action::Dial { id, .. }] => id,
            [Action::Abort { .. }, Action::Dial { id, .. }] => id,
            ref other => panic!("not a dial: {other:?}"),
        }
    }

    /// The written bytes, without the hello of a new link.
    fn written(&mut self) -> Vec<u8> {
        match self.actions.pop_front() {
            Some(Action::Write { bytes, .. }) => match Hello::decode(&bytes) {
                hello::Beginning::Hello { size, .. } => bytes[size..].to_vec(),
                _ => bytes.to_vec(),
            },
            other => panic!("nothing is written: {other:?}"),
        }
    }

    /// An open link on which nothing is being written.
    fn open(&mut self, to: SocketAddr) -> StreamId {
        self.send(NOW, to, PacketKind::News, b"x");
        let id = self.dialled();
        self.news(NOW, id, StreamNews::Opened);
        self.news(NOW, id, StreamNews::Written);
        self.actions.clear();
        id
    }
}

#[test]
fn the_first_packet_dials_and_further_ones_use_the_link() {
    let mut bench = Bench::new(4);
    bench.send(NOW, peer(2), PING, b"ping");
    let id = bench.dialled();
    bench.send(NOW, peer(2), PacketKind::News, b"news");
    assert_eq!(bench.actions, []);
    bench.news(NOW, id, StreamNews::Opened);
    assert_eq!(bench.written(), b"\0\x04ping\0\x04news");
    // One write at a time. Packets that come meanwhile go with the next, urgent ones first.
    bench.send(NOW, peer(2), PacketKind::News, b"more");
    bench.send(NOW, peer(2), PacketKind::Answer, b"ack");
    assert_eq!(bench.actions, []);
    bench.news(NOW, id, StreamNews::Written);
    assert_eq!(bench.written(), b"\0\x03ack\0\x04more");
}

#[test]
fn what_a_link_carries_arrives_as_from_the_address_that_its_dialler_announces() {
    let (mut a, mut b) = (Bench::new(4), Bench::new(4));
    a.send(NOW, peer(2), PING, b"ping");
    let id = a.dialled();
    a.news(NOW, id, StreamNews::Opened);
    let Some(Action::Write { bytes, .. }) = a.actions.pop_front() else { panic!("no write") };
    let from = SocketAddr::new(peer(1).ip(), 50_000);
    let (first, rest) = bytes.split_at(9);
    assert_eq!(b.greet(7, from, first), Greeting::Unfinished);
    let greeting = b.links.greet(NOW, StreamId(7), rest, |_| true, &mut b.actions);
    assert_eq!(greeting, Greeting::Link);
    let mut arrived = Vec::new();
    let (links, actions) = (&mut b.links, &mut b.actions);
    links.handle(NOW, StreamId(7), StreamNews::Data(&[]), actions, |from, packet| {
        arrived.push((from, packet.to_vec()));
    });
    assert_eq!(arrived, [(peer(1), b"ping".to_vec())]);
    // Bytes that begin no link are handed back whole.
    assert_eq!(b.greet(8, from, b"GET"), Greeting::Exchange(Bytes::from_static(b"GET")));
}

#[test]
fn the_link_that_was_used_least_lately_makes_way_and_is_closed_in_order() {
    let mut bench = Bench::new(2);
    let (second, third) = (bench.open(peer(2)), bench.open(peer(3)));
    bench.send(NOW, peer(2), PING, b"ping");
    bench.actions.clear();
    bench.send(NOW, peer(4), PING, b"ping");
    assert_eq!(bench.actions.pop_front(), Some(Action::Finish { id: third }));
    bench.dialled();
    assert!(bench.links.owns(second) && !bench.links.owns(third));
    assert_eq!(bench.links.counts().outgoing, 2);
    // Does not wait for a peer that does not close its side.
    bench.links.handle_timeout(NOW + ms(1_000), &mut bench.actions);
    assert!(bench.actions.contains(&Action::Abort { id: third }));
}

#[test]
fn a_stranger_takes_no_place_from_a_member() {
    let mut bench = Bench::new(2);
    bench.open(peer(2));
    let stranger = bench.open(peer(201));
    bench.send(NOW, peer(3), PING, b"ping");
    assert_eq!(bench.actions.pop_front(), Some(Action::Finish { id: stranger }));
    bench.dialled();
    bench.send(NOW, peer(202), PacketKind::Answer, b"ack");
    assert_eq!(bench.actions, []);
    assert_eq!(bench.links.counts().packets_dropped, 1);

    // The same for incoming links.
    let hello =
        |number| Hello { name: "x".parse().unwrap(), announced: peer(number) }.encode(false);
    for number in 2..6 {
        assert_eq!(bench.greet(number.into(), peer(number), &hello(number)), Greeting::Link);
    }
    assert_eq!(bench.greet(9, peer(201), &hello(201)), Greeting::Refused);
    assert_eq!(bench.greet(10, peer(9), &hello(9)), Greeting::Link);
    assert_eq!(bench.actions, [Action::Abort { id: StreamId(2) }]);
    assert_eq!(bench.links.counts().incoming, 4);
}

#[test]
fn a_link_in_the_name_of_another_than_its_certificate_is_refused() {
    let mut bench = Bench::new(2);
    let hello = Hello { name: "b".parse().unwrap(), announced: peer(2) }.encode(false);
    for (id, named, greeting) in [(1, "b", Greeting::Link), (2, "c", Greeting::WrongName)] {
        bench.links.accepted(StreamId(id), peer(2));
        bench.links.certified(StreamId(id), &[named.parse().unwrap()]);
        let actions = &mut bench.actions;
        let greeted = bench.links.greet(NOW, StreamId(id), &hello, |_| true, actions);
        assert_eq!(greeted, greeting);
    }
}

#[test]
fn an_address_that_refuses_is_dialled_again_after_longer_and_longer_waits() {
    let mut bench = Bench::new(2);
    bench.send(NOW, peer(2), PING, b"ping");
    let (mut now, mut waits) = (NOW, Vec::new());
    for _ in 0..6 {
        let id = bench.dialled();
        let failed = StreamNews::Failed(swim_core::ConnectionError::Refused);
        bench.news(now, id, failed);
        assert_eq!(bench.actions, []);
        let due = bench.links.deadline().unwrap();
        bench.send(due, peer(2), PING, b"ping");
        waits.push(due - now);
        now = due;
    }
    assert_eq!(waits, [250, 500, 1_000, 2_000, 2_000, 2_000].map(ms));
}

#[test]
fn an_address_to_which_nothing_is_sent_is_not_dialled_again() {
    let mut bench = Bench::new(2);
    bench.send(NOW, peer(2), PING, b"ping");
    let id = bench.dialled();
    bench.news(NOW + ms(400), id, StreamNews::Failed(swim_core::ConnectionError::TimedOut));
    bench.links.handle_timeout(NOW + ms(650), &mut bench.actions);
    assert_eq!(bench.actions, [], "the ping is stale by now");
    assert_eq!(bench.links.counts().outgoing, 0);
    assert_eq!(bench.links.deadline(), None);
}

#[test]
fn a_link_that_takes_nothing_is_given_up_and_others_are_not_held_up() {
    let mut bench = Bench::new(2);
    let id = bench.open(peer(2));
    bench.send(NOW, peer(2), PING, b"ping");
    bench.written();
    bench.send(NOW + ms(100), peer(3), PING, b"ping");
    bench.dialled();
    bench.links.handle_timeout(NOW + ms(500), &mut bench.actions);
    assert_eq!(bench.actions, [Action::Abort { id }]);
}

#[test]
fn a_link_from_which_no_ping_was_answered_is_renewed_and_the_peer_renews_its_own() {
    let mut bench = Bench::new(2);
    let id = bench.open(peer(2));
    bench.send(NOW, peer(2), PING, b"ping");
    bench.news(NOW, id, StreamNews::Written);
    bench.actions.clear();
    bench.send(NOW + ms(900), peer(2), PING, b"ping");
    bench.news(NOW, id, StreamNews::Written);
    bench.written();
    bench.send(NOW + ms(1_100), peer(2), PING, b"ping");
    let renewed = bench.dialled();
    assert_ne!(renewed, id);
    bench.news(NOW + ms(1_100), renewed, StreamNews::Opened);
    let Some(Action::Write { bytes, .. }) = bench.actions.pop_front() else { panic!("no write") };

    let mut other = Bench::new(2);
    let back = other.open(peer(1));
    assert_eq!(other.greet(7, peer(1), &bytes), Greeting::Link);
    assert_eq!(other.actions, [Action::Abort { id: back }]);
}

#[test]
fn a_link_that_nobody_uses_is_closed() {
    let mut bench = Bench::new(2);
    let id = bench.open(peer(2));
    bench.links.handle_timeout(NOW + IDLE_TIMEOUT, &mut bench.actions);
    assert_eq!(bench.actions, [Action::Finish { id }]);
}

#[test]
fn a_link_that_is_too_old_is_closed_with_the_next_packet_which_goes_over_a_new_one() {
    let mut bench = Bench::new(2);
    let id = bench.open(peer(2));
    for second in (0..300).step_by(60) {
        bench.send(NOW + ms(second * 1000), peer(2), PacketKind::News, b"news");
        bench.news(NOW, id, StreamNews::Written);
    }
    bench.actions.clear();
    bench.send(NOW + LINK_AGE, peer(2), PING, b"ping");
    assert_eq!(bench.actions.pop_front(), Some(Action::Finish { id }));
    let renewed = bench.dialled();
    bench.news(NOW + LINK_AGE, renewed, StreamNews::Opened);
    assert_eq!(bench.written(), b"\0\x04ping");

    // Also an incoming link that its dialler does not replace.
    let hello = Hello { name: "b".parse().unwrap(), announced: peer(2) }.encode(false);
    assert_eq!(bench.greet(7, peer(2), &hello), Greeting::Link);
    for second in (60..=420).step_by(60) {
        bench.links.handle_timeout(NOW + ms(second * 1000), &mut bench.actions);
        bench.news(NOW + ms(second * 1000), StreamId(7), StreamNews::Data(b"\0\x01x"));
    }
    assert!(bench.actions.contains(&Action::Abort { id: StreamId(7) }));
}

#[test]
fn links_may_last_for_ever() {
    let mut links = Links::new(&config("a", "10.0.0.1:7946"), 2, Duration::MAX);
    let hello = Hello { name: "b".parse().unwrap(), announced: peer(2) }.encode(false);
    let mut actions = VecDeque::new();
    links.accepted(StreamId(7), peer(2));
    assert_eq!(links.greet(NOW, StreamId(7), &hello, |_| true, &mut actions), Greeting::Link);
}

#[test]
fn what_waits_for_the_ends_of_frames_is_bounded_for_all_links_together() {
    let mut bench = Bench::new(64);
    let mut open = 0;
    for number in 1..=100 {
        let hello = Hello { name: "x".parse().unwrap(), announced: peer(number) }.encode(false);
        let id = StreamId(number.into());
        assert_eq!(bench.greet(id.0, peer(number), &hello), Greeting::Link);
        let mut begun = vec![0xFF; 20_000];
        begun[..2].copy_from_slice(&[0xFF, 0xFF]);
        bench.news(NOW, id, StreamNews::Data(&begun));
        open += 1;
    }
    let aborted = bench.actions.iter().filter(|it| matches!(it, Action::Abort { .. })).count();
    assert_eq!(bench.links.counts().incoming, open - aborted);
    assert!((open - aborted) * 20_000 <= 1 << 20, "{open} - {aborted}");
    assert!(aborted < 60, "{aborted}");
}
