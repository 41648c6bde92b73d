//! Requests for the whole member table: with a large one only some are answered in full.

use std::time::Duration;

use bytes::BytesMut;
use swim_core::wire::{self, Scope, Wire};
use swim_core::{DropReason, Incarnation, MemberRef, State, StreamInput, Versions};

use super::peer::{address, dialled, name, sent};
use super::scene::{MEMBER, Scene, Setting, settings};

/// How many whole tables are given to those who ask 128 times within a second, for 10 s.
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
        // In the view of the asker there is somebody whom the node does not know.
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

/// Everybody is told where the rule is broken.
#[cfg(feature = "sabotage")]
#[test]
fn s94_full_tables_are_told_without_end_where_everybody_is_told() {
    for setting in settings() {
        let broken = Setting { broken: Some(swim_core::Sabotage::TellsEverybodyAll), ..setting };
        assert_eq!(tables_told(broken, Scope::Full), 1280, "{setting:?}");
    }
}

/// A member that this node exchanges views with answers at its own address, in this state, and
/// tells of another one; whether that one is taken in.
fn takes_in_from(state: State, joins: bool) -> bool {
    const PERIOD: Duration = Duration::from_secs(30);
    let mut scene = Scene::with(settings()[0], |config| config.push_pull_interval = PERIOD);
    if joins {
        scene.peer.node.join(scene.peer.now, address(MEMBER)).unwrap();
    }
    let steps = (0..60).map(|_| scene.run(Duration::from_secs(1)));
    let streams = steps.flat_map(|outputs| dialled(&outputs));
    let (stream, _) = streams.take(1).next().expect("an exchange");
    let (names, mut bytes) = ([name(MEMBER), name(9)], BytesMut::new());
    let members = [(MEMBER, state), (9, State::Alive)].map(|(number, state)| MemberRef {
        name: &names[usize::from(number != MEMBER)],
        address: address(number),
        state,
        incarnation: Incarnation(1),
        meta: b"",
        versions: Versions::DEFAULT,
    });
    wire::begin_packet(b"", &mut bytes);
    wire::encode_push_pull(Scope::Full, 0, members.into_iter(), b"", &mut bytes);
    scene.data(stream, &bytes);
    scene.peer.node.check_invariants();
    let told = scene.peer.node.member(&names[0]).unwrap().state;
    assert_eq!(told, state, "of itself it is believed");
    scene.peer.node.member(&names[1]).is_some()
}

#[test]
fn the_frozen_view_of_a_member_that_left_brings_nobody_back_but_to_who_joins_there() {
    assert!(takes_in_from(State::Alive, false));
    assert!(!takes_in_from(State::Left, false));
    assert!(takes_in_from(State::Left, true));
}
