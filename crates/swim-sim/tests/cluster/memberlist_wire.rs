//! Clusters on memberlist's wire: properties that they share with the native wire, and those that
//! this protocol does not promise.

use core::time::Duration;

use swim_core::{Answer, Config, Event, Incarnation, Key, Keyring, Status};
use swim_sim::{World, WorldOptions, bounds, millis, secs};

use crate::common::large;
use crate::newcomers::{Order, until_all_know_all};

const SIZES: [usize; 3] = [3, 10, 40];

/// Plain for even seeds, sealed and labelled for odd ones.
fn options(seed: u64) -> WorldOptions {
    WorldOptions::new(seed)
        .configure(move |_, config: &mut Config| {
            *config = config.clone().memberlist();
            if seed % 2 == 1 {
                config.keyring = Keyring::new(Key::aes(&[7; 16]).expect("a size of a key"));
                config.label = "prod".into();
            }
        })
        .checked()
}

fn cluster(seed: u64, nodes: usize) -> World {
    let mut world = options(seed).build();
    world.form(nodes);
    world
}

/// The time within which the nodes agree. News that gossip missed waits for push/pull.
fn patience(world: &World, nodes: usize) -> Duration {
    bounds::settling(world.node("n0").config(), nodes)
}

fn everywhere(test: impl Fn(&mut World, usize)) {
    for nodes in SIZES {
        for seed in 0..4 {
            test(&mut cluster(seed, nodes), nodes);
        }
    }
}

#[test]
fn a_healthy_cluster_stays_as_it_is() {
    everywhere(|world, nodes| {
        world.run(secs(180));
        world.expect_converged();
        for number in 0..nodes {
            world.expect_never_suspected(&format!("n{number}"));
        }
    });
}

#[test]
fn who_crashes_is_failed_in_time_and_comes_back() {
    everywhere(|world, nodes| {
        world.crash("n2");
        let bound = bounds::detection(world.node("n0").config(), nodes);
        world.run(bound + patience(world, nodes));
        world.expect_failed("n2");
        world.restart("n2");
        world.join("n2", "n1");
        world.settle(patience(world, nodes));
        // It restarts at once, before any peer noticed, with a clock that was set back.
        world.restart_with("n1", |config| config.incarnation = Incarnation(1));
        world.join("n1", "n0");
        world.settle(patience(world, nodes));
        for number in (0..nodes).filter(|number| *number != 2) {
            world.expect_never_failed(&format!("n{number}"));
        }
    });
}

#[test]
fn who_leaves_is_left_and_comes_back() {
    everywhere(|world, nodes| {
        let request = world.leave("n1");
        assert!(world.run_until(secs(30), |world| world.answer(request).is_some()));
        world.run(patience(world, nodes));
        world.expect_left("n1");
        assert_eq!(world.node("n1").status(), Status::Left);
        world.join("n1", "n0");
        world.settle(patience(world, nodes));
        world.expect_never_failed("n1");
    });
}

#[test]
fn who_is_cut_off_and_returns_refutes() {
    everywhere(|world, nodes| {
        world.isolate("n0");
        world.run(secs(120));
        world.heal();
        world.settle(patience(world, nodes));
        world.expect_alive_everywhere("n0");
    });
}

