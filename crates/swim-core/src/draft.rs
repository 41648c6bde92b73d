//! A packet while it is written: messages behind each other, and how much room is left.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::config::Config;
use crate::wire::{self, Message, Wire, memberlist};

/// The memory for packets is asked for in pieces of this size, and used again once the packets
/// written in it were sent and dropped.
const ARENA_SIZE: usize = 8 << 10;

/// The packet that is being written. Framing and sealing come when it is finished; room is kept for
/// both from the start, so that no packet exceeds `packet_size_max`.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    wire: Wire,
    /// On the native wire the header and the messages; on memberlist's the messages alone.
    bytes: BytesMut,
    /// Where the messages begin.
    start: usize,
    /// How long each message is. Only memberlist's wire needs to know.
    parts: Vec<u16>,
    /// How many bytes of messages, with what each of them costs besides, there may be.
    room_max: usize,
    used: usize,
}

impl Draft {
    /// Begins a packet, whatever was in the draft before.
    pub(crate) fn begin(&mut self, config: &Config) {
        let size = ARENA_SIZE.max(config.packet_size_max);
        self.bytes.clear();
        // Starts over whenever all packets were dropped, so that the packets of one tick, which are
        // given out together, find the whole arena free.
        if !self.bytes.try_reclaim(size) && self.bytes.capacity() < config.packet_size_max {
            self.bytes.reserve(size);
        }
        self.wire = config.wire;
        if self.wire == Wire::Swim {
            wire::begin_packet(&config.label, &mut self.bytes);
        }
        self.start = self.bytes.len();
        self.parts.clear();
        self.room_max = config.packet_text_max();
        self.used = 0;
    }

    /// Appends a message that is known to fit.
    pub(crate) fn append(&mut self, message: &Message<'_>) {
        let before = self.bytes.len();
        self.wire.encode(message, &mut self.bytes);
        self.note(self.bytes.len() - before);
    }

    /// Appends a message that was encoded earlier and is known to fit.
    pub(crate) fn append_encoded(&mut self, message: &[u8]) {
        self.bytes.extend_from_slice(message);
        self.note(message.len());
    }

    /// What a message of this length takes of the room.
    pub(crate) fn cost(&self, len: usize) -> usize {
        len + self.wire.part_overhead()
    }

    /// The room that is left, in bytes.
    pub(crate) fn room(&self) -> usize {
        self.room_max.saturating_sub(self.used)
    }

    /// Whether one more message can be counted: memberlist counts them in one byte.
    pub(crate) fn takes_more(&self) -> bool {
        self.wire == Wire::Swim || self.parts.len() < memberlist::COMPOUND_PARTS_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == self.start
    }

    /// The messages with what stands before them, for the packet to be finished in place; and where
    /// the messages begin.
    pub(crate) fn text(&mut self) -> (&mut BytesMut, usize) {
        (&mut self.bytes, self.start)
    }

    /// Puts the messages together to the one that a packet of memberlist's wire consists of.
    pub(crate) fn compound(&mut self) {
        memberlist::make_compound(&mut self.bytes, self.start, &self.parts);
    }

    /// Gives out what was written.
    pub(crate) fn take(&mut self) -> Bytes {
        self.bytes.split().freeze()
    }

    fn note(&mut self, len: usize) {
        self.used += self.cost(len);
        if self.wire == Wire::Memberlist {
            // No packet is longer than 65,507 bytes.
            self.parts.push(u16::try_from(len).unwrap_or(u16::MAX));
        }
    }
}
