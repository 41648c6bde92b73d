use std::net::SocketAddr;
use std::time::Duration;

use swim_driver::{ConnectionError, Error, Failure, StreamId};

use crate::harness::{Net, Waiting, ask, poll, ready};

const SECOND: Duration = Duration::from_secs(1);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A net without an answer from `10.0.0.8` and `10.0.0.9`.
fn with_black_holes() -> Net {
    let mut net = Net::new();
    net.black_holes.extend([address("10.0.0.8:7946"), address("10.0.0.9:7946")]);
    net
}

#[test]
fn a_removed_seed_is_neither_resolved_nor_dialled_again() {
    let mut net = Net::new();
    let seeds = ["seed.example.org:7946", "10.0.0.9:7946"];
    let a = net.add("a", |options| options.seeds = seeds.map(String::from).into());
    let cluster = net.hosts[a].cluster.clone();
    let mut lookups = 0;
    for _ in 0..100 {
        net.run(SECOND / 10);
        lookups += net.hosts[a].resolve(|_| Err("no such host".into()));
    }
    assert!(lookups >= 3 && net.hosts[a].dials().len() >= 3, "both were asked until now");

    for seed in seeds {
        assert_eq!(ask(&mut net, cluster.remove_seed(seed)), Ok(true));
        assert_eq!(ask(&mut net, cluster.remove_seed(seed)), Ok(false), "it is none any more");
    }
    net.run(300 * SECOND);
    assert_eq!(net.hosts[a].resolves(), []);
    assert_eq!(net.hosts[a].dials(), []);
}

#[test]
fn what_joins_left_behind_is_removed_like_any_seed_and_joined_again_it_is_one_again() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    assert!(ask(&mut net, cluster.join(["10.0.0.2:7946"])).is_err());
    assert_eq!(ask(&mut net, cluster.remove_seed(address("10.0.0.2:7946"))), Ok(true));
    net.hosts[a].dials();
    net.run(60 * SECOND);
    assert_eq!(net.hosts[a].dials(), []);

    assert!(ask(&mut net, cluster.join(["10.0.0.2:7946"])).is_err());
    net.add("b", |_| {});
    net.run(SECOND);
    assert_eq!(cluster.members().len(), 2);
}

#[test]
fn a_name_that_is_resolved_after_it_was_removed_leads_to_nobody() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.seeds = vec!["seed.example.org:7946".into()]);
    net.add("b", |_| {});
    net.settle();
    let cluster = net.hosts[a].cluster.clone();
    assert_eq!(ask(&mut net, cluster.remove_seed("seed.example.org:7946")), Ok(true));
    assert_eq!(net.hosts[a].resolve(|_| Ok(vec![address("10.0.0.2:7946")])), 1);
    net.run(60 * SECOND);
    assert_eq!(net.hosts[a].dials(), []);
    assert_eq!(cluster.members().len(), 1);
}

#[test]
fn a_connection_that_is_being_made_to_a_removed_seed_is_given_up() {
    let mut net = with_black_holes();
    let seeds = ["10.0.0.8:7946", "10.0.0.9:7946"];
    let a = net.add("a", |options| options.seeds = seeds.map(String::from).into());
    net.settle();
    let dialled = net.hosts[a].dialled.clone();
    let to = |text: &str| dialled.iter().find(|(_, to)| *to == address(text)).unwrap().0;
    let cluster = net.hosts[a].cluster.clone();
    assert_eq!(ask(&mut net, cluster.remove_seed("10.0.0.8:7946")), Ok(true));
    assert_eq!(net.hosts[a].aborted, [to("10.0.0.8:7946")], "and not the other");
    assert_eq!(ask(&mut net, cluster.stats()).unwrap().streams_open, 1);
    net.run(60 * SECOND);
    assert!(!net.hosts[a].dials()[2..].contains(&address("10.0.0.8:7946")));
}

