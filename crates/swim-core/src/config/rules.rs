//! The rules that a configuration must follow.

use core::time::Duration;

use super::{BROADCASTS_TOLD_APART, Config, FAN_OUT_MAX};
use crate::error::ConfigError;
use crate::text::is_unprintable;
use crate::wire::{self, Format};

/// Each packet is checked against all of them.
const NETWORKS_MAX: usize = 256;

/// Slots are numbered in 32 bits, which also carry marks. 16 million members take a table of 1.6
/// GB.
const MEMBERS_MAX: usize = 1 << 24;

impl Config {
    /// Checks all settings.
    ///
    /// # Errors
    ///
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_identity()?;
        let rules = self.timing_rules().into_iter().chain(self.limit_rules());
        for Rule { holds, setting, must, beside } in rules.chain(self.rules_across()) {
            if !holds {
                return Err(ConfigError::OutOfRange { setting, must, beside });
            }
        }
        Ok(())
    }

    fn validate_identity(&self) -> Result<(), ConfigError> {
        if self.name.as_str().chars().any(is_unprintable) {
            return Err(ConfigError::UnprintableName);
        }
        if self.address.ip().is_unspecified() {
            return Err(ConfigError::UnspecifiedAddress);
        }
        if self.address.port() == 0 {
            return Err(ConfigError::NoPort);
        }
        if self.meta.len() > self.meta_size_max {
            return Err(ConfigError::MetaTooLarge {
                size: self.meta.len(),
                max: self.meta_size_max,
            });
        }
        for label in [Some(&self.label), self.label_also.as_ref()].into_iter().flatten() {
            if label.len() > wire::LABEL_SIZE_MAX {
                return Err(ConfigError::LabelTooLong { size: label.len() });
            }
        }
        let spoken = self.wire.versions().protocol;
        let announced = self.versions.protocol;
        let is_true = match self.wire.format() {
            Format::Swim => announced.overlaps(spoken),
            Format::Memberlist(_) => spoken.min <= announced.min && announced.max <= spoken.max,
        };
        if !self.versions.is_valid() || !is_true {
            return Err(ConfigError::Versions { min: spoken.min, max: spoken.max });
        }
        if !self.has_ciphers() {
            return Err(ConfigError::Cipher);
        }
        Ok(())
    }

    fn timing_rules(&self) -> [Rule; 10] {
        /// Longer intervals would overflow the arithmetic of suspicion timeouts, and have no use.
        const INTERVAL_MAX: Duration = Duration::from_secs(3600);
        let interval = |value: Duration| !value.is_zero() && value <= INTERVAL_MAX;
        let an_interval = "above zero and at most an hour";
        [
            rule(interval(self.probe_interval), "probe_interval", an_interval),
            rule(interval(self.gossip_interval), "gossip_interval", an_interval),
            rule(interval(self.stream_timeout), "stream_timeout", an_interval),
            rule(
                self.push_pull_interval <= INTERVAL_MAX * 24,
                "push_pull_interval",
                "at most a day; zero switches it off",
            ),
            rule((1..=64).contains(&self.suspicion_mult), "suspicion_mult", "1 to 64"),
            rule((1..=64).contains(&self.suspicion_max_mult), "suspicion_max_mult", "1 to 64"),
            rule((1..=16).contains(&self.retransmit_mult), "retransmit_mult", "1 to 16"),
            rule((1..=64).contains(&self.awareness_max), "awareness_max", "1 to 64"),
            rule(self.indirect_probes <= FAN_OUT_MAX, "indirect_probes", "at most 16"),
            rule((1..=FAN_OUT_MAX).contains(&self.gossip_nodes), "gossip_nodes", "1 to 16"),
        ]
    }

    fn limit_rules(&self) -> [Rule; 11] {
        let packet_sizes = wire::PACKET_SIZE_MIN..=wire::DATAGRAM_SIZE_MAX;
        let broadcasts = 1..=BROADCASTS_TOLD_APART as usize;
        [
            rule(
                packet_sizes.contains(&self.packet_size_max),
                "packet_size_max",
                "800 to 65507 bytes",
            ),
            rule(self.allowed_networks.len() <= NETWORKS_MAX, "allowed_networks", "at most 256"),
            rule((1..=MEMBERS_MAX).contains(&self.members_max), "members_max", "1 to 16777216"),
            rule(self.update_queue_max >= 16, "update_queue_max", "at least 16"),
            rule(
                broadcasts.contains(&self.broadcast_queue_max),
                "broadcast_queue_max",
                "1 to 1024",
            ),
            rule(self.broadcast_origins_max >= 1, "broadcast_origins_max", "at least 1"),
            rule(self.streams_max >= 1, "streams_max", "at least 1"),
            rule(self.streams_per_source_max >= 1, "streams_per_source_max", "at least 1"),
            rule(
                self.stream_buffer_max <= wire::STREAM_BYTES_MAX,
                "stream_buffer_max",
                "at most 1 GiB",
            ),
            rule(self.requests_max >= 1, "requests_max", "at least 1"),
            rule(self.relays_max >= 1, "relays_max", "at least 1"),
        ]
    }

    /// Rules about several settings. Each setting has passed its own rule.
    fn rules_across(&self) -> [Rule; 6] {
        const TO_THE_DEAD_MAX: Duration = Duration::from_secs(24 * 3600);
        let across = |holds, setting, must, beside| Rule { beside, ..rule(holds, setting, must) };
        [
            across(
                !self.probe_timeout.is_zero() && self.probe_timeout < self.probe_interval,
                "probe_timeout",
                "above zero and below probe_interval",
                &["probe_interval"],
            ),
            across(
                self.gossip_to_the_dead >= self.probe_interval
                    && self.gossip_to_the_dead <= TO_THE_DEAD_MAX,
                "gossip_to_the_dead",
                "at least probe_interval and at most a day",
                &["probe_interval"],
            ),
            across(
                self.messages_fit(),
                "meta_size_max",
                "so small that an alive message with the longest name fits into packet_size_max, \
                 with label and encryption",
                &["packet_size_max"],
            ),
            across(
                self.broadcast_queue_bytes_max >= self.packet_size_max,
                "broadcast_queue_bytes_max",
                "at least packet_size_max",
                &["packet_size_max"],
            ),
            across(
                self.stream_buffer_max >= self.reliable_size_max,
                "stream_buffer_max",
                "at least reliable_size_max",
                &["reliable_size_max"],
            ),
            across(
                self.stream_buffer_max >= self.user_state_size_max,
                "stream_buffer_max",
                "at least user_state_size_max",
                &["user_state_size_max"],
            ),
        ]
    }
}

/// A rule about one setting.
struct Rule {
    holds: bool,
    setting: &'static str,
    must: &'static str,
    /// The other settings involved.
    beside: &'static [&'static str],
}

fn rule(holds: bool, setting: &'static str, must: &'static str) -> Rule {
    Rule { holds, setting, must, beside: &[] }
}
