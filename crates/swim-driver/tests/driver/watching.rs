use std::collections::BTreeMap;
use std::time::Duration;

use swim_driver::{Change, Cluster, Member, Name, State, Tags, Watch};

use crate::harness::{Net, poll, ready};

const SECOND: Duration = Duration::from_secs(1);

fn changes(watch: &mut Watch) -> Vec<Change> {
    std::iter::from_fn(|| watch.try_next()).collect()
}

/// The peers that a reader of a watch derives.
fn follow(peers: &mut BTreeMap<Name, Member>, changes: Vec<Change>) {
    for change in changes {
        let member = change.member().clone();
        let before = match change {
            Change::Gone { .. } => peers.remove(&member.name),
            _ => peers.insert(member.name.clone(), member.clone()),
        };
        assert_eq!(before.is_none(), matches!(change, Change::Joined { .. }), "{change}");
    }
}

/// The name, address and metadata of each member.
fn told(members: impl IntoIterator<Item = Member>) -> Vec<(String, String, bytes::Bytes)> {
    let told = |it: Member| (it.name.to_string(), it.address.to_string(), it.meta);
    members.into_iter().map(told).collect()
}

/// Gives a node a command without waiting for the answer.
fn begin<T>(command: impl Future<Output = T>) {
    assert!(poll(&mut Box::pin(command)).is_pending());
}

fn until(net: &mut Net, condition: impl Fn() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        net.run(SECOND / 10);
    }
    panic!("not within a minute");
}

#[test]
fn live_peers_are_those_that_are_alive_or_suspect_without_the_node_itself() {
    let mut net = Net::formed(3, |_| {});
    let a = net.hosts[0].cluster.clone();
    let names = |members: Vec<Member>| members.iter().map(|it| it.name.to_string()).collect();
    let peers = |cluster: &Cluster| -> Vec<String> { names(cluster.peers()) };
    assert_eq!(peers(&a), ["b", "c"]);
    assert_eq!((a.peer_count(), a.live_count()), (2, 3));
    assert!(a.is_live("a") && a.is_live("b") && !a.is_live("nobody"));
    assert_eq!(a.member_at("10.0.0.2:7946".parse().unwrap()).unwrap().name, "b");
    assert_eq!(a.member_at("10.0.0.9:7946".parse().unwrap()), None);

    net.hosts[1].crashed = true;
    until(&mut net, || a.state("b") == Some(State::Suspect));
    assert_eq!((peers(&a), a.live_count()), (vec!["b".into(), "c".into()], 3));
    until(&mut net, || a.state("b") == Some(State::Failed));
    assert_eq!((peers(&a), a.live_count()), (vec!["c".into()], 2));

    let c = net.hosts[2].cluster.clone();
    begin(c.leave(30 * SECOND));
    net.run(5 * SECOND);
    assert_eq!((a.peer_count(), a.live_count()), (0, 1));
    assert_eq!((c.peer_count(), c.live_count()), (1, 1), "it left itself");
}

#[test]
fn a_watch_that_is_read_at_any_pace_gives_the_live_peers() {
    let mut net = Net::formed(4, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut watches: Vec<_> = (1..8).map(|pace| (pace, cluster.watch(), BTreeMap::new())).collect();
    for step in 1..400 {
        match step {
            20 => net.hosts[1].crashed = true,
            40 => begin(net.hosts[2].cluster.set_meta("role=db")),
            200 => net.hosts[1].crashed = false,
            250 => begin(net.hosts[3].cluster.leave(SECOND)),
            _ => {}
        }
        net.run(SECOND / 5);
        for (pace, watch, peers) in &mut watches {
            if step % (*pace * 7) == 0 {
                follow(peers, changes(watch));
                assert_eq!(told(peers.values().cloned()), told(cluster.peers()), "{step}");
            }
        }
    }
    let peers: Vec<_> = cluster.peers().iter().map(|it| it.name.to_string()).collect();
    assert_eq!(peers, ["b", "c"], "b is back, d left");
}

#[test]
fn a_watch_ends_with_the_node() {
    let mut net = Net::formed(2, |_| {});
    let host = net.hosts.remove(0);
    let mut watch = host.cluster.watch();
    drop(host.driver);
    assert!(matches!(ready(&mut Box::pin(watch.next())), Some(Change::Joined { .. })));
    assert_eq!(ready(&mut Box::pin(watch.next())), None);
    let mut late = host.cluster.watch();
    assert!(ready(&mut Box::pin(late.next())).is_some(), "as last known");
    assert_eq!(ready(&mut Box::pin(late.next())), None);
}

#[test]
fn peers_are_found_by_their_tags() {
    let mut net = Net::formed(3, |_| {});
    let (a, b) = (net.hosts[0].cluster.clone(), net.hosts[1].cluster.clone());
    begin(b.set_tags(&Tags::from([("role", "cache")])));
    net.run(5 * SECOND);
    let found = a.peers_tagged("role", "cache");
    assert_eq!(found.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(a.peers_tagged("role", "db"), []);
}
