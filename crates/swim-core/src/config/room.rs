//! The room in a packet under a configuration.

use core::net::{Ipv6Addr, SocketAddr};

use super::Config;
use crate::member::{Incarnation, NAME_SIZE_MAX};
use crate::wire::{
    self, Broadcast, Claim, Envelope, Format, IndirectPing, Message, SealVersion, Update, User,
    Wire, memberlist,
};

/// Of the native wire: the field number and length of a payload and of a key, and the growth of the
/// enclosing message's length.
const PAYLOAD_FIELD: usize = 1 + 3 + 1 + 2 + 2;

impl Config {
    /// Whether packets and streams are encrypted.
    pub(crate) fn seals(&self) -> bool {
        self.sealing().seals()
    }

    /// Whether only encrypted packets and streams are accepted.
    pub(crate) fn requires_seals(&self) -> bool {
        self.sealing().requires_seals()
    }

    /// Whether they are encrypted, on the native wire.
    #[inline]
    pub(crate) fn seals_natively(&self) -> bool {
        self.wire == Wire::Swim && self.seals()
    }

    /// Whether all input on the native wire is sealed, and so has the fields that identify a
    /// recording.
    #[inline]
    pub(crate) fn tells_recordings(&self) -> bool {
        self.wire == Wire::Swim && self.requires_seals()
    }

    /// The bytes of a packet that are left for messages and their overheads.
    pub(crate) fn packet_text_max(&self) -> usize {
        let sealed = if self.seals() { self.seal_overhead() } else { 0 };
        let framing = match self.wire.format() {
            Format::Swim => wire::header_len(&self.label),
            Format::Memberlist(_) => {
                let label = memberlist::label_header_len(&self.label);
                label + memberlist::CHECKSUM_OVERHEAD + memberlist::COMPOUND_OVERHEAD
            }
        };
        self.packet_size_max.saturating_sub(framing + sealed)
    }

    /// The longest that a datagram can be once a message of this length is added to `used` bytes,
    /// without the checksum of memberlist's wire.
    pub(crate) fn datagram_len(&self, used: usize, len: usize) -> usize {
        let framing = self.packet_size_max - self.packet_text_max();
        match self.wire.format() {
            Format::Swim => framing + used + len,
            Format::Memberlist(_) if used == 0 => {
                framing - memberlist::CHECKSUM_OVERHEAD - memberlist::COMPOUND_OVERHEAD + len
            }
            Format::Memberlist(_) => {
                framing - memberlist::CHECKSUM_OVERHEAD + used + self.wire.part_overhead() + len
            }
        }
    }

    /// The length of the longest message in a packet, in bytes.
    pub(crate) fn message_max(&self) -> usize {
        self.packet_text_max().saturating_sub(self.wire.part_overhead())
    }

    pub(crate) fn seal_overhead(&self) -> usize {
        match self.wire.format() {
            Format::Swim => self.native_seal_overhead(),
            Format::Memberlist(_) => self.seal_version().overhead(),
        }
    }

    /// The version of memberlist's encryption that this node seals with.
    pub(crate) fn seal_version(&self) -> SealVersion {
        if self.versions.protocol.current > 1 { SealVersion::V1 } else { SealVersion::V0 }
    }

    /// The largest payload of an ack, in bytes.
    pub(crate) fn ack_payload_size_max(&self) -> usize {
        /// Two lengths of up to 3 bytes, two field numbers, a sequence number, and a digest.
        const SWIM: usize = 3 + 3 + 2 + 5 + 5;
        /// The type, a map of two, their names, a length of up to 3 bytes, and a sequence number.
        const MEMBERLIST: usize = 1 + 1 + 8 + 6 + 3 + 5;
        self.message_max()
            - match self.wire.format() {
                Format::Swim => SWIM,
                Format::Memberlist(_) => MEMBERLIST,
            }
    }

