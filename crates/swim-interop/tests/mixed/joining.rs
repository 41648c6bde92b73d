//! Joins from either side.

use swim_interop::Peer;

use crate::Check;
use crate::group::{Group, Marks};
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("our_member_joins_theirs", |scene| joins(scene, Side::Ours)),
    ("their_member_joins_ours", |scene| joins(scene, Side::Theirs)),
];

/// One member joins another, and a third joins both.
fn joins(scene: &Scene, side: Side) {
    let contact = Peer::start(scene.settings_of_profile(side.other(), 1));
    let to = contact.address();
    let mut group = Group(vec![contact]);
    for number in 2..=3 {
        let mut peer = Peer::start(scene.settings_of_profile(side, number));
        peer.join(to);
        group.0.push(peer);
        group.agree();
    }
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
}
