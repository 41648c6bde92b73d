//! Formulas and the order of the queue, held against what a Go member computed.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::config::Config;
use crate::draft::Draft;
use crate::gossip::{Queue, Ticket, Tier, transmissions};
use crate::key::Key;
use crate::keyring::Keyring;
use crate::pages::Slot;
use crate::stats::{MessageCounts, MessageKind};
use crate::suspicion::Timeouts;
use crate::sync::scale;
use crate::wire::{SealVersion, Sealer};

/// Where the queue gives out something else: the step, counted from 1.
const QUEUE_DIFFERENCES: &[(usize, &str)] = &[
    (5, "of those sent equally often the newest goes first, not the longest"),
    (6, "B has waited since step 5"),
    (10, "of those sent twice, E is newer than C"),
    (11, "the same messages, the newest first"),
    (14, "the same messages, the newest first"),
];

fn vectors() -> Vec<Value> {
    let text = include_str!("../tests/vectors/numbers.json");
    let mut file: Value = serde_json::from_str(text).unwrap();
    file["vectors"].as_array_mut().unwrap().drain(..).collect()
}

fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap_or_else(|| panic!("{field} of {vector}"))
}

fn size(vector: &Value, field: &str) -> usize {
    number(vector, field).try_into().unwrap()
}

fn config() -> Config {
    Config::lan("local".parse().unwrap(), "127.0.0.1:7946".parse().unwrap()).memberlist()
}

#[test]
fn every_vector_of_numbers_is_of_a_kind_that_is_compared() {
    let kinds = ["n_", "suspicion_", "encrypted_length_", "queue_order"];
    for vector in vectors() {
        let case = vector["case"].as_str().unwrap();
        assert!(kinds.iter().any(|kind| case.starts_with(kind)), "{case}");
    }
}

#[test]
fn what_depends_on_the_size_of_the_cluster_is_as_in_go() {
    let mut compared = 0;
    for vector in vectors().iter().filter(|vector| vector["n"].is_u64()) {
        let members = size(vector, "n");
        for mult in [2, 4] {
            let expected = number(vector, &format!("retransmit_mult{mult}"));
            assert_eq!(u64::from(transmissions(mult, members)), expected, "{vector}");
        }
        assert_eq!(u64::from(scale(members)) * 30, number(vector, "pushpull_30s_s"), "{vector}");
        for (suspicion_mult, seconds) in [(3, 1), (4, 1), (6, 5)] {
            let probe_interval = Duration::from_secs(seconds);
            let config = Config { suspicion_mult, probe_interval, ..config() };
            let field = format!("suspicion_us_mult{suspicion_mult}_{seconds}s");
            let expected = Duration::from_micros(number(vector, &field));
            assert_eq!(Timeouts::new(&config, members).min, expected, "{vector}");
        }
        compared += 1;
    }
    assert!(compared >= 28);
}

#[test]
fn confirmations_shorten_a_suspicion_as_in_go() {
    let mut compared = 0;
    for vector in vectors().iter().filter(|vector| vector["k"].is_u64()) {
        let millis = |field| Duration::from_millis(number(vector, field));
        let count = |field| u32::try_from(number(vector, field)).unwrap();
        let timeouts = Timeouts {
            min: millis("min_ms"),
            max: millis("max_ms"),
            confirmations_max: count("k"),
        };
        let remaining = timeouts.after(count("confirmations")) - millis("elapsed_ms");
        assert_eq!(remaining, millis("remaining_ms"), "{vector}");
        compared += 1;
    }
    assert!(compared >= 40);
}

#[test]
fn sealed_packets_are_as_long_as_in_go() {
    let key = Key::aes(b"0123456789abcdef").unwrap();
    let mut sealer = Sealer::new(Keyring::new(key), [7; 32]);
    let mut compared = 0;
    for vector in vectors().iter().filter(|vector| vector["inp"].is_u64()) {
        for (version, field) in [(SealVersion::V0, "v0"), (SealVersion::V1, "v1")] {
            let text = size(vector, "inp");
            let mut packet = BytesMut::zeroed(text);
            sealer.seal_memberlist_packet(version, b"", &mut packet, 0);
            assert_eq!(packet.len(), size(vector, field), "{vector}");
            assert!(packet.len() - text <= version.overhead(), "{vector}");
        }
        compared += 1;
    }
    assert!(compared >= 6);
}

/// The queue with the names under which one update replaces another.
#[derive(Default)]
struct Named {
    queue: Queue,
    places: BTreeMap<String, u32>,
}

impl Named {
    fn push(&mut self, name: &str, tag: &str, size: usize) {
        if let Some(place) = self.places.remove(name) {
            self.queue.remove(place);
        }
        let mut bytes = tag.as_bytes().to_vec();
        bytes.resize(size, b'.');
        let ticket = Ticket { subject: Some(Slot::LOCAL), kind: MessageKind::Alive, request: None };
        let place = self.queue.push(Bytes::from(bytes), Tier::Normal, ticket);
        self.places.insert(name.to_owned(), place);
    }

    /// What fits, each as its tag and its length.
    fn get(&mut self, room: usize, limit: u32) -> Vec<String> {
        let (mut packet, mut finished) = (Draft::default(), Vec::new());
        packet.begin(&config());
        self.queue.fill(&mut packet, room, limit, &mut MessageCounts::default(), &mut finished);
        for done in finished {
            self.places.retain(|_, place| *place != done.place);
        }
        let packet = packet.take();
        let messages = packet.chunk_by(|_, next| *next == b'.');
        messages.map(|m| format!("{}{}", char::from(m[0]), m.len())).collect()
    }
}

#[test]
fn the_queue_gives_out_what_it_gives_out_in_go() {
    for vector in vectors().iter().filter(|vector| vector["steps"].is_array()) {
        let mult = u32::try_from(number(vector, "retransmit_mult")).unwrap();
        let limit = transmissions(mult, size(vector, "num_nodes"));
        let (mut named, mut differences) = (Named::default(), Vec::new());
        for (count, step) in (1..).zip(vector["steps"].as_array().unwrap()) {
            let text = |field: &str| step[field].as_str().unwrap();
            if step["op"] == "queue" {
                named.push(text("name"), text("tag"), size(step, "len"));
            } else {
                assert_eq!(number(step, "overhead"), 2);
                let got = named.get(size(step, "limit"), limit);
                let expected = step["got"].as_array().unwrap();
                let same = got.iter().eq(expected.iter().map(|text| text.as_str().unwrap()));
                if !same || named.queue.len() != size(step, "queued") {
                    differences.push((count, got));
                }
            }
        }
        let found: Vec<usize> = differences.iter().map(|(step, _)| *step).collect();
        let listed: Vec<usize> = QUEUE_DIFFERENCES.iter().map(|(step, _)| *step).collect();
        assert_eq!(found, listed, "{differences:?}");
    }
}
