//! Members that memberlist has forgotten and this library has not.

use std::time::Duration;

use swim_interop::eventually;

use crate::Check;
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("what_we_remember_of_our_dead_harms_no_newcomer", |scene| returns(scene, Side::Ours)),
    ("what_we_remember_of_their_dead_harms_no_newcomer", |scene| returns(scene, Side::Theirs)),
];

/// This library remembers the incarnation of a dead member for a day.
///
/// If a memberlist member of that name returns at incarnation 1, it must learn of the old
/// incarnation and exceed it. No memberlist member may report it as gone meanwhile.
fn returns(scene: &Scene, side: Side) {
    let mut group = scene.form_with(3, |settings| {
        settings.gossip_to_the_dead = Some(Duration::from_secs(2));
        settings.push_pull = Some(Duration::from_secs(1));
    });
    let name = side.name(3);
    // Well above the incarnation of the restarted member.
    for update in 1..=5 {
        group.get(&name).set_meta(format!("update {update}").as_bytes());
    }
    group.agree();
    let incarnation = group.0[0].view().of(&name).expect("all agree").incarnation;
    assert!(incarnation > 5, "{incarnation}");
    let killed = group.kill(&name);
    group.wait_for_state(&name, "failed");
    for peer in &mut group.0 {
        eventually(&format!("{} does not list {name} any more", peer.name()), || {
            let view = peer.view();
            if view.of(&name).is_none() { Ok(()) } else { Err(view.to_string()) }
        });
    }

    let marks = group.marks().without(&name);
    let mut settings = killed;
    settings.program = scene.program(Side::Theirs).clone();
    settings.user_state = b"exchanged".to_vec();
    group.start(settings, "g1");
    group.agree();
    // Since then, each member has compared its view with another one several times.
    for (observer, _) in marks.but(&name) {
        let peer = group.get(observer);
        let mark = peer.lines.mark();
        eventually("it had three push/pulls with the newcomer", || {
            let seen = peer.lines.all(mark, |line| line.is("user_state"));
            if seen.len() >= 3 { Ok(()) } else { Err(peer.lines.transcript()) }
        });
    }
    group.agree();
    group.assert_nobody_gone(&marks);
    group.assert_understood();
}
