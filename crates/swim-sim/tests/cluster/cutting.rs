//! Cuts: unreachable members are declared failed, on both sides.

use swim_core::State;
use swim_sim::{World, bounds, secs};

fn cluster_of_five(seed: u64) -> World {
    let mut world = World::new(seed);
    world.form(5);
    world
}

#[test]
fn both_sides_of_a_cut_declare_the_other_failed() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        let (minority, majority) = (["n0", "n1"], ["n2", "n3", "n4"]);
        world.cut(&minority, &majority);
        assert!(
            world.run_until(bounds::detection(world.node("n0").config(), 5) * 2, |world| {
                let believes = |observer: &str, subject: &str, state| {
                    world.state(observer, subject) == Some(state)
                };
                minority.iter().all(|one| {
                    majority.iter().all(|other| {
                        believes(one, other, State::Failed) && believes(other, one, State::Failed)
                    })
                }) && believes("n0", "n1", State::Alive)
                    && believes("n2", "n3", State::Alive)
            }),
            "{}",
            world.report(None)
        );
    }
}

#[test]
fn a_lone_node_declares_everybody_failed_and_everybody_it() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        world.isolate("n4");
        world.run(bounds::detection(world.node("n0").config(), 5) * 2);
        for other in ["n0", "n1", "n2", "n3"] {
            assert!(!world.state(other, "n4").is_some_and(State::is_live));
            assert!(!world.state("n4", other).is_some_and(State::is_live));
            for peer in ["n0", "n1", "n2", "n3"].into_iter().filter(|peer| *peer != other) {
                world.expect_state(other, peer, State::Alive);
            }
        }
        assert_eq!(world.node("n4").members_live(), 1);
        assert_eq!(world.node("n0").members_live(), 4);
    }
}

#[test]
fn a_healed_cut_is_one_cluster_again_when_one_node_joins() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        world.cut(&["n0", "n1"], &["n2", "n3", "n4"]);
        world.run(secs(300));
        world.heal();
        world.join("n0", "n2");
        world.settle(secs(35));
    }
}

#[test]
fn a_cut_shorter_than_the_suspicion_fails_nobody() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        world.cut(&["n0", "n1"], &["n2", "n3", "n4"]);
        world.run(secs(3));
        world.heal();
        world.settle(secs(20));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
    }
}

#[test]
fn a_cut_of_one_link_is_bridged_by_the_others() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        world.cut(&["n0"], &["n1"]);
        world.run(secs(180));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
    }
}

#[test]
fn a_one_way_cut_of_one_link_is_bridged_too() {
    for seed in 0..10 {
        let mut world = cluster_of_five(seed);
        world.cut_one_way("n0", "n1");
        world.run(secs(180));
        for number in 0..5 {
            world.expect_never_failed(&format!("n{number}"));
        }
    }
}

#[test]
fn a_pair_that_is_cut_and_healed_soon_finds_back_by_itself() {
    // While they still gossip to the dead, each of them hears of its own failure.
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.form(2);
        world.cut(&["n0"], &["n1"]);
        assert!(
            world.run_until(secs(60), |world| { world.state("n0", "n1") == Some(State::Failed) })
        );
        world.heal();
        world.settle(secs(60));
    }
}
