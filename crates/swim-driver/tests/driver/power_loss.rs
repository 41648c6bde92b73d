//! Scenario S24: a whole cluster loses power and comes back in part and late. A restarted node asks
//! its seeds, and the peers that the application remembered, until it has joined, not just once.

use std::net::SocketAddr;
use std::time::Duration;

use swim_driver::{Incarnation, Options};

use crate::harness::{Lookup, Net, ask};

const SECOND: Duration = Duration::from_secs(1);
/// The longest wait between two attempts of a node that knows no peer.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// For five nodes: the name resolves to `a` and `b`, the address is that of `c`.
fn seeds(options: &mut Options) {
    options.seeds = vec!["seed.example.org:7946".into(), "10.0.0.3:7946".into()];
    options.incarnation = Some(Incarnation(1));
}

fn right(_name: &str) -> Lookup {
    Ok(vec![address("10.0.0.1:7946"), address("10.0.0.2:7946")])
}

/// Lets time pass, with a name server. Returns the number of lookups.
fn run(net: &mut Net, time: Duration, name_server: impl Fn(&str) -> Lookup) -> usize {
    let mut lookups = 0;
    let end = net.now + time;
    while net.now < end {
        net.run(SECOND / 10);
        for host in net.hosts.iter_mut().filter(|host| !host.crashed) {
            lookups += host.resolve(&name_server);
        }
    }
    net.settle();
    lookups
}

/// How many members each running node knows, itself included.
fn known(net: &Net) -> Vec<usize> {
    let running = net.hosts.iter().filter(|host| !host.crashed);
    running.map(|host| host.cluster.members().len()).collect()
}

/// Five nodes that knew each other and have been without power for 10 min.
fn without_power(change: impl Fn(&mut Options)) -> Net {
    let mut net = Net::new();
    for name in ["a", "b", "c", "d", "e"] {
        net.add(name, &change);
    }
    let cluster = net.hosts[0].cluster.clone();
    let others = ["10.0.0.2:7946", "10.0.0.3:7946", "10.0.0.4:7946", "10.0.0.5:7946"];
    assert!(ask(&mut net, cluster.join(others)).is_ok());
    run(&mut net, BACKOFF_MAX, right);
    assert_eq!(known(&net), [5; 5]);
    for host in &mut net.hosts {
        host.crashed = true;
    }
    run(&mut net, 600 * SECOND, right);
    net
}

#[test]
fn s24_nodes_with_power_ask_their_seeds_until_one_of_them_is_back() {
    let mut net = without_power(seeds);
    for index in [3, 4] {
        net.restart(index, seeds);
    }
    // For 10 min the name server has no power either.
    let lookups = run(&mut net, 600 * SECOND, |_| Err("no name server".into()));
    assert!(lookups >= 2 * 20, "{lookups} lookups: each node asks at least every half minute");
    for index in [3, 4] {
        let dials = net.hosts[index].dials();
        assert!(dials.len() >= 20, "{} dials", dials.len());
        assert!(dials.iter().all(|to| *to == address("10.0.0.3:7946")));
    }
    assert_eq!(known(&net), [1, 1]);

    // Then it is back, with an address that no node has any longer.
    run(&mut net, 60 * SECOND, |_| Ok(vec![address("10.0.0.9:7946")]));
    assert_eq!(known(&net), [1, 1]);

    net.restart(0, seeds);
    run(&mut net, BACKOFF_MAX + 2 * SECOND, right);
    assert_eq!(known(&net), [3; 3]);

    for index in [1, 2] {
        net.restart(index, seeds);
    }
    run(&mut net, BACKOFF_MAX + 2 * SECOND, right);
    assert_eq!(known(&net), [5; 5]);
}

#[test]
fn s24_nodes_with_power_ask_the_peers_that_the_application_remembered_until_one_is_back() {
    let no_seeds = |options: &mut Options| options.incarnation = Some(Incarnation(1));
    let mut net = without_power(no_seeds);
    // The members that the application stored before the power failed.
    let remembered: Vec<_> =
        net.hosts[4].cluster.members().into_iter().map(|member| member.address).collect();
    net.restart(4, no_seeds);
    let cluster = net.hosts[4].cluster.clone();
    assert!(ask(&mut net, cluster.join(&remembered)).is_err(), "nobody else has power");
    run(&mut net, 600 * SECOND, right);
    let dials = net.hosts[4].dials();
    for peer in &remembered[..4] {
        let dials = dials.iter().filter(|to| *to == peer).count();
        assert!(dials >= 20, "{dials} dials of {peer}");
    }
    assert_eq!(known(&net), [1]);

    // The other nodes start without any seed, one a minute.
    for index in [2, 0, 1, 3] {
        net.restart(index, no_seeds);
        run(&mut net, 60 * SECOND, right);
    }
    // The last one came back among peers, which ask their seeds once a minute.
    run(&mut net, 60 * SECOND, right);
    assert_eq!(known(&net), [5; 5]);
}
