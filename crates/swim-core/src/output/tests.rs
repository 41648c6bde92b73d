//! Every kind of event, as a sentence and as JSON.

use alloc::string::{String, ToString};
use core::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::text::is_unprintable;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn member(state: State) -> Member {
    let mut member = Member::new(name("b"), "10.0.0.2:7946".parse().unwrap());
    (member.state, member.incarnation) = (state, Incarnation(7));
    member.meta = "role=db".into();
    member
}

fn gossip() -> Via {
    Via::Packet { from: "10.0.0.3:7946".parse().unwrap() }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn told(event: &Event) -> String {
    event.to_string()
}

/// Without the feature there is no JSON to check.
fn is_json(event: &Event, expected: Value) {
    #[cfg(feature = "serde")]
    assert_eq!(serde_json::to_value(event).unwrap(), expected);
    #[cfg(not(feature = "serde"))]
    let _ = (event, expected);
}

/// The JSON of an event about [`member`], with additional keys.
fn about_member(event: &str, state: State, more: Value) -> Value {
    let mut value = json!({
        "event": event, "name": "b", "address": "10.0.0.2:7946", "state": state.as_str(),
        "incarnation": 7, "meta": "role=db",
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

#[test]
fn joined_and_updated() {
    let event = Event::Joined {
        member: member(State::Alive),
        previous: Some(State::Failed),
        via: gossip(),
    };
    assert_eq!(
        told(&event),
        "joined: b at 10.0.0.2:7946, incarnation 7, meta \"role=db\"; was failed before \
         [gossip from 10.0.0.3:7946]"
    );
    let more = json!({"previous": "failed", "via": "packet", "heard_from": "10.0.0.3:7946"});
    is_json(&event, about_member("joined", State::Alive, more));

    let from = "10.0.0.3:7946".parse().unwrap();
    let event = Event::Updated { member: member(State::Alive), via: Via::PushPull { from } };
    assert_eq!(
        told(&event),
        "updated: b at 10.0.0.2:7946, incarnation 7, meta \"role=db\" [push/pull with \
         10.0.0.3:7946]"
    );
    let more = json!({"via": "push_pull", "heard_from": "10.0.0.3:7946"});
    is_json(&event, about_member("updated", State::Alive, more));
}

#[test]
fn suspected_and_confirmed() {
    let event = Event::Suspected {
        member: member(State::Suspect),
        accuser: name("c"),
        timeout_min: millis(3000),
        timeout_max: millis(18_000),
        via: Via::Own,
    };
    assert_eq!(
        told(&event),
        "suspected: b at 10.0.0.2:7946: accused by c; declared failed in 3.00 s to 18.0 s unless \
         it refutes [own observation]"
    );
    let more = json!({
        "accuser": "c", "timeout_min_ms": 3000, "timeout_max_ms": 18000, "via": "own",
    });
    is_json(&event, about_member("suspected", State::Suspect, more));

    let event = Event::Confirmed {
        name: name("b"),
        accuser: name("d"),
        confirmations: 1,
        remaining: millis(2100),
        via: gossip(),
    };
    assert_eq!(
        told(&event),
        "confirmed: b: accused by d too, 1 confirmation; 2.10 s left to refute [gossip from \
         10.0.0.3:7946]"
    );
    is_json(
        &event,
        json!({
            "event": "confirmed", "name": "b", "accuser": "d", "confirmations": 1,
            "remaining_ms": 2100, "via": "packet", "heard_from": "10.0.0.3:7946",
        }),
    );
}

#[test]
fn refuted_and_failed() {
    let event =
        Event::Refuted { member: member(State::Alive), suspected_for: millis(940), via: gossip() };
    assert_eq!(
        told(&event),
        "refuted: b at 10.0.0.2:7946 is alive, incarnation 7; was suspected for 940 ms \
         [gossip from 10.0.0.3:7946]"
    );
    let more = json!({"suspected_for_ms": 940, "via": "packet", "heard_from": "10.0.0.3:7946"});
    is_json(&event, about_member("refuted", State::Alive, more));

    let failed = |accusers: &[&str]| Event::Failed {
        member: member(State::Failed),
        declared_by: name("a"),
        accusers: accusers.iter().map(|text| name(text)).collect(),
        suspected_for: millis(3001),
        via: Via::Own,
    };
    assert_eq!(
        told(&failed(&["c", "d"])),
        "failed: b at 10.0.0.2:7946: declared failed by a, accused by c, d, suspected for 3.00 \
         s [own observation]"
    );
    assert!(told(&failed(&[])).contains("accused by an unknown member"));
    let more = json!({
        "declared_by": "a", "accusers": ["c", "d"], "suspected_for_ms": 3001, "via": "own",
    });
    is_json(&failed(&["c", "d"]), about_member("failed", State::Failed, more));
}

#[test]
fn left_and_unlisted() {
    let left = |previous| Event::Left { member: member(State::Left), previous, via: gossip() };
    assert_eq!(
        told(&left(State::Alive)),
        "left: b at 10.0.0.2:7946 left the cluster [gossip from 10.0.0.3:7946]"
    );
    assert!(told(&left(State::Failed)).contains("left the cluster; was failed before ["));
    let more = json!({"previous": "alive", "via": "packet", "heard_from": "10.0.0.3:7946"});
    is_json(&left(State::Alive), about_member("left", State::Left, more));

    let event = Event::Unlisted { member: member(State::Failed) };
    assert_eq!(
        told(&event),
        "unlisted: b at 10.0.0.2:7946 is no longer listed; its last state was failed"
    );
    is_json(&event, about_member("unlisted", State::Failed, json!({})));
}

#[test]
fn accused_and_name_taken() {
    let event = Event::Accused {
        accuser: name("c"),
        claim: State::Failed,
        incarnation: Incarnation(4),
        refuted_with: Incarnation(5),
        via: gossip(),
    };
    assert_eq!(
        told(&event),
        "accused: c claimed that this node has failed (incarnation 4): refuted with incarnation \
         5 [gossip from 10.0.0.3:7946]"
    );
    is_json(
        &event,
        json!({
            "event": "accused", "accuser": "c", "claim": "failed", "incarnation": 4,
            "refuted_with": 5, "via": "packet", "heard_from": "10.0.0.3:7946",
        }),
    );

    let address = "10.0.0.9:7946".parse().unwrap();
    let event = Event::NameTaken { address, via: gossip() };
    assert_eq!(
        told(&event),
        "name_taken: 10.0.0.9:7946 announces this node's own name: rename one of the two nodes \
         [gossip from 10.0.0.3:7946]"
    );
    is_json(
        &event,
        json!({
            "event": "name_taken", "address": "10.0.0.9:7946", "via": "packet",
            "heard_from": "10.0.0.3:7946",
        }),
    );
}

#[test]
fn health_and_lateness() {
    let event = Event::HealthChanged { from: 0, to: 1, reason: HealthReason::NacksMissed };
    assert_eq!(
        told(&event),
        "health_changed: local health 0 -> 1 (0 is healthy): relays did not answer"
    );
    is_json(
        &event,
        json!({"event": "health_changed", "from": 0, "to": 1, "reason": "nacks_missed"}),
    );

    let silent_for = millis(20_000);
    let event = Event::Isolated { silent_for };
    assert_eq!(
        told(&event),
        "isolated: this node has heard from no member for 20.0 s: is it cut off?"
    );
    is_json(&event, json!({"event": "isolated", "silent_for_ms": 20000}));
    let event = Event::HeardAgain { silent_for };
    assert_eq!(told(&event), "heard_again: this node hears from members again, after 20.0 s");
    is_json(&event, json!({"event": "heard_again", "silent_for_ms": 20000}));

    let event = Event::Late { by: millis(20_000) };
    assert_eq!(told(&event), "late: this node did not run for 20.0 s: not counted against peers");
    is_json(&event, json!({"event": "late", "by_ms": 20000}));
}

#[test]
fn what_applications_send() {
    let event = Event::Broadcast { origin: name("b"), key: "".into(), payload: "hi".into() };
    assert_eq!(told(&event), "broadcast: b: \"hi\"");
    is_json(&event, json!({"event": "broadcast", "origin": "b", "payload": "hi"}));

    let payload = alloc::vec![0xff, 0x01].into();
    let event = Event::Message { from: Some(name("b")), payload, reliable: true };
    assert_eq!(told(&event), r#"message: b: "\xff\x01""#);
    is_json(
        &event,
        json!({"event": "message", "from": "b", "payload_hex": "ff01", "reliable": true}),
    );

    let from = "10.0.0.3:7946".parse().unwrap();
    let event = Event::UserState { from, join: true, state: "s".into() };
    assert_eq!(told(&event), "user_state: from 10.0.0.3:7946 with a join: \"s\"");
    is_json(
        &event,
        json!({"event": "user_state", "from": "10.0.0.3:7946", "join": true, "payload": "s"}),
    );

    let round_trip = Duration::from_micros(312);
    let event = Event::AckPayload { name: name("b"), round_trip, payload: "p".into() };
    assert_eq!(told(&event), "ack_payload: b after 0.31 ms: \"p\"");
    is_json(
        &event,
        json!({"event": "ack_payload", "name": "b", "round_trip_ms": 0.312, "payload": "p"}),
    );
}

#[test]
fn what_does_not_get_through() {
    let event = Event::DatagramsBlocked { member: member(State::Alive) };
    assert_eq!(
        told(&event),
        "datagrams_blocked: b at 10.0.0.2:7946: reachable only through relays or TCP: UDP is \
         blocked"
    );
    is_json(&event, about_member("datagrams_blocked", State::Alive, json!({})));

    let event = Event::StreamsBlocked { member: member(State::Alive) };
    assert_eq!(
        told(&event),
        "streams_blocked: b at 10.0.0.2:7946: answers only datagrams: TCP is blocked"
    );
    is_json(&event, about_member("streams_blocked", State::Alive, json!({})));

    let event = Event::AddressUnreachable { address: "10.0.0.1:7946".parse().unwrap() };
    assert_eq!(
        told(&event),
        "address_unreachable: no member reaches this node at 10.0.0.1:7946, its announced address: \
         correct that address, or let UDP and TCP through to it"
    );
    is_json(&event, json!({"event": "address_unreachable", "address": "10.0.0.1:7946"}));

    let from = "10.0.0.9:80".parse().unwrap();
    let event = Event::BadInput { from, reason: DropReason::Http, stream: true };
    assert_eq!(told(&event), "bad_input: from 10.0.0.9:80 by stream: an HTTP request");
    is_json(
        &event,
        json!({
            "event": "bad_input", "from": "10.0.0.9:80", "reason": "http",
            "explanation": "an HTTP request", "stream": true,
        }),
    );
    let event = Event::BadInput { from, reason: DropReason::Malformed, stream: false };
    assert_eq!(told(&event), "bad_input: from 10.0.0.9:80 by datagram: malformed");

    let source = |network: &str, streams| StreamSource {
        network: network.parse().unwrap(),
        streams,
        bytes: 512,
    };
    let event = Event::StreamsShort {
        resource: StreamResource::Places,
        sources: alloc::vec![source("192.0.2.1/32", 64), source("2001:db8::/64", 1)],
    };
    assert_eq!(
        told(&event),
        "streams_short: incoming streams ran short of places; the largest users: 192.0.2.1/32 (64 \
         streams, 512 bytes), 2001:db8::/64 (1 stream, 512 bytes)"
    );
    is_json(
        &event,
        json!({
            "event": "streams_short", "resource": "places", "sources": [
                {"network": "192.0.2.1/32", "streams": 64, "bytes": 512},
                {"network": "2001:db8::/64", "streams": 1, "bytes": 512},
            ],
        }),
    );

    let key = Fingerprint([0x7C, 0xFE, 0xF0, 0xF0]);
    let event = Event::KeyWearsOut { key, seals: 1 << 30, members: 2 };
    assert_eq!(
        told(&event),
        "key_wears_out: key 7cfef0f0 sealed 1073741824 times here: half of its limit if 2 \
         members seal as often; replace it"
    );
    is_json(
        &event,
        json!({
            "event": "key_wears_out", "key": "7cfef0f0", "seals": 1_073_741_824, "members": 2,
        }),
    );
}

#[test]
fn a_failure_of_tls_says_which_side_has_to_change_what() {
    let peer = "10.0.0.9:7946".parse().unwrap();
    let event = Event::tls_failed(peer, true, TlsFault::OwnUnknownCa);
    assert_eq!(
        told(&event),
        "tls_failed: dialling 10.0.0.9:7946: the peer does not know the CA of this node's \
         certificate: add that CA to the peer's tls_ca, or set tls_certificate here to a \
         certificate from the peer's CA"
    );
    let event = Event::tls_failed(peer, false, TlsFault::NotTls);
    assert_eq!(
        told(&event),
        "tls_failed: connection from 10.0.0.9:7946: the peer does not use TLS: set tls_ca, \
         tls_certificate and tls_key there, or unset them here"
    );
    is_json(
        &event,
        json!({
            "event": "tls_failed", "peer": "10.0.0.9:7946", "dialled": false,
            "reason": "tls_not_tls", "explanation": TlsFault::NotTls.to_string(),
        }),
    );
}

#[test]
fn a_conflict_of_names_says_where_the_two_are() {
    let event = Event::NameConflict {
        name: name("b"),
        winner: "10.0.0.2:7946".parse().unwrap(),
        loser: "10.0.0.4:7946".parse().unwrap(),
        via: Via::Own,
    };
    assert_eq!(
        told(&event),
        "name_conflict: two live nodes have the name b: 10.0.0.2:7946, known here, and \
         10.0.0.4:7946; rename one of them [own observation]"
    );
    is_json(
        &event,
        json!({
            "event": "name_conflict", "name": "b", "winner": "10.0.0.2:7946",
            "loser": "10.0.0.4:7946", "via": "own",
        }),
    );
}

#[test]
fn answers_are_sentences() {
    let joined = Answer::Joined { contact: "10.0.0.2:7946".parse().unwrap(), members: 2 };
    assert_eq!(joined.to_string(), "10.0.0.2:7946 answered: 2 members known");
    let pong = Answer::Pong { round_trip: millis(12), payload: Bytes::new() };
    assert_eq!(pong.to_string(), "answered after 12 ms");
}

#[test]
fn names_and_metadata_cannot_forge_lines_or_drive_terminals() {
    let nasty = "x\u{1b}[2J\r\nfailed everybody\u{9b}\u{202e}";
    let mut hostile = member(State::Alive);
    hostile.name = name(nasty);
    hostile.meta = nasty.into();
    let via = Via::Own;
    let events = [
        Event::Joined { member: hostile.clone(), previous: None, via },
        Event::Suspected {
            member: hostile.clone(),
            accuser: name(nasty),
            timeout_min: millis(1),
            timeout_max: millis(1),
            via,
        },
        Event::Failed {
            member: hostile.clone(),
            declared_by: name(nasty),
            accusers: alloc::vec![name(nasty)],
            suspected_for: millis(1),
            via,
        },
        Event::Accused {
            accuser: name(nasty),
            claim: State::Left,
            incarnation: Incarnation(1),
            refuted_with: Incarnation(2),
            via,
        },
        Event::Confirmed {
            name: name(nasty),
            accuser: name(nasty),
            confirmations: 2,
            remaining: millis(1),
            via,
        },
        Event::Broadcast { origin: name(nasty), key: nasty.into(), payload: nasty.into() },
        Event::Message { from: Some(name(nasty)), payload: nasty.into(), reliable: false },
        Event::AckPayload { name: name(nasty), round_trip: millis(1), payload: nasty.into() },
        Event::DatagramsBlocked { member: hostile.clone() },
        Event::StreamsBlocked { member: hostile },
    ];
    for event in events {
        assert!(!told(&event).chars().any(is_unprintable), "{event:?}");
    }
}