#[test]
fn a_partition_that_lasted_longer_than_anybody_is_remembered_heals() {
    everywhere(|world, nodes| {
        let names: Vec<String> = (0..nodes).map(|number| format!("n{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        world.cut(&names[..nodes / 2], &names[nodes / 2..]);
        world.run(secs(300));
        world.heal();
        world.settle(patience(world, nodes));
    });
}

#[test]
fn at_25_percent_loss_a_cluster_holds_together() {
    for nodes in SIZES {
        let (mut failed, mut lasted) = (0, 0);
        for seed in 0..4 {
            let mut world = cluster(seed, nodes);
            world.set_loss(0.25);
            world.run(secs(300));
            lasted += 300 * nodes;
            failed += (0..nodes)
                .flat_map(|number| world.events(&format!("n{number}")))
                .filter(|record| matches!(record.event, Event::Failed { .. }))
                .count();
            world.set_loss(0.0);
            world.settle(patience(&world, nodes));
        }
        println!("{nodes} nodes: {failed} views of a failure in {lasted} seconds of a node");
        // Some views miss a refutation, as only nodes whose own probes failed ask a suspect again:
        // see `may_call_again` in the core.
        assert!(failed * 2000 <= lasted * nodes, "{nodes} nodes: {failed}");
    }
}

#[test]
fn s77_nodes_that_join_through_one_seed_know_each_other_within_seconds() {
    let runs = if large() { [1000, 100] } else { [100, 5] };
    for (nodes, bound, runs) in [(50, secs(3), runs[0]), (200, secs(5), runs[1])] {
        for order in [Order::Together, Order::InTurn] {
            let run = |seed| {
                let options = WorldOptions::new(seed)
                    .configure(|_, config| *config = config.clone().memberlist())
                    .digest(false);
                until_all_know_all(options, nodes, order)
            };
            let mut times: Vec<Duration> = (0..runs).map(run).collect();
            times.sort_unstable();
            let late = times.iter().filter(|time| **time > bound).count();
            let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
            println!("{nodes} nodes, {order:?}: median {median:?}, slowest {slowest:?}");
            assert!(late * 100 <= times.len(), "{late} of {runs} took longer than {bound:?}");
        }
    }
}

#[test]
fn s77_who_joins_a_large_cluster_asks_its_seed_once() {
    let mut world = WorldOptions::new(1)
        .configure(|_, config| *config = config.clone().memberlist())
        .records(false)
        .build();
    world.assemble(1000);
    world.run(millis(300));
    world.start("late");
    world.join("late", "n0");
    world.run(secs(5));
    let stats = world.node("late").stats();
    let streams = stats.stream_bytes_received + stats.stream_bytes_sent;
    let packets = stats.packet_bytes_sent + stats.packet_bytes_received;
    println!("{streams} bytes in streams, {packets} in packets");
    assert_eq!((stats.streams_opened, world.node("late").members_live()), (1, 1001));
    // Without introductions, a join costs hardly more than its streams.
    assert!(packets <= streams, "{streams} and {packets} bytes");
}

/// The number of peers that received this, and the total number of copies.
fn heard(world: &World, nodes: usize, text: &[u8]) -> (usize, usize) {
    let copies = |name: String| {
        let is_it =
            |event: &Event| matches!(event, Event::Message { payload, .. } if payload == text);
        world.events(&name).iter().filter(|record| is_it(&record.event)).count()
    };
    let copies: Vec<usize> = (0..nodes).map(|number| copies(format!("n{number}"))).collect();
    (copies.iter().filter(|count| **count > 0).count(), copies.iter().sum())
}

/// Receivers neither pass on a broadcast nor recognise a repetition: it reaches as many nodes as
/// its origin sends it to.
#[test]
fn a_broadcast_reaches_as_many_as_it_is_sent_to() {
    for (nodes, sent) in [(2, 8), (3, 8), (10, 12), (40, 12), (200, 16)] {
        let mut reached = 0;
        for seed in 0..5 {
            let mut world = options(seed).build();
            world.assemble(nodes);
            let request = world.request("n1", |node, now| node.broadcast(now, b"hello"));
            let request = request.expect("it fits");
            world.run(secs(30));
            assert_eq!(world.answer(request), Some(&Ok(Answer::Spread)));
            let (receivers, copies) = heard(&world, nodes, b"hello");
            assert_eq!(copies, sent, "{nodes} nodes");
            assert!(receivers <= sent.min(nodes - 1));
            reached += receivers;
        }
        let share = reached as f64 / 5.0;
        println!("{nodes} nodes: sent {sent} times, {share} of {} others reached", nodes - 1);
        assert!(share >= 0.75 * sent.min(nodes - 1) as f64, "{nodes} nodes: {share}");
    }
}

#[test]
fn a_message_arrives_without_its_sender_and_a_reliable_one_is_answered_when_the_stream_ends() {
    for seed in 0..2 {
        let mut world = cluster(seed, 3);
        world.command("n0", |node, now| node.send(now, "n1", b"hello")).expect("a member");
        for size in [1, 100 << 10, 19 << 20] {
            let mut noise = 1_u32;
            let payload: Vec<u8> = core::iter::repeat_with(|| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise.to_le_bytes()[3]
            })
            .take(size)
            .collect();
            let sent = payload.clone();
            let request = world.request("n0", |node, now| node.send_reliable(now, "n1", &sent));
            let request = request.expect("it is within the limit");
            assert!(world.run_until(secs(60), |world| world.answer(request).is_some()));
            assert_eq!(world.answer(request), Some(&Ok(Answer::Delivered)), "{size} bytes");
            let got = world.events("n1").iter().any(|record| {
                let Event::Message { from: None, payload: got, reliable: true, .. } = &record.event
                else {
                    return false;
                };
                *got == payload
            });
            assert!(got, "{size} bytes");
        }
        assert_eq!(heard(&world, 3, b"hello"), (1, 1));
        world.run(secs(20));
        world.expect_converged();
    }
}
