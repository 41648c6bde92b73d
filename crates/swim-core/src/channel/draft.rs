//! Writes datagrams: collects messages, tracks the room that is left, and adds the framing.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::Channel;
use crate::wire::{self, Allowance, Format, Message, Wire, memberlist};

/// Packets are written in memory blocks of this size. A block is used again once its packets were
/// sent and dropped.
const ARENA_SIZE: usize = 8 << 10;

/// The memory that drafts are written in.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// On the native wire the header and messages; on memberlist's wire only the messages.
    bytes: BytesMut,
    /// The length of each message. Only memberlist's wire needs it.
    parts: Vec<u16>,
}

/// A datagram that is being written.
///
/// [`into_datagram`](Draft::into_datagram) adds framing and seal. Room for both is reserved from
/// the start, so that no packet exceeds `packet_size_max`.
#[derive(Debug)]
pub struct Draft<'a> {
    channel: &'a mut Channel,
    wire: Wire,
    /// The start of the messages.
    start: usize,
    used: usize,
}

impl Channel {
    /// Begins a datagram, and discards one that was begun before and not finished.
    #[inline]
    pub fn datagram(&mut self) -> Draft<'_> {
        let (framing, bytes) = (&self.framing, &mut self.memory.bytes);
        let size = ARENA_SIZE.max(framing.packet_size_max);
        bytes.clear();
        // Reuses the whole block once all packets in it were dropped, so that the packets of one
        // tick, which are output together, find it free.
        if !bytes.try_reclaim(size) && bytes.capacity() < framing.packet_size_max {
            bytes.reserve(size);
        }
        let wire = framing.wire;
        if wire == Wire::Swim {
            wire::begin_packet(&framing.label, bytes);
        }
        self.memory.parts.clear();
        Draft { start: self.memory.bytes.len(), channel: self, wire, used: 0 }
    }
}

impl Draft<'_> {
    /// Appends a message that is known to fit.
    #[inline]
    pub fn append(&mut self, message: &Message<'_>) {
        let bytes = &mut self.channel.memory.bytes;
        let before = bytes.len();
        self.wire.encode(message, bytes);
        let len = bytes.len() - before;
        self.note(len);
    }

    /// Appends a message if it fits. Returns whether it did.
    pub fn append_if_it_fits(&mut self, message: &Message<'_>) -> bool {
        let fits = self.cost(self.wire.encoded_len(message)) <= self.room() && self.takes_more();
        if fits {
            self.append(message);
        }
        fits
    }

    /// Appends a message that was encoded earlier and is known to fit.
    #[inline]
    pub fn append_encoded(&mut self, message: &[u8]) {
        self.channel.memory.bytes.extend_from_slice(message);
        self.note(message.len());
    }

    /// The bytes that a message of this length takes of the room.
    #[must_use]
    #[inline]
    pub fn cost(&self, len: usize) -> usize {
        len + self.wire.part_overhead()
    }

    /// The bytes that are left.
    #[must_use]
    #[inline]
    pub fn room(&self) -> usize {
        self.channel.framing.packet_text_max.saturating_sub(self.used)
    }

    /// Whether one more message can be counted: memberlist counts in one byte.
    #[must_use]
    #[inline]
    pub fn takes_more(&self) -> bool {
        self.wire == Wire::Swim || self.channel.memory.parts.len() < memberlist::COMPOUND_PARTS_MAX
    }

    /// Finishes the datagram, or returns `None` if it has no messages.
    ///
    /// `checksum` says whether the receiver understands memberlist's checksums. An unsealed packet
    /// on memberlist's wire then gets one.
    #[inline]
    pub fn into_datagram(self, checksum: bool) -> Option<Bytes> {
        if self.channel.memory.bytes.len() == self.start {
            return None;
        }
        match self.wire.format() {
            Format::Swim => self.channel.frame_swim(self.start),
            Format::Memberlist(_) => self.channel.frame_memberlist(checksum),
        }
        Some(self.channel.memory.bytes.split().freeze())
    }

    /// The messages so far, for tests of the code that writes them.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &[u8] {
        &self.channel.memory.bytes[self.start..]
    }

    #[inline]
    fn note(&mut self, len: usize) {
        self.used += self.cost(len);
        if self.wire.is_memberlist() {
            // No packet is longer than 65,507 bytes.
            self.channel.memory.parts.push(u16::try_from(len).unwrap_or(u16::MAX));
        }
    }
}

impl Channel {
    /// Compresses and seals the text after the header, and sets the header's flags.
    fn frame_swim(&mut self, start: usize) {
        let packet = &mut self.memory.bytes;
        if self.framing.compression {
            // Compresses nothing that another node would refuse to read.
            wire::compress_packet_within(packet, start, &mut self.lz4, Allowance::native);
        }
        if !self.framing.seals() {
            return;
        }
        wire::mark_sealed(packet);
        let mut header = [0; wire::HEADER_SIZE_MAX];
        header[..start].copy_from_slice(&packet[..start]);
        self.sealer.seal_native(&[&header[..start]], packet, start);
    }

    /// Adds memberlist's framing to the messages, from the inside out.
    fn frame_memberlist(&mut self, checksum: bool) {
        let Memory { bytes: packet, parts } = &mut self.memory;
        memberlist::make_compound(packet, 0, parts);
        if self.framing.compression {
            let allowed = Allowance::memberlist;
            memberlist::compress_packet_within(packet, 0, &mut self.lzw, allowed);
        }
        let label = &*self.framing.label;
        if self.framing.seals() {
            self.sealer.seal_memberlist_packet(self.framing.seal_version, label, packet, 0);
        } else if checksum {
            // Sealed text has a stronger one.
            memberlist::add_checksum(packet, 0);
        }
        memberlist::put_label(label, packet, 0);
    }
}
