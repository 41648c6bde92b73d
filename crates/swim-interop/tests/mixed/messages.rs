//! Messages and state of applications.

use std::time::{Duration, Instant};

use base16ct::lower::encode_string as hex;
use serde_json::json;
use swim_interop::{Kind, Payload, Peer, eventually};

use crate::Check;
use crate::group::Marks;
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[
    ("our_broadcasts_reach_everybody", |scene| broadcasts_reach_everybody(scene, Side::Ours)),
    ("their_broadcasts_reach_everybody", |scene| broadcasts_reach_everybody(scene, Side::Theirs)),
    ("datagrams_of_ours_arrive", |scene| datagrams_arrive(scene, Side::Ours)),
    ("datagrams_of_theirs_arrive", |scene| datagrams_arrive(scene, Side::Theirs)),
    ("our_streams_arrive_whole", |scene| streams_arrive_whole(scene, Side::Ours)),
    ("their_streams_arrive_whole", |scene| streams_arrive_whole(scene, Side::Theirs)),
    ("application_state_is_exchanged", application_state_is_exchanged),
];

const MIB: usize = 1 << 20;

/// memberlist members do not forward user broadcasts.
///
/// The sender draws its targets at random, so one broadcast may miss a member. Of several, each
/// member gets some.
fn broadcasts_reach_everybody(scene: &Scene, side: Side) {
    const PAUSE: Duration = Duration::from_millis(500);
    let mut group = scene.form(3);
    let name = side.name(1);
    let marks = group.marks();
    let mut sent: Vec<Payload> = Vec::new();
    let mut last: Option<Instant> = None;
    eventually("each received one", || {
        if last.is_none_or(|last| last.elapsed() >= PAUSE) {
            // Each has its own size, to identify it.
            sent.push(group.get(&name).send("broadcast", "", 600 + sent.len())?);
            last = Some(Instant::now());
        }
        let received = |observer: &Peer| {
            let mark = marks.of(observer.name());
            sent.iter().any(|payload| observer.received(mark, "message", *payload))
        };
        let lacking = group.others(&name).find(|observer| !received(observer));
        lacking.map_or(Ok(()), |peer| Err(format!("{} got none of {sent:?}", peer.name())))
    });
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
}

fn datagrams_arrive(scene: &Scene, side: Side) {
    let mut group = scene.form(2);
    let (from, to) = (side.name(1), side.other().name(1));
    for size in [1, 100, 1200] {
        let mark = group.get(&to).lines.mark();
        let sent = group.get(&from).send("send", &to, size).expect("it fits");
        group.get(&to).wait_for_payload(mark, "message", sent);
    }
    group.assert_silent();
}

fn streams_arrive_whole(scene: &Scene, side: Side) {
    let mut group = scene.form(1);
    let (from, to) = (side.name(1), side.other().name(1));
    let mark = group.get(&to).lines.mark();
    for size in [1, 100 << 10, 19 * MIB] {
        let sent = group.get(&from).send("send_reliable", &to, size).expect("it is in the limit");
        assert_eq!(sent.size, size as u64);
        group.get(&to).wait_for_payload(mark, "message", sent);
    }
    if group.get(&from).kind() == Kind::Rust {
        let mark = group.get(&to).lines.mark();
        let refused = group.get(&from).send("send_reliable", &to, 20 * MIB + 1);
        assert!(refused.is_err(), "memberlist would drop it");
        let sent = group.get(&from).send("send_reliable", &to, 2).expect("it is in the limit");
        group.get(&to).wait_for_payload(mark, "message", sent);
        let messages = group.get(&to).lines.all(mark, |line| line.is("message"));
        assert_eq!(messages.len(), 1, "only the one in the limit");
    }
    // Complaints are allowed: memberlist warns about encrypted messages above 12 MiB (20 MiB is the
    // limit). On a busy machine, compressing 19 MiB can also take longer than a ping's timeout.
    group.assert_nobody_gone(&Marks::default());
    group.assert_understood();
}

/// State is exchanged on joining and in later push/pulls, also if it is large.
fn application_state_is_exchanged(scene: &Scene) {
    let mut group = scene.form_with(1, |settings| {
        settings.user_state = format!("state of {}", settings.name).into();
        settings.push_pull = Some(Duration::from_secs(1));
    });
    for (name, join) in [("r1", true), ("g1", true), ("r1", false), ("g1", false)] {
        let from = if name == "r1" { "g1" } else { "r1" };
        let state = hex(format!("state of {from}").as_bytes());
        group.get(name).wait(0, "the other's state comes", |line| {
            line.is("user_state") && line.json["join"] == join && line.text("hex") == state
        });
    }
    for (from, to) in [("r1", "g1"), ("g1", "r1")] {
        let mark = group.get(to).lines.mark();
        let answer = group.get(from).order(json!({"do": "user_state", "size": MIB}));
        let sent = Payload::of(&answer).expect("the answer tells what was set");
        group.get(to).wait_for_payload(mark, "user_state", sent);
    }
    group.assert_silent();
}
