use std::net::SocketAddr;
use std::time::{Duration, Instant};

use swim_driver::{Action, Carrier, ConnectionError, Driver, Error, Failure, Input, Options};

use crate::harness::{Net, Waiting, poll, ready};

const SECOND: Duration = Duration::from_secs(1);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_seed_that_does_not_exist_yet_is_joined_when_it_does() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["10.0.0.2:7946".into()]);
    net.run(60 * SECOND);
    assert_eq!(net.hosts[a].cluster.members().len(), 1);
    net.add("b", |_| {});
    net.run(31 * SECOND);
    assert_eq!(net.hosts[a].cluster.members().len(), 2);
}

#[test]
fn a_name_is_resolved_again_and_again_until_it_leads_to_somebody() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["seed.example.org:7946".into()]);
    net.add("b", |_| {});
    let mut attempts = 0;
    for _ in 0..600 {
        net.run(SECOND / 10);
        for (id, host) in net.hosts[a].resolves() {
            assert_eq!(host, "seed.example.org");
            attempts += 1;
            let failed = Waiting::Resolved(id, Err("no such host".into()));
            net.hosts[a].sockets.waiting.push_back(failed);
        }
    }
    assert!((5..=20).contains(&attempts), "{attempts} attempts in a minute");

    net.run(31 * SECOND);
    let (id, _) = net.hosts[a].resolves()[0];
    // One address is of another family, which this node cannot reach.
    let found = vec![address("[fd00::2]:7946"), address("10.0.0.2:7946")];
    net.hosts[a].sockets.waiting.push_back(Waiting::Resolved(id, Ok(found)));
    net.run(SECOND);
    assert_eq!(net.hosts[a].cluster.members().len(), 2);

    // With a peer it asks rarely, and does not dial members.
    net.run(20 * SECOND);
    assert_eq!(net.hosts[a].resolves(), []);
    net.run(60 * SECOND);
    assert_eq!(net.hosts[a].resolves().len(), 1);
}

#[test]
fn s67_a_link_local_seed_is_dialled_with_its_scope() {
    for transport in [Carrier::Datagrams, Carrier::Streams] {
        let mut options = Options::local("a".parse().unwrap());
        options.transport = transport;
        options.bind = address("[::]:7946");
        options.advertise = Some(address("[fd00::1]:7946"));
        // The same address twice, on two interfaces.
        let seeds = ["[fe80::2%3]:7946", "[fe80::2%4]:7946", "[fe80::2%eth0]:7000"];
        options.seeds = seeds.map(String::from).to_vec();
        let now = Instant::now();
        let mut driver = Driver::new(&options, options.bind, [7; 32], now).unwrap();
        driver.handle_timeout(now);
        let (mut dialled, mut named) = (Vec::new(), None);
        while let Some(action) = driver.poll_action() {
            match action {
                Action::Dial { to, .. } => dialled.push(to),
                Action::Resolve { id, host, port } => named = Some((id, host, port)),
                _ => {}
            }
        }
        assert_eq!(dialled, [address(seeds[0]), address(seeds[1])]);
        let (id, host, port) = named.expect("only the system knows the number of eth0");
        assert_eq!((&*host, port), ("fe80::2%eth0", 7000));
        let found = address("[fe80::2%5]:7000");
        driver.handle(now, Input::Resolved { id, result: Ok(vec![found]) });
        let dial = std::iter::from_fn(|| driver.poll_action()).find_map(|action| match action {
            Action::Dial { to, .. } => Some(to),
            _ => None,
        });
        assert_eq!(dial, Some(found));
    }
}

#[test]
fn a_node_that_lost_its_last_peer_asks_its_seeds_at_once() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["10.0.0.3:7946".into()]);
    net.add("b", |options| options.seeds = vec!["10.0.0.1:7946".into()]);
    net.run(5 * SECOND);
    assert_eq!(net.hosts[a].cluster.members().len(), 2);
    // b crashes; the seed comes up.
    net.hosts[1].crashed = true;
    net.add("c", |_| {});
    let mut waited = Duration::ZERO;
    while net.hosts[a].cluster.member("b").is_some_and(|b| b.state.is_live()) {
        assert_eq!(net.hosts[a].cluster.member("c"), None, "not asked while b was alive");
        assert!(waited < 25 * SECOND, "b is not declared failed");
        net.run(SECOND / 10);
        waited += SECOND / 10;
    }
    net.run(SECOND);
    assert!(net.hosts[a].cluster.member("c").is_some());
}

