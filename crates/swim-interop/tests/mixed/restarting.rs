//! Members that restart under their name.

use std::time::{Duration, Instant};

use swim_interop::{Kind, eventually};

use crate::Check;
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("our_member_restarts_at_its_address", |scene| restarts_at_its_address(scene, Side::Ours)),
    ("their_member_restarts_at_its_address", |scene| restarts_at_its_address(scene, Side::Theirs)),
    ("our_member_moves_after_the_reclaim_time", |scene| moves_after_reclaim(scene, Side::Ours)),
    ("their_member_moves_after_the_reclaim_time", |scene| {
        moves_after_reclaim(scene, Side::Theirs);
    }),
    ("our_member_moves_once_it_is_forgotten", |scene| moves_once_forgotten(scene, Side::Ours)),
    ("their_member_moves_once_it_is_forgotten", |scene| moves_once_forgotten(scene, Side::Theirs)),
];

/// Restarts a member before any member notices.
fn restarts_at_its_address(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let name = side.name(3);
    // Raises the incarnation above that of a start.
    group.get(&name).set_meta(b"before");
    let incarnation = group.get(&name).view().of(&name).expect("itself").incarnation;
    let marks = group.marks().without(&name);
    let settings = group.kill(&name);
    group.start(settings, &side.other().name(1));
    group.agree();
    let view = group.get(&name).view();
    let seen = view.of(&name).expect("itself");
    assert!(seen.incarnation > incarnation && seen.meta.is_empty(), "{view}");
    // The memory of the old process must not make the new one fail.
    group.assert_nobody_gone(&marks);
    group.assert_understood();
}

fn moves_after_reclaim(scene: &Scene, side: Side) {
    const RECLAIM: Duration = Duration::from_secs(1);
    let mut group = scene.form_with(3, |settings| settings.reclaim = Some(RECLAIM));
    let name = side.name(3);
    let mut settings = group.kill(&name);
    group.wait_for_state(&name, "failed");
    let failed = Instant::now();
    eventually("the reclaim time is over", || {
        let left = (RECLAIM + Duration::from_millis(200)).saturating_sub(failed.elapsed());
        if left.is_zero() { Ok(()) } else { Err(format!("{left:?} to go")) }
    });
    let marks = group.marks().without(&name);
    settings.bind = scene.subnet.address();
    group.start(settings, &side.other().name(1));
    group.agree();
    group.assert_nobody_gone(&marks);
    let conflicts: Vec<_> = group
        .0
        .iter()
        .flat_map(|peer| peer.lines.all(0, |line| line.is("conflict")))
        .map(|line| line.json)
        .collect();
    assert!(conflicts.is_empty(), "{conflicts:?}");
    group.assert_understood();
}

/// A dead member without reclaim time can move only once it is forgotten.
///
/// Until then memberlist keeps its address, and complains about a new one.
fn moves_once_forgotten(scene: &Scene, side: Side) {
    // The contact must still remember the old member when the new one joins. That happens once the
    // last member has declared it failed: after 4 to 7 s, later on a busy machine.
    const REMEMBERED: Duration = Duration::from_secs(12);
    let mut group = scene.form_with(3, |settings| settings.gossip_to_the_dead = Some(REMEMBERED));
    let name = side.name(3);
    let mut settings = group.kill(&name);
    let killed = Instant::now();
    group.wait_for_state(&name, "failed");
    let marks = group.marks().without(&name);
    settings.bind = scene.subnet.address();
    group.start(settings, &side.other().name(1));
    // The other members may have forgotten it by then, and so may the contact on a slow machine.
    let contact = group.get(&side.other().name(1));
    if contact.kind() == Kind::Go && killed.elapsed() < REMEMBERED - Duration::from_secs(1) {
        let mark = marks.of(contact.name());
        contact.wait(mark, "the old address is kept", |line| line.is_about("conflict", &name));
    }
    group.agree();
    let address = group.get(&name).address().to_string();
    assert_eq!(group.0[0].view().of(&name).expect("all agree").address, address);
    group.assert_nobody_gone(&marks);
}
