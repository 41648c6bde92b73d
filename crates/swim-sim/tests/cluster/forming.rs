//! Nodes find each other.

use swim_core::{Answer, Event, State};
use swim_sim::{Pieces, World, WorldOptions, millis, secs};

#[test]
fn clusters_of_1_to_100_form_within_seconds() {
    for nodes in [1, 2, 3, 10, 32, 33, 100] {
        let mut world = World::new(nodes as u64);
        world.gather(nodes);
        world.run(secs(5));
        world.expect_answered();
        assert_eq!(world.running().count(), nodes);
        let known: usize =
            (0..nodes).map(|number| world.node(&format!("n{number}")).members_live()).sum();
        assert!(known * 100 >= nodes * nodes * 99, "{nodes} nodes know {known} in sum");
        // Gossip may miss a member; push/pull does not.
        world.settle(secs(120));
    }
}

#[test]
fn each_node_reports_every_other_as_joined_once() {
    let mut world = World::new(5);
    world.form(10);
    world.run(secs(60));
    for observer in 0..10 {
        let records = world.events(&format!("n{observer}"));
        for subject in (0..10).filter(|subject| *subject != observer) {
            let subject = format!("n{subject}");
            let joined = records.iter().filter(|record| {
                matches!(&record.event, Event::Joined { member, previous: None, .. }
                    if member.name == *subject.as_str() && member.state == State::Alive)
            });
            assert_eq!(joined.count(), 1, "n{observer} about {subject}");
        }
    }
}

#[test]
fn a_node_alone_is_a_cluster_of_one() {
    let mut world = World::new(1);
    world.start("a");
    world.run(secs(60));
    world.expect_converged();
    assert_eq!(world.node("a").members_live(), 1);
    assert_eq!(world.traffic().packets, 0, "there is nobody to talk to");
}

#[test]
fn nodes_that_join_one_after_the_other_meet_too() {
    let mut world = World::new(2);
    world.start("n0");
    for number in 1..8 {
        let (name, before) = (format!("n{number}"), format!("n{}", number - 1));
        world.start(&name);
        let request = world.join(&name, &before);
        world.run(millis(700));
        assert!(matches!(world.answer(request), Some(Ok(Answer::Joined { .. }))));
    }
    world.settle(secs(35));
}

#[test]
fn two_clusters_become_one_when_one_member_joins_the_other_cluster() {
    let mut world = World::new(3);
    for name in ["a", "b", "c", "x", "y", "z"] {
        world.start(name);
    }
    for (name, contact) in [("b", "a"), ("c", "a"), ("y", "x"), ("z", "x")] {
        world.join(name, contact);
    }
    world.run(secs(20));
    assert_eq!(world.state("a", "x"), None);
    world.join("c", "z");
    world.settle(secs(35));
}

#[test]
fn a_cluster_forms_from_streams_that_arrive_byte_by_byte() {
    let mut world = WorldOptions::new(4).pieces(Pieces::Bytes).build();
    world.gather(10);
    world.settle(secs(35));
}

#[test]
fn a_calm_cluster_suspects_nobody_for_ten_minutes() {
    let mut world = World::new(6);
    world.form(20);
    world.run(secs(600));
    for number in 0..20 {
        world.expect_never_suspected(&format!("n{number}"));
    }
    world.expect_converged();
}
