//! The lines about events, for people and as JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use swim_tokio::{ConnectionError, DropReason, Failure, Incarnation, Member, Name, State};

use super::*;
use crate::print::Format;
use crate::style::Paint;
use crate::text;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn member(state: State) -> Member {
    let mut member = Member::new(name("b"), "10.0.0.2:7946".parse().unwrap());
    (member.state, member.incarnation) = (state, Incarnation(7));
    member.meta = "role=db".into();
    member
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn human(event: &Event) -> String {
    let line = Format { json: false, paint: Paint::OFF }
        .render(describe(event), SystemTime::UNIX_EPOCH + millis(1500));
    let rest = line.strip_prefix("1970-01-01T00:00:01.500Z ").expect("the time comes first");
    rest.to_string()
}

fn as_json(event: &Event) -> Value {
    let line = Format { json: true, paint: Paint::OFF }
        .render(describe(event), SystemTime::UNIX_EPOCH + millis(1500));
    assert!(line.starts_with(r#"{"time":"1970-01-01T00:00:01.500Z","event":""#), "{line}");
    let mut value: Value = serde_json::from_str(&line).unwrap();
    value.as_object_mut().unwrap().remove("time");
    value
}

#[test]
fn an_event_is_its_kind_its_sentence_and_how_it_came() {
    let event = Event::failed(member(State::Failed), name("a"));
    assert_eq!(
        human(&event),
        "failed     b at 10.0.0.2:7946: declared failed by a, accused by a, suspected for 0.00 ms \
         [own observation]"
    );
    assert_eq!(
        as_json(&event),
        json!({
            "event": "failed", "name": "b", "address": "10.0.0.2:7946", "state": "failed",
            "incarnation": 7, "meta": "role=db", "declared_by": "a", "accusers": ["a"],
            "suspected_for_ms": 0, "via": "own",
        })
    );

    let event = Event::message(name("b"), vec![0xff, 0x01], true);
    assert_eq!(human(&event), r#"message    b: "\xff\x01""#);
    assert_eq!(
        as_json(&event),
        json!({"event": "message", "from": "b", "payload_hex": "ff01", "reliable": true})
    );
}

#[test]
fn names_and_metadata_cannot_forge_lines_or_drive_the_terminal() {
    let nasty = "x\u{1b}[2J\r\nfailed everybody\u{9b}\u{202e}";
    let mut hostile = member(State::Alive);
    hostile.name = name(nasty);
    hostile.meta = nasty.into();
    let events = [
        Event::joined(hostile.clone()),
        Event::failed(hostile.clone(), name(nasty)),
        Event::left(hostile),
        Event::broadcast(name(nasty), nasty),
        Event::message(name(nasty), nasty, false),
    ];
    for event in events {
        for json in [false, true] {
            let line =
                Format { json, paint: Paint::OFF }.render(describe(&event), SystemTime::UNIX_EPOCH);
            assert!(!line.chars().any(text::is_unprintable), "{line:?}");
        }
    }
}

#[test]
fn what_cannot_be_used_is_told_without_a_hint_where_there_is_none() {
    let event = Event::bad_input("10.0.0.9:80".parse().unwrap(), DropReason::Malformed, false);
    assert_eq!(human(&event), "bad_input  from 10.0.0.9:80 by datagram: malformed");
    assert_eq!(as_json(&event)["hint"], Value::Null);
}

#[test]
fn what_does_not_fit_comes_with_what_to_change() {
    for (reason, told, flags) in [
        (DropReason::Memberlist, "HashiCorp memberlist's format", &["--wire memberlist"][..]),
        (DropReason::Swim, "swim's own format", &["--wire"]),
        (DropReason::LabelMismatch, "another cluster's label", &["--cluster", "--label-also"]),
        (DropReason::Plaintext, "not encrypted", &["--key-file", "SWIM_KEY", "--encryption off"]),
        (DropReason::Sealed, "this node has no key", &["--key-file", "SWIM_KEY"]),
        (
            DropReason::WrongKey,
            "a key that this node does not have",
            &["--key-file", "SWIM_KEY", "'key list'", "'key install FILE'", "--cluster"],
        ),
        (DropReason::NotAllowed, "outside the allowed networks", &["--allow-network"]),
        (DropReason::Http, "an HTTP request", &["--bind"]),
        (DropReason::Tls, "a TLS handshake", &["--bind", "--key-file"]),
        (DropReason::Links, "packets over a stream", &["--transport"]),
        (DropReason::WireVersion, "another version of the wire format", &["same release"]),
        (DropReason::Versions, "versions", &["--application-versions"]),
    ] {
        let from = "10.0.0.9:80".parse().unwrap();
        let event = Event::bad_input(from, reason, false);
        let (line, json) = (human(&event), as_json(&event));
        let hint = json["hint"].as_str().unwrap();
        assert!(line.contains(told) && line.ends_with(hint), "{line}");
        for flag in flags {
            assert!(hint.contains(flag), "{reason:?}: {hint}");
        }
    }
}

#[test]
fn a_join_that_failed_comes_with_what_to_change() {
    let complained = |message: &str| Failure::Complained { message: message.into() };
    let answered = |reason| Failure::BadAnswer { reason };
    let no_key = "give this agent the cluster's key (--key-file or SWIM_KEY)";
    for (failure, expected) in [
        (Failure::Refused, "--cluster, --wire, --key-file or --allow-network differ"),
        (answered(DropReason::Http), "a web server answered: check the port of --join"),
        (answered(DropReason::Tls), "a web server answered: check the port of --join"),
        (answered(DropReason::Sealed), no_key),
        (answered(DropReason::Swim), "the same --wire"),
        // From Go programs.
        (complained("Remote state is encrypted and encryption is not configured"), "--key-file"),
        (complained("encryption is configured but remote state is not encrypted"), no_key),
        (complained("No installed keys could decrypt the message"), "'key list'"),
        // From ours.
        (complained(&DropReason::Sealed.to_string()), "give that member the key of this one"),
        (complained(&DropReason::Plaintext.to_string()), no_key),
        (complained(&DropReason::WrongKey.to_string()), "'key list'"),
    ] {
        let address = "10.0.0.9:7946".parse().unwrap();
        let attempts = vec![(address, failure.clone()), (address, failure.clone())];
        let joining = swim_tokio::Error::NoneJoined { attempts };
        let hint = hint::of_error(&joining).unwrap();
        assert!(hint.contains(expected), "{failure:?}: {hint}");
        assert!(!hint.contains("; give this agent"), "told once: {hint}");
    }
    for failure in
        [Failure::Timeout, Failure::Connection(ConnectionError::Reset), complained("out of cheese")]
    {
        assert_eq!(hint::of_error(&swim_tokio::Error::Failure(failure)), None);
    }
}

#[test]
fn s67_a_link_local_address_without_an_interface_is_told_to_need_one() {
    let hint = |address: &str| {
        let failure = Failure::Connection(ConnectionError::Local);
        let attempts = vec![(address.parse().unwrap(), failure)];
        hint::of_error(&swim_tokio::Error::NoneJoined { attempts })
    };
    assert!(hint("[fe80::1]:7946").unwrap().contains("[fe80::1%eth0]:7946"));
    for address in ["[fe80::1%3]:7946", "[fd00::1]:7946", "169.254.1.1:7946"] {
        assert_eq!(hint(address), None, "{address}");
    }
}

#[test]
fn tags_are_shown_as_tags() {
    let mut member = member(State::Alive);
    member.meta = Tags::from([("role", "db"), ("zone", "a")]).encode();
    let event = Event::joined(member);
    assert!(human(&event).contains(", tags role=db,zone=a"), "{}", human(&event));
    assert_eq!(as_json(&event)["tags"], json!({"role": "db", "zone": "a"}));
}
