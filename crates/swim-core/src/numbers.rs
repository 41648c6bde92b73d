//! Formulas, compared with results of a Go member.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::BytesMut;
use serde_json::Value;

use crate::channel::Sealer;
use crate::config::{Config, SuspicionTimeouts};
use crate::key::Key;
use crate::keyring::Keyring;
use crate::wire::SealVersion;

pub(crate) fn vectors() -> Vec<Value> {
    let text = include_str!("../tests/vectors/numbers.json");
    let mut file: Value = serde_json::from_str(text).unwrap();
    file["vectors"].as_array_mut().unwrap().drain(..).collect()
}

pub(crate) fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap_or_else(|| panic!("{field} of {vector}"))
}

pub(crate) fn size(vector: &Value, field: &str) -> usize {
    number(vector, field).try_into().unwrap()
}

pub(crate) fn config() -> Config {
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
        for retransmit_mult in [2, 4] {
            let expected = number(vector, &format!("retransmit_mult{retransmit_mult}"));
            let config = Config { retransmit_mult, ..config() };
            assert_eq!(u64::from(config.transmissions(members)), expected, "{vector}");
        }
        let interval = config().push_pull_interval_at(members);
        assert_eq!(interval.as_secs(), number(vector, "pushpull_30s_s"), "{vector}");
        for (suspicion_mult, seconds) in [(3, 1), (4, 1), (6, 5)] {
            let probe_interval = Duration::from_secs(seconds);
            let config = Config { suspicion_mult, probe_interval, ..config() };
            let field = format!("suspicion_us_mult{suspicion_mult}_{seconds}s");
            let expected = Duration::from_micros(number(vector, &field));
            assert_eq!(config.suspicion_timeouts(members).min, expected, "{vector}");
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
        let timeouts = SuspicionTimeouts {
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