    /// The largest payload of a user message in a datagram, in bytes.
    pub(crate) fn message_size_max(&self) -> usize {
        let from = self.name.as_str();
        let incarnation = Incarnation::MAX;
        let envelope = Envelope { to: u64::MAX, incarnation, life: u32::MAX, sequence: u32::MAX };
        let envelope = self.seals_natively().then_some(envelope);
        let message = Message::User(User { from, payload: &[], envelope });
        self.payload_max(&message)
    }

    /// The largest payload of a broadcast, its key included, in bytes.
    pub(crate) fn broadcast_size_max(&self) -> usize {
        self.payload_max(&Message::Broadcast(Broadcast {
            origin: self.name.as_str(),
            life: u32::MAX,
            sequence: u32::MAX,
            key: &[],
            payload: &[],
            known: if self.seals_natively() { Incarnation::MAX } else { Incarnation(0) },
        }))
    }

    /// The room that this message, which has no payload yet, leaves for one.
    fn payload_max(&self, message: &Message<'_>) -> usize {
        let fields = match self.wire.format() {
            Format::Swim => PAYLOAD_FIELD,
            Format::Memberlist(_) => 0,
        };
        self.message_max() - self.wire.encoded_len(message) - fields
    }

    /// Whether the longest messages that the configuration allows fit into a packet.
    pub(crate) fn messages_fit(&self) -> bool {
        // Also keeps the sums below from overflowing.
        if self.meta_size_max > self.packet_size_max {
            return false;
        }
        let name = str::from_utf8(&[b'n'; NAME_SIZE_MAX]).expect("ASCII is UTF-8");
        let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), u16::MAX);
        let longest = match self.wire.format() {
            Format::Swim => wire::alive_len_max(self.meta_size_max),
            Format::Memberlist(_) => {
                let versions = self.versions;
                let claim = Claim::Alive { address, meta: &[], versions };
                let update = Update { name, incarnation: Incarnation::MAX, claim };
                let alive = memberlist::encoded_len(&Message::Update(update));
                /// The length of metadata takes up to 3 bytes; the message above has spent 1 on it.
                const META_LEN: usize = 2;
                alive + META_LEN + self.meta_size_max
            }
        };
        let request = Message::IndirectPing(IndirectPing {
            sequence: u32::MAX,
            target: name,
            address,
            source: name,
            reply_to: Some(address),
            wants_nack: true,
        });
        longest.max(self.wire.encoded_len(&request)) <= self.message_max()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use bytes::BytesMut;

    use super::*;
    use crate::member::{VersionRange, Versions};
    use crate::wire::begin_packet;

    /// The size of the packet with the longest alive that the configuration allows.
    fn longest_alive(config: &Config) -> usize {
        let meta = alloc::vec![0; config.meta_size_max];
        let range = VersionRange { min: 1, max: 2, current: 2 };
        let claim = Claim::Alive {
            address: "[2001:db8::1]:7946".parse().unwrap(),
            meta: &meta,
            versions: Versions { protocol: range, application: range },
        };
        let name: String = "n".repeat(NAME_SIZE_MAX);
        let mut packet = BytesMut::new();
        begin_packet(&config.label, &mut packet);
        let update = Update { name: &name, incarnation: Incarnation::MAX, claim };
        Message::Update(update).encode(&mut packet);
        packet.len()
    }

    #[test]
    fn the_longest_alive_fits_exactly_when_the_configuration_says_so() {
        let address = "10.0.0.7:7946".parse().unwrap();
        let mut config = Config::lan("cache-7".parse().unwrap(), address);
        for label in ["", "staging"] {
            config.label = label.into();
            for meta_size_max in [1, 127, 128, 512, 20_000, 60_000] {
                config.meta_size_max = meta_size_max;
                let size = longest_alive(&config);
                for (packet_size_max, fits) in [(size - 1, false), (size, true), (size + 1, true)] {
                    config.packet_size_max = packet_size_max;
                    assert_eq!(config.messages_fit(), fits, "{meta_size_max} in {packet_size_max}");
                }
            }
        }
        config.meta_size_max = usize::MAX;
        assert!(!config.messages_fit());
    }
}
