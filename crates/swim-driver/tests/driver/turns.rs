use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use swim_driver::{Action, Driver, Event, INPUTS_PER_TURN_MAX, Inbox, Input, Io, Notice};

use crate::harness::{Net, Waiting, poll, ready};

/// Stops `a` in the middle of a probe of `b`, for longer than any timeout. `b` answers meanwhile,
/// and its ack waits in the socket of `a`, unless it is lost. Then `a` takes one turn.
fn stopped_while_the_ack_waits(lost: bool) -> Vec<Notice> {
    // Without the core's own remedy for stalls, to test that of the turn.
    let mut net = Net::formed(2, |options| options.config.lateness = false);
    for _ in 0..1000 {
        let due = net.hosts.iter().filter_map(|host| host.driver.poll_timeout()).min();
        net.now = net.now.max(due.expect("nodes always have something to do"));
        net.turn(0);
        let pinged = !net.hosts[1].sockets.waiting.is_empty();
        net.turn(1);
        let answered = pinged && !net.hosts[0].sockets.waiting.is_empty();
        if !answered {
            net.settle();
            continue;
        }
        if lost {
            net.hosts[0].sockets.waiting.clear();
        }
        net.now += Duration::from_secs(60);
        net.turn(0);
        return net.hosts[0].notices();
    }
    panic!("a never probed b");
}

fn is_bad_news(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::Event(Event::Suspected { .. } | Event::Failed { .. } | Event::HealthChanged { .. })
    )
}

#[test]
fn an_ack_that_waited_during_a_stall_is_heard_before_the_timer_fires() {
    let notices = stopped_while_the_ack_waits(false);
    assert!(!notices.iter().any(is_bad_news), "{notices:?}");
}

#[test]
fn without_that_ack_the_same_stall_is_bad_news() {
    let notices = stopped_while_the_ack_waits(true);
    assert!(notices.iter().any(is_bad_news), "the test above proves nothing: {notices:?}");
}

#[test]
fn a_turn_takes_a_bounded_number_of_inputs_and_says_that_more_may_wait() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let from = "10.0.0.9:1".parse().unwrap();
    for _ in 0..INPUTS_PER_TURN_MAX + 1 {
        let garbage = Waiting::Datagram(from, b"garbage"[..].into());
        net.hosts[a].sockets.waiting.push_back(garbage);
    }
    assert!(net.turn(a));
    assert_eq!(net.hosts[a].sockets.taken, INPUTS_PER_TURN_MAX);
    assert!(!net.turn(a));
    assert!(net.hosts[a].sockets.waiting.is_empty());
}

#[test]
fn a_flood_does_not_stop_the_clock() {
    let mut net = Net::formed(2, |_| {});
    let from = "10.0.0.9:1".parse().unwrap();
    let due = net.hosts[0].driver.poll_timeout().unwrap();
    net.now = due;
    for _ in 0..INPUTS_PER_TURN_MAX {
        let garbage = Waiting::Datagram(from, b"garbage"[..].into());
        net.hosts[0].sockets.waiting.push_back(garbage);
    }
    net.turn(0);
    assert!(net.hosts[0].driver.poll_timeout().unwrap() > due);
}

#[test]
fn garbage_is_an_event_and_nothing_worse() {
    let mut net = Net::formed(2, |_| {});
    let from = "10.0.0.9:1".parse().unwrap();
    let garbage = Waiting::Datagram(from, b"GET / HTTP/1.1\r\n\r\n"[..].into());
    net.hosts[0].sockets.waiting.push_back(garbage);
    net.settle();
    let notices = net.hosts[0].notices();
    assert!(
        notices.iter().any(|notice| matches!(
            notice,
            Notice::Event(Event::BadInput { from: source, stream: false, .. }) if *source == from
        )),
        "{notices:?}"
    );
    assert_eq!(net.hosts[0].cluster.members().len(), 2);
}

#[test]
fn peers_of_a_dual_stack_socket_are_known_by_their_ipv4_addresses() {
    use swim_driver::Action;

    let mut net = Net::new();
    let a = net.add("a", |options| {
        options.bind = "[::]:7946".parse().unwrap();
        options.advertise = Some("10.0.0.1:7946".parse().unwrap());
    });
    let b = net.add("b", |_| {});
    // The socket of `a` is an IPv6 one.
    let options = {
        let mut options = swim_driver::Options::local("a".parse().unwrap());
        options.advertise = Some("10.0.0.1:7946".parse().unwrap());
        options.seeds = vec!["10.0.0.2:7946".into()];
        options
    };
    let bound = "[::]:7946".parse().unwrap();
    net.hosts[a].driver = Driver::new(&options, bound, [9; 32], net.now).unwrap();
    net.hosts[a].cluster = net.hosts[a].driver.cluster();
    net.turn(a);
    net.settle();
    assert_eq!(net.hosts[b].cluster.member("a").unwrap().address.to_string(), "10.0.0.1:7946");

    let mut sent = Vec::new();
    for _ in 0..100 {
        net.now = net.hosts[a].driver.poll_timeout().unwrap();
        let host = &mut net.hosts[a];
        host.driver.turn(net.now, &mut host.sockets);
        sent.extend(host.sockets.actions.drain(..).filter_map(|action| match action {
            Action::Send { to, .. } => Some(to.to_string()),
            _ => None,
        }));
    }
    assert!(sent.contains(&"[::ffff:10.0.0.2]:7946".to_owned()), "{sent:?}");
}

