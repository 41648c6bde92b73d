//! Members that fail, or only seem to.

use std::time::{Duration, Instant};

use swim_interop::within;

use crate::Check;
use crate::group::Marks;
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("our_killed_member_is_declared_failed_in_time", |scene| is_declared_failed(scene, Side::Ours)),
    ("their_killed_member_is_declared_failed_in_time", |scene| {
        is_declared_failed(scene, Side::Theirs);
    }),
    ("our_suspect_refutes", |scene| suspect_refutes(scene, Side::Ours)),
    ("their_suspect_refutes", |scene| suspect_refutes(scene, Side::Theirs)),
    ("our_frozen_member_returns", |scene| frozen_member_returns(scene, Side::Ours)),
    ("their_frozen_member_returns", |scene| frozen_member_returns(scene, Side::Theirs)),
];

/// The shortest suspicion: 3 probe intervals of 1 s.
///
/// This is for the local profile with six members, because log10(6) is below 1.
const SUSPICION_MIN: Duration = Duration::from_secs(3);

/// The longest suspicion, without confirmations: 6 times the shortest.
const SUSPICION_MAX: Duration = Duration::from_secs(18);

/// The time until the first failed probe of it.
///
/// Each member probes the five other members in an order that is drawn anew each round, so nine
/// probes of other members may come first. A probe takes an interval.
const SUSPECTED_MAX: Duration = Duration::from_secs(10);

fn is_declared_failed(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let marks = group.marks();
    let name = side.name(3);
    let killed = Instant::now();
    let _ = group.kill(&name);
    let mut after = Vec::new();
    for (observer, mark) in marks.but(&name) {
        let peer = group.get(observer);
        let line = peer.wait(mark, "it is declared failed", |line| line.is_about("gone", &name));
        after.push(line.at - killed);
        // Or forgotten. memberlist treats a failure that it learns of in a push/pull as its own
        // suspicion, so it may declare it that much later than the other members.
        let view = peer.view();
        assert!(matches!(view.state(&name), "failed" | ""), "{observer} sees:{view}");
    }
    after.sort();
    let limit = SUSPECTED_MAX + SUSPICION_MAX;
    assert!(after[0] >= SUSPICION_MIN && after[0] <= limit, "the first of {after:?}");
    assert!(after[4] <= limit + SUSPICION_MAX, "the last of {after:?}");
    group.agree();
    group.assert_understood();
}

/// Pauses a member until one member suspects it, and resumes it before it is declared failed.
fn suspect_refutes(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let name = side.name(3);
    let before = group.get(&name).view();
    let incarnation = before.of(&name).expect("itself").incarnation;
    group.get(&name).freeze();
    let mut observers: Vec<_> = group.others(&name).collect();
    within(SUSPECTED_MAX, "it is suspected", || {
        let suspected = observers.iter_mut().any(|peer| peer.view().state(&name) == "suspect");
        if suspected { Ok(()) } else { Err("nobody does".into()) }
    });
    group.get(&name).thaw();
    group.agree();
    let after = group.get(&name).view();
    assert!(after.of(&name).expect("itself").incarnation > incarnation, "{before} {after}");
    group.assert_nobody_gone(&Marks::default());
    group.assert_understood();
}

/// Pauses a member until all have declared it failed.
fn frozen_member_returns(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let name = side.name(3);
    let incarnation = group.get(&name).view().of(&name).expect("itself").incarnation;
    group.get(&name).freeze();
    group.wait_for_state(&name, "failed");
    let marks = group.marks();
    group.get(&name).thaw();
    for (observer, mark) in marks.but(&name) {
        let peer = group.get(observer);
        peer.wait(mark, "it is back", |line| line.is_about("joined", &name));
    }
    group.agree();
    let after = group.get(&name).view();
    assert!(after.of(&name).expect("itself").incarnation > incarnation, "{after}");
    group.assert_understood();
}
