//! A member that no peer reaches is shown as failed from its second return on, until it answers.
//!
//! The checkers compare each member list with its events.

use swim_core::{Event, State};
use swim_sim::{World, WorldOptions, secs};

use crate::addresses::{HIDDEN, comings_and_failures, joined_by_hidden};
use crate::common::{names, on_both_wires};

/// The state of the hidden node, as its peers show it.
fn shown(world: &World, nodes: usize) -> Vec<Option<State>> {
    names(nodes).iter().map(|name| world.state(name, HIDDEN)).collect()
}

/// Lets the hidden node fail in all views, so that it has failed `times` times, and refute it.
fn fail(world: &mut World, nodes: usize, times: usize) {
    // Isolated, as on memberlist's wire it would hear of each suspicion in time, over a stream.
    world.isolate(HIDDEN);
    let failed = |world: &World| {
        names(nodes).iter().all(|name| comings_and_failures(world, name)[1] == times)
    };
    assert!(world.run_until(secs(300), failed), "{}", world.report(Some(HIDDEN)));
    world.heal();
    world.run(secs(15));
}

/// A world in which the hidden node has failed twice in all views, and has refuted since.
fn hidden(options: WorldOptions, nodes: usize) -> World {
    let (mut world, _) = joined_by_hidden(options.checked(), nodes);
    for times in 1..3 {
        fail(&mut world, nodes, times);
    }
    // It is alive, suspect and failed by turns, but applications do not see that.
    assert_eq!(shown(&world, nodes), vec![Some(State::Failed); nodes]);
    world
}

fn expect_comings_and_failures(world: &World, nodes: usize, expected: [usize; 2]) {
    for name in names(nodes) {
        let found = comings_and_failures(world, &name);
        if found != expected {
            world.fail(&format!("{name} was told of {found:?}, not {expected:?}"), Some(HIDDEN));
        }
    }
}

#[test]
fn s65_a_member_that_never_answers_is_told_to_be_back_once() {
    for nodes in [2, 3, 20] {
        on_both_wires(0..3, |options| {
            let mut world = hidden(options, nodes);
            for _ in 0..10 {
                world.run(secs(60));
                assert_eq!(shown(&world, nodes), vec![Some(State::Failed); nodes]);
            }
            expect_comings_and_failures(&world, nodes, [2, 2]);
        });
    }
}

#[test]
fn s65_it_is_listed_again_once_it_answers() {
    for nodes in [2, 3, 20] {
        on_both_wires(0..3, |options| {
            let mut world = hidden(options, nodes);
            world.forward(world.node(HIDDEN).local().address, HIDDEN);
            let listed = |world: &World| shown(world, nodes) == vec![Some(State::Alive); nodes];
            assert!(world.run_until(secs(90), listed), "{}", world.report(Some(HIDDEN)));
            world.run(secs(60));
            expect_comings_and_failures(&world, nodes, [3, 2]);
            // Its past is forgotten then.
            world.end_forwarding(world.node(HIDDEN).local().address);
            fail(&mut world, nodes, 3);
            for name in names(nodes) {
                assert_eq!(comings_and_failures(&world, &name)[0], 4, "{name}");
            }
        });
    }
}

#[test]
fn s65_what_a_hidden_member_changes_is_told_when_it_answers() {
    on_both_wires(0..10, |options| {
        let mut world = hidden(options, 3);
        let events = world.events("n1").len();
        world.set_meta(HIDDEN, "changed");
        world.run(secs(60));
        let about = |event: &Event| !matches!(event, Event::HealthChanged { .. });
        let later = world.events("n1")[events..].iter().filter(|it| about(&it.event)).count();
        assert_eq!(later, 0, "{}", world.report(Some(HIDDEN)));
        assert_eq!(world.node("n1").member(HIDDEN).map(|it| it.meta.to_vec()), Some(vec![]));
        world.forward(world.node(HIDDEN).local().address, HIDDEN);
        let listed = |world: &World| shown(world, 3) == vec![Some(State::Alive); 3];
        assert!(world.run_until(secs(30), listed), "{}", world.report(Some(HIDDEN)));
        for name in names(3) {
            let meta = world.node(&name).member(HIDDEN).map(|it| it.meta.to_vec());
            assert_eq!(meta.as_deref(), Some(&b"changed"[..]));
        }
    });
}

#[test]
fn s65_a_hidden_member_that_leaves_has_left() {
    on_both_wires(0..10, |options| {
        let mut world = hidden(options, 3);
        let left = world.request(HIDDEN, swim_core::Node::leave).expect("it runs");
        world.run(secs(20));
        assert!(world.answer(left).is_some());
        assert_eq!(shown(&world, 3), vec![Some(State::Left); 3]);
        world.join(HIDDEN, "n0");
        world.run(secs(1));
        expect_comings_and_failures(&world, 3, [3, 2]);
    });
}

#[test]
fn s65_a_hidden_member_can_be_forgotten_and_is_back_when_it_answers() {
    on_both_wires(0..10, |options| {
        let mut world = hidden(options, 3);
        for name in names(3) {
            world.command(&name, |node, now| node.forget(now, HIDDEN)).expect("it is shown failed");
        }
        assert_eq!(shown(&world, 3), [None; 3]);
        world.run(secs(60));
        world.forward(world.node(HIDDEN).local().address, HIDDEN);
        let listed = |world: &World| shown(world, 3) == vec![Some(State::Alive); 3];
        assert!(world.run_until(secs(30), listed), "{}", world.report(Some(HIDDEN)));
    });
}

#[test]
fn s65_a_restart_with_another_address_is_told_at_once() {
    on_both_wires(0..10, |options| {
        let mut world = hidden(options, 3);
        world.crash(HIDDEN);
        world.run(secs(30));
        world.start_with("again", |config| config.name = HIDDEN.parse().expect("a name"));
        world.join("again", "n0");
        let listed = |world: &World| shown(world, 3) == vec![Some(State::Alive); 3];
        assert!(world.run_until(secs(2), listed), "{}", world.report(Some(HIDDEN)));
    });
}

#[test]
fn s65_healthy_members_are_back_at_once_however_often_they_are_cut_off() {
    on_both_wires(0..10, |options| {
        let mut world = options.checked().build();
        world.form(16);
        let halves: Vec<String> = names(16);
        let (one, other) = halves.split_at(8);
        let one: Vec<&str> = one.iter().map(String::as_str).collect();
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        for _ in 0..4 {
            world.cut(&one, &other);
            world.run(secs(40));
            world.heal();
            let healed = world.now();
            assert!(world.run_until(secs(30), World::converged), "{}", world.report(None));
            println!("{:?}", world.now() - healed);
        }
    });
}

#[test]
fn s65_members_that_are_lost_stay_so_until_they_answer() {
    on_both_wires(0..3, |options| {
        let mut world = hidden(options, 3);
        // It is silent until it is no longer listed.
        world.isolate(HIDDEN);
        let gone = |world: &World| shown(world, 3) == [None; 3];
        assert!(world.run_until(secs(300), gone), "{}", world.report(Some(HIDDEN)));
        world.heal();
        world.run(secs(120));
        assert_eq!(shown(&world, 3), [None; 3], "{}", world.report(Some(HIDDEN)));
        world.forward(world.node(HIDDEN).local().address, HIDDEN);
        let listed = |world: &World| shown(world, 3) == vec![Some(State::Alive); 3];
        assert!(world.run_until(secs(60), listed), "{}", world.report(Some(HIDDEN)));
    });
}