#[test]
fn a_peer_that_asks_for_everything_and_does_not_read_is_given_up() {
    use std::task::Poll;

    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let b = net.add("b", |_| {});
    // The bytes that b would send to join.
    let cluster = net.hosts[b].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.1:7946"]));
    assert!(poll(&mut joining).is_pending());
    let mut request = None;
    let host = &mut net.hosts[b];
    for _ in 0..3 {
        host.driver.turn(net.now, &mut host.sockets);
        for action in host.sockets.actions.drain(..) {
            match action {
                Action::Dial { id, .. } => host.sockets.waiting.push_back(Waiting::Opened(id)),
                Action::Write { bytes, .. } => request = Some(bytes),
                _ => {}
            }
        }
    }

    let host = &mut net.hosts[a];
    let id = host.driver.handle_accept(net.now, "10.0.0.9:1".parse().unwrap()).unwrap();
    host.sockets.waiting.push_back(Waiting::Data(id, request.unwrap()));
    host.sockets.waiting.push_back(Waiting::Finished(id));
    host.driver.turn(net.now, &mut host.sockets);
    let answers = |action: &Action| matches!(action, Action::Write { .. });
    assert!(host.sockets.actions.iter().any(answers), "{:?}", host.sockets.actions);
    // The write never completes.
    let given_up = host.driver.poll_timeout().unwrap().max(net.now + Duration::from_secs(1));
    host.driver.turn(given_up, &mut host.sockets);
    assert!(host.sockets.actions.contains(&Action::Abort { id }), "{:?}", host.sockets.actions);
    assert_eq!(poll(&mut joining), Poll::Pending);
}

#[test]
fn a_clock_that_goes_back_holds_up_no_attempt() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["10.0.0.9:7946".into()]);
    net.run(Duration::from_secs(3600));
    net.hosts[a].dials();
    net.now -= Duration::from_secs(1800);
    net.run(Duration::from_secs(40));
    assert!(!net.hosts[a].dials().is_empty(), "a lonely node asks every half minute");
}

/// A wire with instant answers, to a node that takes an input every 30 µs.
struct AtOnce<'a> {
    at: Instant,
    inbox: Inbox,
    peer: &'a mut Driver,
    own_address: SocketAddr,
    answers: VecDeque<Bytes>,
    data: Bytes,
}

const PACE: Duration = Duration::from_micros(30);

impl Io for AtOnce<'_> {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        self.at += PACE;
        if let Some(command) = self.inbox.try_next() {
            return Some((self.at, Input::Command(command)));
        }
        self.data = self.answers.pop_front()?;
        let from = self.peer.cluster().local_address();
        Some((self.at, Input::Datagram { from, payload: &self.data }))
    }

    fn perform(&mut self, action: Action) {
        let Action::Send { payload, .. } = action else { return };
        self.peer.handle(self.at, Input::Datagram { from: self.own_address, payload: &payload });
        while let Some(action) = self.peer.poll_action() {
            if let Action::Send { payload, .. } = action {
                self.answers.push_back(payload);
            }
        }
    }
}

#[test]
fn s76_a_round_trip_within_one_turn_is_the_time_between_send_and_arrival() {
    let mut net = Net::formed(2, |_| {});
    let [one, two] = &mut net.hosts[..] else { panic!() };
    let mut pinging = Box::pin(one.cluster.ping("b"));
    assert!(poll(&mut pinging).is_pending());
    let mut io = AtOnce {
        at: net.now,
        inbox: one.driver.inbox(),
        peer: &mut two.driver,
        own_address: one.address,
        answers: VecDeque::new(),
        data: Bytes::new(),
    };
    one.driver.turn(net.now, &mut io);
    assert_eq!(ready(&mut pinging).unwrap().round_trip, PACE);
}

/// Junk that never ends: as many datagrams in each turn, `PACE` apart.
struct Flood {
    at: Instant,
    left: usize,
}

impl Io for Flood {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        self.left = self.left.checked_sub(1)?;
        self.at += PACE;
        let from = SocketAddr::from(([10, 0, 0, 9], 7946));
        Some((self.at, Input::Datagram { from, payload: b"x" }))
    }

    fn perform(&mut self, _: Action) {}
}

/// How many probes a node starts in 20 s with this many useless inputs in each turn.
fn probes_under(per_turn: usize) -> u64 {
    // Unanswered probes would slow down later ones, at moments that depend on microseconds.
    let mut net = Net::formed(2, |options| options.config.lifeguard_health = false);
    let driver = &mut net.hosts[0].driver;
    let (start, before) = (net.now, driver.node().stats().probes);
    let mut io = Flood { at: start, left: 0 };
    while io.at < start + Duration::from_secs(20) {
        io.left = per_turn;
        driver.turn(io.at, &mut io);
        io.at += PACE;
    }
    let stats = driver.node().stats();
    assert_eq!(stats.stalls, 0, "{per_turn} inputs per turn");
    stats.probes - before
}

#[test]
fn inputs_that_never_end_hold_up_no_timer() {
    let quiet = probes_under(0);
    assert!(quiet > 0);
    for per_turn in [1, 10, INPUTS_PER_TURN_MAX] {
        assert_eq!(probes_under(per_turn), quiet, "{per_turn} inputs per turn");
    }
}
