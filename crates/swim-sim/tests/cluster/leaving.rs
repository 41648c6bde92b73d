//! A member that leaves has left; it did not fail.

use swim_core::{Answer, CommandError, Config, Event, State, Status};
use swim_sim::{World, WorldOptions, secs};

#[test]
fn a_leave_is_seen_as_left_by_all() {
    for nodes in [2, 3, 10, 50] {
        let mut world = World::new(nodes as u64);
        world.form(nodes);
        let request = world.leave("n1");
        world.run(secs(5));
        assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
        assert_eq!(world.node("n1").status(), Status::Left);
        world.expect_left("n1");
        world.expect_converged();
        // The process ends, as it normally would.
        world.crash("n1");
        world.run(secs(90));
        world.expect_left("n1");
        world.expect_never_failed("n1");
        world.expect_never_suspected("n1");
    }
}

#[test]
fn a_process_that_ends_right_after_the_answer_has_left() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.form(10);
        let request = world.leave("n4");
        assert!(world.run_until(secs(30), |world| world.answer(request).is_some()));
        world.crash("n4");
        world.run(secs(60));
        world.expect_left("n4");
        world.expect_never_failed("n4");
    }
}

#[test]
fn the_only_node_leaves_at_once() {
    let mut world = World::new(1);
    world.start("a");
    let request = world.leave("a");
    world.run(secs(5));
    assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
}

#[test]
fn everybody_can_leave() {
    let mut world = World::new(2);
    world.form(5);
    let requests: Vec<_> = (0..5).map(|number| world.leave(&format!("n{number}"))).collect();
    world.run(secs(30));
    for request in requests {
        assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
    }
}

#[test]
fn a_goodbye_corrects_a_failure_that_was_heard_first() {
    let mut world = World::new(3);
    for name in ["a", "b", "c", "d"] {
        world.start(name);
    }
    for name in ["b", "c", "d"] {
        world.join(name, "a");
    }
    world.settle(secs(10));
    world.cut(&["a", "b"], &["c", "d"]);
    assert!(world.run_until(secs(60), |world| {
        ["a", "b"].iter().all(|observer| world.state(observer, "c") == Some(State::Failed))
    }));
    world.leave("c");
    world.run(secs(4));
    world.expect_state("d", "c", State::Left);
    world.crash("c");
    world.heal();
    world.join("d", "a");
    world.run(secs(10));
    world.expect_left("c");
    for observer in ["a", "b"] {
        assert!(
            world.events(observer).iter().any(|record| {
                matches!(&record.event, Event::Left { member, previous: State::Failed, .. }
                    if member.name == "c")
            }),
            "{}",
            world.report(Some("c"))
        );
    }
}

#[test]
fn a_node_that_left_can_come_back() {
    let mut world = World::new(4);
    world.form(5);
    world.leave("n3");
    world.run(secs(10));
    world.expect_left("n3");
    let request = world.join("n3", "n0");
    world.settle(secs(10));
    assert!(matches!(world.answer(request), Some(Ok(Answer::Joined { .. }))));
    world.expect_alive_everywhere("n3");
    assert!(world.events("n1").iter().any(|record| {
        matches!(&record.event, Event::Joined { member, previous: Some(State::Left), .. }
            if member.name == "n3")
    }));
}

#[test]
fn a_node_that_left_and_was_forgotten_can_come_back() {
    let mut world = World::new(5);
    world.form(5);
    world.leave("n3");
    world.run(secs(120));
    assert_eq!(world.state("n0", "n3"), None);
    world.join("n3", "n0");
    world.settle(secs(10));
}

#[test]
fn a_node_that_left_takes_no_commands_but_join() {
    let mut world = World::new(6);
    world.form(3);
    world.leave("n2");
    let again = world.request("n2", |node, now| node.leave(now));
    assert_eq!(again, Err(CommandError::NotRunning));
    world.run(secs(5));
    let refused = world.request("n2", |node, now| node.broadcast(now, b"x"));
    assert_eq!(refused, Err(CommandError::NotRunning));
    let refused = world.request("n2", |node, now| node.set_meta(now, "x".into()));
    assert_eq!(refused, Err(CommandError::NotRunning));
}

/// Lets one of `nodes` leave, on the local profile, and ends its process as soon as it may.
///
/// Returns how many peers see it as departed a second later, and how many ever suspected it or
/// declared it failed.
fn seen_as_left(options: WorldOptions, nodes: usize) -> [usize; 2] {
    let mut world = options.build();
    world.form(nodes);
    let request = world.leave("n1");
    assert!(world.run_until(secs(5), |world| world.answer(request).is_some()));
    assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
    world.crash("n1");
    world.run(secs(1));
    let left = |observer: &&str| world.state(observer, "n1") == Some(State::Left);
    let left = world.running().filter(left).count();
    world.run(secs(60));
    world.expect_left("n1");
    let doubts = |observer: &&str| {
        world.events(observer).iter().any(|record| match &record.event {
            Event::Suspected { member, .. } | Event::Failed { member, .. } => member.name == "n1",
            _ => false,
        })
    };
    [left, world.running().filter(doubts).count()]
}

#[test]
fn s80_on_the_local_profile_a_leave_is_seen_as_left_by_everybody() {
    for nodes in [12, 40] {
        for memberlist in [false, true] {
            let (mut missed, mut doubted) = (0, 0);
            for seed in 0..100 {
                let options = WorldOptions::new(seed).profile(Config::local);
                let [left, doubts] = seen_as_left(
                    options.configure(move |_, config| {
                        if memberlist {
                            *config = config.clone().memberlist();
                        }
                    }),
                    nodes,
                );
                missed += nodes - 1 - left;
                doubted += doubts;
            }
            println!("{nodes} nodes, memberlist {memberlist}: {missed} missed, {doubted} doubted");
            assert_eq!([missed, doubted], [0, 0], "{nodes} nodes, memberlist {memberlist}");
        }
    }
}
