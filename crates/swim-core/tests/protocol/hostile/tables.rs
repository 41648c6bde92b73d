//! Requests for the whole member table: if it is large, only some are answered in full.

use std::time::Duration;

use swim_core::wire::{self, Scope, Wire};
use swim_core::{DropReason, Status, StreamInput};

use super::peer::{address, sent};
use super::scene::{MEMBER, Scene, Setting, settings};

/// How many whole tables are sent in 10 s to members that ask 128 times per second.
fn tables_told(setting: Setting, scope: Scope) -> usize {
    const MEMBERS: u16 = 2000;
    let mut scene = Scene::new(setting);
    let table = scene.push_pull(Scope::Join, 1000, MEMBERS);
    assert!(scene.is_answered(MEMBER, &table));
    assert!(scene.peer.node.members_live() > usize::from(MEMBERS));
    let mut told = 0;
    for number in 0..1280 {
        if number % 128 == 0 {
            assert!(scene.newcomer_joins());
        }
        scene.run(Duration::from_nanos(1_000_000_000 / 128));
        // The asker's view holds a member that the node does not know.
        let question = scene.push_pull(scope, MEMBER, 1);
        let stream = scene.connect(address(MEMBER)).unwrap();
        let outputs = scene.data(stream, &question);
        let answer = sent(&outputs, stream).expect("an answer, if only a short one");
        told += usize::from(answer.len() > 20_000);
        scene.peer.stream(stream, StreamInput::Finished);
    }
    let refused = scene.peer.drops(DropReason::TableRefused);
    assert_eq!(told + usize::try_from(refused).unwrap(), 1280, "{setting:?}");
    told
}

fn at_most_two_tables_a_second(setting: Setting) -> bool {
    let scopes: &[Scope] = match setting.wire {
        Wire::Swim => &[Scope::Full, Scope::Compare],
        Wire::Memberlist => &[Scope::Full],
    };
    scopes.iter().all(|&scope| (10..=21).contains(&tables_told(setting, scope)))
}

#[test]
fn s94_full_tables_are_told_twice_a_second_and_to_all_who_join() {
    for setting in settings() {
        assert!(at_most_two_tables_a_second(setting), "{setting:?}");
    }
}

#[test]
fn s94_full_tables_that_are_short_are_told_to_all() {
    for setting in settings() {
        let mut scene = Scene::new(setting);
        for _ in 0..100 {
            let question = scene.push_pull(Scope::Full, MEMBER, 1);
            assert!(scene.is_answered(MEMBER, &question));
        }
        assert_eq!(scene.peer.drops(DropReason::TableRefused), 0);
    }
}

#[test]
fn s94_full_tables_that_are_refused_on_memberlists_wire_are_an_error_that_go_understands() {
    let mut scene = Scene::new(settings()[2]);
    let table = scene.push_pull(Scope::Join, 1000, 2000);
    assert!(scene.is_answered(MEMBER, &table));
    let mut answers = (0..2).map(|_| {
        let question = scene.push_pull(Scope::Full, MEMBER, 1);
        let stream = scene.connect(address(MEMBER)).unwrap();
        let outputs = scene.data(stream, &question);
        sent(&outputs, stream).unwrap()
    });
    answers.next();
    let refusal = answers.next().unwrap();
    let half = wire::Half::new(Wire::Memberlist, &refusal, 1);
    let opening = half.opening();
    let Ok(wire::Opening::Complaint(text)) = opening else {
        panic!("{opening:?}");
    };
    assert!(text.contains("member table") && text.ends_with("try again later"), "{text}");
}

/// All requests are answered in full if the rule is broken.
#[cfg(feature = "sabotage")]
#[test]
fn s94_full_tables_are_told_without_end_where_everybody_is_told() {
    for setting in settings() {
        let broken = Setting { broken: Some(swim_core::Sabotage::TellsEverybodyAll), ..setting };
        assert_eq!(tables_told(broken, Scope::Full), 1280, "{setting:?}");
    }
}

/// How many members a departed node lists while it keeps running.
fn told_after_leaving(setting: Setting, scope: Scope) -> usize {
    let mut scene = Scene::new(setting);
    let table = scene.push_pull(Scope::Join, 1000, 9);
    assert!(scene.is_answered(MEMBER, &table));
    scene.peer.node.leave(scene.peer.now).unwrap();
    // Its gossip goes out once an hour.
    scene.run(Duration::from_secs(100 * 3600));
    assert_eq!(scene.peer.node.status(), Status::Left);
    let question = scene.push_pull(scope, MEMBER, 1);
    let stream = scene.connect(address(MEMBER)).unwrap();
    let outputs = scene.data(stream, &question);
    let answer = sent(&outputs, stream).expect("an answer");
    scene.peer.node.check_invariants();
    scene.members_in(&answer)
}

#[test]
fn a_node_that_left_tells_of_itself_alone_but_to_who_joins_there() {
    for setting in [settings()[0], settings()[2]] {
        assert_eq!(told_after_leaving(setting, Scope::Full), 1, "{setting:?}");
        assert_eq!(told_after_leaving(setting, Scope::Join), 11, "{setting:?}");
    }
}