#[test]
fn only_the_join_of_a_removed_seed_is_given_up_not_what_else_goes_to_that_address() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[1].cluster.clone();
    net.black_holes.insert(address("10.0.0.1:7946"));
    let before = net.hosts[1].dialled.len();
    let mut sending = Box::pin(cluster.send_reliable("a", "hello"));
    assert!(poll(&mut sending).is_pending());
    net.settle();
    let mut joining = Box::pin(cluster.join(["10.0.0.1:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    let ids: Vec<StreamId> = net.hosts[1].dialled[before..].iter().map(|(id, _)| *id).collect();
    net.hosts[1].aborted.clear();
    assert_eq!(ask(&mut net, cluster.remove_seed("10.0.0.1:7946")), Ok(true));
    assert_eq!(net.hosts[1].aborted, ids[1..]);
    assert_eq!(ready(&mut joining), Err(Error::SeedRemoved));
    assert!(poll(&mut sending).is_pending());
}

#[test]
fn a_join_goes_on_without_a_removed_seed() {
    let mut net = with_black_holes();
    let a = net.add("a", |_| {});
    net.add("b", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let seeds = ["10.0.0.9:7946", "old.example.org:7946", "new.example.org:7946"];
    let mut joining = Box::pin(cluster.join(seeds));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    for removed in ["10.0.0.9:7946", "old.example.org:7946"] {
        assert_eq!(ask(&mut net, cluster.remove_seed(removed)), Ok(true));
        assert!(poll(&mut joining).is_pending());
    }
    net.hosts[a].resolve(|name| match name {
        "new.example.org" => Ok(vec![address("10.0.0.2:7946")]),
        _ => Ok(vec![address("10.0.0.8:7946")]),
    });
    net.settle();
    assert_eq!(ready(&mut joining).unwrap().contact, address("10.0.0.2:7946"));
    assert!(!net.hosts[a].dials().contains(&address("10.0.0.8:7946")));
}

#[test]
fn a_join_whose_seeds_are_all_removed_ends_and_says_so() {
    let mut net = with_black_holes();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.9:7946", "seed.example.org:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    for removed in ["10.0.0.9:7946", "seed.example.org:7946"] {
        assert!(poll(&mut joining).is_pending());
        assert_eq!(ask(&mut net, cluster.remove_seed(removed)), Ok(true));
    }
    let error = ready(&mut joining).unwrap_err();
    assert_eq!(error, Error::SeedRemoved);
    assert!(error.to_string().contains("were removed before one answered"), "{error}");
}

#[test]
fn a_join_of_which_the_rest_is_removed_tells_what_went_wrong_with_the_others() {
    let mut net = with_black_holes();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut joining = Box::pin(cluster.join(["10.0.0.9:7946", "10.0.0.7:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert_eq!(ask(&mut net, cluster.remove_seed("10.0.0.9:7946")), Ok(true));
    let attempts = vec![(address("10.0.0.7:7946"), Failure::Connection(ConnectionError::Refused))];
    assert_eq!(ready(&mut joining), Err(Error::NoneJoined { attempts }));
}

#[test]
fn an_added_seed_is_asked_at_once_and_again_until_it_answers() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    net.run(60 * SECOND);
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.2:7946")), Ok(true));
    assert_eq!(net.hosts[a].dials(), [address("10.0.0.2:7946")]);
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.2:7946")), Ok(false));
    assert_eq!(net.hosts[a].dials(), [], "as it is");
    net.run(60 * SECOND);
    net.add("b", |_| {});
    net.run(31 * SECOND);
    assert_eq!(cluster.members().len(), 2);
}

#[test]
fn an_added_seed_leads_to_others_also_while_there_are_peers() {
    let mut net = Net::formed(2, |_| {});
    net.add("c", |_| {});
    let cluster = net.hosts[0].cluster.clone();
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.3:7946")), Ok(true));
    net.settle();
    assert!(cluster.member("c").is_some());
}

#[test]
fn a_node_that_left_asks_an_added_seed_when_it_is_back() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut leaving = Box::pin(cluster.leave(30 * SECOND));
    assert!(poll(&mut leaving).is_pending());
    net.run(5 * SECOND);
    assert_eq!(ready(&mut leaving), Ok(swim_driver::Departure::Left));
    net.add("c", |_| {});
    net.hosts[0].dials();
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.3:7946")), Ok(true));
    net.run(60 * SECOND);
    assert_eq!(net.hosts[0].dials(), []);
    assert!(ask(&mut net, cluster.join(["10.0.0.2:7946"])).is_ok());
    // Among peers, seeds are asked once a minute.
    net.run(60 * SECOND);
    assert!(cluster.member("c").is_some());
}

#[test]
fn what_is_no_seed_or_one_too_many_is_refused() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let mut adding = Box::pin(cluster.add_seed("nowhere:"));
    assert!(matches!(ready(&mut adding), Err(Error::BadSeed(_))));
    let mut removing = Box::pin(cluster.remove_seed("10.0.0.2:0"));
    assert!(matches!(ready(&mut removing), Err(Error::BadSeed(_))));
    for port in 1..=256 {
        assert_eq!(ask(&mut net, cluster.add_seed(format!("10.0.0.9:{port}"))), Ok(true));
    }
    let full = Err(Error::TooManySeeds { max: 256 });
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.9:257")), full);
    assert_eq!(ask(&mut net, cluster.remove_seed("10.0.0.9:256")), Ok(true));
    assert_eq!(ask(&mut net, cluster.add_seed("10.0.0.9:257")), Ok(true));
}

#[test]
fn a_join_dials_a_few_addresses_at_a_time_until_all_were_tried() {
    let mut net = with_black_holes();
    let a = net.add("a", |options| options.join_parallel_max = 2);
    net.add("b", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let seeds = ["10.0.0.8:7946", "10.0.0.9:7946", "10.0.0.7:7946", "10.0.0.2:7946"];
    let mut joining = Box::pin(cluster.join(seeds));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert_eq!(net.hosts[a].dials(), seeds[..2].iter().map(|it| address(it)).collect::<Vec<_>>());
    // The removed seed makes room for the next, whose refusal makes room for the last.
    assert_eq!(ask(&mut net, cluster.remove_seed("10.0.0.9:7946")), Ok(true));
    assert_eq!(net.hosts[a].dials(), seeds[2..].iter().map(|it| address(it)).collect::<Vec<_>>());
    assert_eq!(ready(&mut joining).unwrap().contact, address("10.0.0.2:7946"));
}

#[test]
fn a_join_tries_every_address_even_if_only_one_request_fits() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.config.requests_max = 1);
    net.add("b", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let seeds = ["10.0.0.7:7946", "10.0.0.8:7946", "10.0.0.2:7946"];
    assert_eq!(
        ask(&mut net, cluster.join(seeds)).map(|joined| joined.contact),
        Ok(address("10.0.0.2:7946"))
    );
}

#[test]
fn a_join_that_reaches_nobody_tells_of_each_address_once_in_the_order_given() {
    let mut net = with_black_holes();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let seeds = ["10.0.0.9:7946", "10.0.0.7:7946", "10.0.0.9:7946", "10.0.0.1:7946"];
    let mut joining = Box::pin(cluster.join(seeds));
    assert!(poll(&mut joining).is_pending());
    net.settle();
    assert_eq!(net.hosts[a].dials(), [address("10.0.0.9:7946"), address("10.0.0.7:7946")]);
    net.run(15 * SECOND);
    let error = ready(&mut joining).unwrap_err();
    let attempts = vec![
        (address("10.0.0.9:7946"), Failure::Timeout),
        (address("10.0.0.7:7946"), Failure::Connection(ConnectionError::Refused)),
        (address("10.0.0.1:7946"), Failure::OwnAddress),
    ];
    assert_eq!(error, Error::NoneJoined { attempts });
    let told = "cannot join any of the addresses; 10.0.0.9:7946: no answer in time; \
                10.0.0.7:7946: the connection was refused: nothing listens there; \
                10.0.0.1:7946: that is this node's own address";
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_join_of_too_many_seeds_is_refused() {
    let mut net = Net::new();
    let a = net.add("a", |_| {});
    let cluster = net.hosts[a].cluster.clone();
    let seeds: Vec<_> = (1..=4097).map(|port| format!("10.0.0.9:{port}")).collect();
    let refused = Err(Error::TooManyAddresses { max: 4096 });
    assert_eq!(ask(&mut net, cluster.join(seeds)), refused);
    net.run(SECOND);
    assert_eq!(net.hosts[a].dials(), [], "none of them is remembered");
}

#[test]
fn the_lookup_of_a_removed_name_still_counts_until_it_is_answered() {
    let mut net = Net::new();
    let names: Vec<_> = (1..=9).map(|number| format!("seed-{number}.example.org:7946")).collect();
    let a = net.add("a", |options| options.seeds = names.clone());
    let cluster = net.hosts[a].cluster.clone();
    net.settle();
    let given_out = net.hosts[a].resolves();
    assert_eq!(given_out.len(), 8, "the system's resolver has a thread for each");
    assert_eq!(ask(&mut net, cluster.remove_seed(&names[0])), Ok(true));
    assert_eq!(net.hosts[a].resolves(), []);
    let late = Waiting::Resolved(given_out[0].0, Err("no such host".into()));
    net.hosts[a].sockets.waiting.push_back(late);
    net.settle();
    let next: Vec<_> = net.hosts[a].resolves().into_iter().map(|(_, name)| name).collect();
    assert_eq!(next, ["seed-9.example.org"]);
}
