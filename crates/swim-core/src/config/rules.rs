//! What a configuration has to keep to.

use core::time::Duration;

use super::{BROADCASTS_TOLD_APART, Config, FAN_OUT_MAX};
use crate::error::ConfigError;
use crate::wire::{self, Wire};

/// Each packet is held against all of them.
const NETWORKS_MAX: usize = 256;

/// Slots are numbered in 32 bits with room for marks, and 16 million members are 1.6 GB of table.
const MEMBERS_MAX: usize = 1 << 24;

impl Config {
    /// Names the first setting that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_identity()?;
        let out_of_range = |setting, must| Err(ConfigError::OutOfRange { setting, must });
        for (ok, setting, must) in self.timing_rules().into_iter().chain(self.limit_rules()) {
            if !ok {
                return out_of_range(setting, must);
            }
        }
        Ok(())
    }

    fn validate_identity(&self) -> Result<(), ConfigError> {
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
        let is_true = match self.wire {
            Wire::Swim => announced.overlaps(spoken),
            Wire::Memberlist => spoken.min <= announced.min && announced.max <= spoken.max,
        };
        if !self.versions.is_valid() || !is_true {
            return Err(ConfigError::Versions { min: spoken.min, max: spoken.max });
        }
        if !self.keyring.keys().all(|key| self.wire.has_cipher(key.cipher())) {
            return Err(ConfigError::Cipher);
        }
        Ok(())
    }

    fn timing_rules(&self) -> [(bool, &'static str, &'static str); 11] {
        /// Longer ones would overflow the arithmetic of suspicion timeouts, and help nobody.
        const INTERVAL_MAX: Duration = Duration::from_secs(3600);
        let interval = |value: Duration| !value.is_zero() && value <= INTERVAL_MAX;
        [
            (interval(self.probe_interval), "probe_interval", "above zero and at most an hour"),
            (
                !self.probe_timeout.is_zero() && self.probe_timeout < self.probe_interval,
                "probe_timeout",
                "above zero and below probe_interval",
            ),
            (interval(self.gossip_interval), "gossip_interval", "above zero and at most an hour"),
            (interval(self.stream_timeout), "stream_timeout", "above zero and at most an hour"),
            (
                self.push_pull_interval <= INTERVAL_MAX * 24,
                "push_pull_interval",
                "at most a day; zero switches it off",
            ),
            (
                self.gossip_to_the_dead >= self.probe_interval
                    && self.gossip_to_the_dead <= INTERVAL_MAX * 24,
                "gossip_to_the_dead",
                "at least probe_interval and at most a day",
            ),
            ((1..=64).contains(&self.suspicion_mult), "suspicion_mult", "1 to 64"),
            ((1..=64).contains(&self.suspicion_max_mult), "suspicion_max_mult", "1 to 64"),
            ((1..=16).contains(&self.retransmit_mult), "retransmit_mult", "1 to 16"),
            ((1..=64).contains(&self.awareness_max), "awareness_max", "1 to 64"),
            (
                self.indirect_probes <= FAN_OUT_MAX
                    && (1..=FAN_OUT_MAX).contains(&self.gossip_nodes),
                "indirect_probes, gossip_nodes",
                "at most 16, gossip_nodes at least 1",
            ),
        ]
    }

    fn limit_rules(&self) -> [(bool, &'static str, &'static str); 9] {
        [
            (
                (wire::PACKET_SIZE_MIN..=wire::DATAGRAM_SIZE_MAX).contains(&self.packet_size_max),
                "packet_size_max",
                "800 to 65507 bytes",
            ),
            (
                self.messages_fit(),
                "meta_size_max, packet_size_max",
                "such that an alive message with the longest name fits a packet, label, encryption \
                 and all",
            ),
            (self.allowed_networks.len() <= NETWORKS_MAX, "allowed_networks", "at most 256"),
            ((1..=MEMBERS_MAX).contains(&self.members_max), "members_max", "1 to 16777216"),
            (
                self.update_queue_max >= 16
                    && (1..=BROADCASTS_TOLD_APART as usize).contains(&self.broadcast_queue_max)
                    && self.broadcast_origins_max >= 1,
                "update_queue_max, broadcast_queue_max, broadcast_origins_max",
                "at least 16, 1 to 1024, and at least 1",
            ),
            (
                self.broadcast_queue_bytes_max >= self.packet_size_max,
                "broadcast_queue_bytes_max",
                "at least packet_size_max",
            ),
            (
                self.streams_max >= 1 && self.streams_per_source_max >= 1,
                "streams_max, streams_per_source_max",
                "at least 1",
            ),
            (
                self.stream_buffer_max >= self.reliable_size_max.max(self.user_state_size_max)
                    && self.stream_buffer_max <= wire::STREAM_BYTES_MAX,
                "stream_buffer_max",
                "at least reliable_size_max and user_state_size_max, and at most 1 GiB",
            ),
            (
                self.requests_max >= 1 && self.relays_max >= 1,
                "requests_max, relays_max",
                "at least 1",
            ),
        ]
    }
}