#[test]
fn two_halves_with_peers_meet_again_by_their_seeds() {
    let mut net = Net::new();
    for (name, seeds) in [("a", 1), ("b", 1), ("c", 3), ("d", 3)] {
        net.add(name, |options| {
            options.seeds = vec![format!("10.0.0.{seeds}:7946")];
        });
    }
    net.run(5 * SECOND);
    assert_eq!(net.hosts[0].cluster.members().len(), 2);
    // d also knows a: a seed among live peers is asked now and then.
    let cluster = net.hosts[3].cluster.clone();
    net.hosts[0].crashed = true;
    let mut joining = Box::pin(cluster.join(["10.0.0.1:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert!(ready(&mut joining).is_err());
    net.hosts[0].crashed = false;
    net.run(65 * SECOND);
    assert_eq!(net.hosts[1].cluster.members().len(), 4);
}

#[test]
fn join_answers_with_the_first_contact() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    net.add("b", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.9:1", "nowhere:1", "10.0.0.2:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    // The name is still open: the first success does not wait for it.
    let joined = ready(&mut joining).unwrap();
    assert_eq!((joined.contact, joined.members), (address("10.0.0.2:7946"), 2));
    assert_eq!(cluster.members().len(), 2, "the members are there when the join is done");
}

#[test]
fn a_join_without_success_names_every_reason() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.9:1", "nowhere:1", "[fd00::1]:1"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    let (id, _) = net.hosts[a].resolves()[0];
    let failed = Waiting::Resolved(id, Err("no such host".into()));
    net.hosts[a].sockets.waiting.push_back(failed);
    net.settle();
    let Err(Error::NotResolved { names, mut attempts }) = ready(&mut joining) else {
        panic!("joined nobody")
    };
    assert_eq!(names, [("nowhere:1".to_owned(), "no such host".to_owned())]);
    attempts.sort_by_key(|(address, _)| *address);
    assert_eq!(
        attempts,
        [
            (address("10.0.0.9:1"), Failure::Connection(ConnectionError::Refused)),
            (address("[fd00::1]:1"), Failure::Connection(ConnectionError::Unreachable)),
        ]
    );
}

#[test]
fn a_node_does_not_join_itself() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["10.0.0.1:7946".into()]);
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join([address("10.0.0.1:7946")]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    let error = ready(&mut joining).unwrap_err();
    assert!(error.to_string().contains("own address"), "{error}");
    assert_eq!(net.hosts[a].dials(), []);
}

#[test]
fn what_is_no_seed_is_refused_before_anything_is_joined() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.2:7946", "b:http"]));
    assert!(matches!(ready(&mut joining), Err(Error::BadSeed { .. })));
    let none: [&str; 0] = [];
    let mut joining = Box::pin(cluster.join(none));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert_eq!(ready(&mut joining), Err(Error::NoAddresses));
}

#[test]
fn what_was_joined_is_remembered_as_a_seed() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.2:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert!(ready(&mut joining).is_err());
    net.add("b", |_| {});
    net.run(SECOND);
    assert_eq!(cluster.members().len(), 2);
}

#[test]
fn a_name_that_is_resolved_after_the_node_has_left_does_not_bring_it_back() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["seed.example.org:7946".into()]);
    net.add("b", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["other.example.org:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    let mut leaving = Box::pin(cluster.leave(SECOND));
    assert!(poll(&mut leaving).is_pending());
    net.run(5 * SECOND);
    assert_eq!(ready(&mut leaving), Ok(swim_driver::Departure::NobodyToTell));

    for (id, _) in net.hosts[a].resolves() {
        let found = Waiting::Resolved(id, Ok(vec![address("10.0.0.2:7946")]));
        net.hosts[a].sockets.waiting.push_back(found);
    }
    net.run(5 * SECOND);
    assert_eq!(ready(&mut joining), Err(Error::Failure(Failure::Stopped)));
    assert_eq!(cluster.local().state, swim_driver::State::Left);
    assert_eq!(net.hosts[1].cluster.members().len(), 1);
}
