//! Key rotation in a running cluster, and the switch to encryption.

use serde_json::json;
use swim_interop::{KEY, OTHER_KEY, Peer, Settings};

use crate::Check;
use crate::group::{Group, Marks};
use crate::scene::{Scene, Side};

/// For framings with a key.
pub(crate) const CHECKS: &[Check] = &[("keys_rotate_without_losing_anybody", keys_rotate)];

/// For a framing without a key.
pub(crate) const CHECKS_OF_PLAIN: &[Check] =
    &[("members_are_restarted_one_by_one_to_encrypt", members_are_restarted_to_encrypt)];

fn keys_rotate(scene: &Scene) {
    let old = scene.framing.key().expect("only for framings with a key");
    let mut group = scene.form(3);
    for (step, key) in [("install_key", OTHER_KEY), ("use_key", OTHER_KEY), ("remove_key", old)] {
        for position in 0..group.0.len() {
            group.0[position].order(json!({"do": step, "key": key}));
            // While only some members have taken the step.
            if position == 2 {
                exchange(&mut group);
            }
        }
        exchange(&mut group);
    }
    for peer in &mut group.0 {
        assert_eq!(peer.order(json!({"do": "keys"}))["keys"], json!([OTHER_KEY]));
    }

    let mut newcomer = scene.settings(Side::Ours, 4);
    newcomer.keys = vec![OTHER_KEY.into()];
    group.start(newcomer, "g1");
    let mut newcomer = scene.settings(Side::Theirs, 4);
    newcomer.keys = vec![OTHER_KEY.into()];
    group.start(newcomer, "r1");
    group.agree();
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();

    let mut stranger = Peer::start(scene.settings(Side::Ours, 5));
    let refused = stranger.ask(json!({"do": "join", "addresses": [group.0[5].address()]}));
    assert!(refused.is_err(), "the old key opens nothing any more");
}

/// Restarts members in the order of memberlist's documentation.
///
/// First all have the key but do not need it, then all send with it, then all require it.
fn members_are_restarted_to_encrypt(scene: &Scene) {
    let mut group = scene.form(2);
    for encryption in ["off", "outgoing", "required"] {
        for name in group.names() {
            let marks = group.marks().without(&name);
            let settings = Settings { keys: vec![KEY.into()], encryption, ..group.kill(&name) };
            // A running member, of either side.
            let contact = if name == "r1" || name == "g2" { "g1" } else { "r1" };
            group.start(settings, contact);
            group.agree();
            group.assert_nobody_gone(&marks);
        }
        exchange(&mut group);
    }
    group.assert_understood();

    let mut stranger = Peer::start(scene.settings(Side::Ours, 5));
    let refused = stranger.ask(json!({"do": "join", "addresses": [group.get("g1").address()]}));
    assert!(refused.is_err(), "nothing plain is taken any more");
}

/// Checks that updates from either side reach all members, and that messages pass both ways.
fn exchange(group: &mut Group) {
    for (from, to) in [("r1", "g1"), ("g1", "r1")] {
        let mark = group.get(to).lines.mark();
        for how in ["send", "send_reliable"] {
            let sent = group.get(from).send(how, to, 300).expect("it fits");
            group.get(to).wait_for_payload(mark, "message", sent);
        }
        // Different each time.
        let meta = format!("after line {mark} of {to}");
        group.get(from).set_meta(meta.as_bytes());
    }
    group.agree();
}
