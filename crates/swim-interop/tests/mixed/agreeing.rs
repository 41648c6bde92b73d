//! Three members of each side that agree on everything.

use base16ct::lower::encode_string as hex;

use crate::Check;
use crate::group::Marks;
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("three_and_three_agree_on_everybody", three_and_three_agree_on_everybody),
    ("our_metadata_reaches_everybody", |scene| metadata_reaches_everybody(scene, Side::Ours)),
    ("their_metadata_reaches_everybody", |scene| metadata_reaches_everybody(scene, Side::Theirs)),
    ("our_member_that_leaves_is_seen_as_left", |scene| leaves(scene, Side::Ours)),
    ("their_member_that_leaves_is_seen_as_left", |scene| leaves(scene, Side::Theirs)),
];

fn three_and_three_agree_on_everybody(scene: &Scene) {
    let mut group =
        scene.form_with(3, |settings| settings.meta = format!("I am {}", settings.name).into());
    let view = group.0[0].view();
    for peer in &group.0 {
        let seen = view.of(peer.name()).expect("all agree");
        assert_eq!(seen.address, peer.address().to_string());
        let meta = hex(&peer.settings.meta);
        assert_eq!(seen.meta, meta);
    }
    assert_eq!(view.count("alive"), 6, "{view}");
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
}

/// Small metadata, metadata of the largest size, and none.
fn metadata_reaches_everybody(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let name = side.name(2);
    for meta in [b"new".to_vec(), vec![0xa5; 512], Vec::new()] {
        let marks = group.marks();
        group.get(&name).set_meta(&meta);
        let wanted = hex(&meta);
        for (observer, mark) in marks.but(&name) {
            group.get(observer).wait(mark, "the metadata is told", |line| {
                line.is_about("updated", &name) && line.text("meta") == wanted
            });
        }
        group.agree();
        assert_eq!(group.0[0].view().of(&name).expect("all agree").meta, wanted);
    }
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
}

fn leaves(scene: &Scene, side: Side) {
    let mut group = scene.form(3);
    let name = side.name(3);
    let marks = group.marks();
    group.get(&name).leave();
    group.wait_for_state(&name, "left");
    let _ = group.kill(&name);
    for peer in &mut group.0 {
        peer.wait(marks.of(peer.name()), "it is told", |line| line.is_about("gone", &name));
    }
    // Later news neither brings it back nor makes it a failed member.
    group.get(&side.other().name(1)).set_meta(b"afterwards");
    group.agree();
    for peer in &mut group.0 {
        let view = peer.view();
        assert_eq!(view.state(&name), "left", "{view}");
    }
    group.assert_silent();
}
