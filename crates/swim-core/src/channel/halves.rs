//! Writes one side's part of an exchange on a stream: framed, compressed and sealed.

use bytes::{Bytes, BytesMut};

use super::Channel;
use super::greeting::Greeting;
use super::stream_buffer::{Side, StreamBuffer, frame_place};
use crate::wire::{self, Allowance, Format, Wire, memberlist};

/// Larger parts are not compressed: 20 MiB would take half a second, in which this node answers no
/// peer. A table of 4,000 members is compressed.
const PACKED_SIZE_MAX: usize = 512 << 10;

/// One side's part of an exchange, in plaintext.
#[derive(Debug)]
pub struct Framed {
    bytes: BytesMut,
    /// The length of the header, with the label at that time.
    header_len: usize,
}

impl Framed {
    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Channel {
    /// Frames one side's part of an exchange: the header, then the output of `write`.
    ///
    /// `write` gets the format, and writes frames of the native wire or a message of memberlist's
    /// wire.
    pub fn framed(&self, write: impl FnOnce(Wire, &mut BytesMut)) -> Framed {
        let mut bytes = BytesMut::new();
        if self.framing.wire == Wire::Swim {
            wire::begin_packet(&self.framing.label, &mut bytes);
        }
        let header_len = bytes.len();
        write(self.framing.wire, &mut bytes);
        Framed { bytes, header_len }
    }

    /// Whether messages and application states must wait for the acceptor's greeting.
    ///
    /// They must on sealed streams of the native wire. Call [`greet`](Channel::greet) first there.
    #[must_use]
    pub fn waits_for_greeting(&self) -> bool {
        self.framing.wire == Wire::Swim && self.framing.seals() && self.framing.waits
    }

    /// Begins a dialler's part that waits for the acceptor's greeting.
    ///
    /// Send the rest, sealed then, once the acceptor has greeted ([`StreamBuffer::was_greeted`]).
    pub fn greet(&mut self, stream: &mut StreamBuffer) -> Bytes {
        let mut bytes = BytesMut::new();
        self.begin_sealed(stream, Side::Dialler, true, &mut bytes);
        bytes.freeze()
    }

    /// Compresses and seals one side's part of an exchange, ready to send.
    ///
    /// Returns the whole part, or the part after the greeting if that was sent before. `stream` is
    /// the buffer in which this side reads the other one; an acceptor has already read the
    /// dialler's part there. An answer is bound to the dialler's label on memberlist's wire, and to
    /// the dialler's seals on the native wire.
    pub fn sealed(&mut self, stream: &mut StreamBuffer, side: Side, framed: Framed) -> Bytes {
        let Framed { mut bytes, header_len } = framed;
        let framing = &self.framing;
        match framing.wire.format() {
            Format::Swim if framing.seals() || stream.is_sealed() => {
                bytes = self.seal_frames(stream, side, &bytes[header_len..]);
            }
            Format::Swim => {}
            Format::Memberlist(_) => {
                let dialled_with = stream.dialled_with();
                let label = dialled_with.as_ref().unwrap_or(&framing.label);
                if framing.compression && bytes.len() <= PACKED_SIZE_MAX {
                    // Compresses nothing that another node would refuse to read.
                    let allowed = Allowance::memberlist;
                    memberlist::compress_packet_within(&mut bytes, 0, &mut self.lzw, allowed);
                }
                if framing.seals() {
                    let version = framing.seal_version;
                    self.sealer.seal_memberlist_stream(version, label, &mut bytes, 0);
                }
                if side == Side::Dialler {
                    memberlist::put_label(label, &mut bytes, 0);
                }
            }
        }
        bytes.freeze()
    }

    /// Begins one side's part of a sealed stream with header and greeting.
    pub(super) fn begin_sealed(
        &mut self,
        stream: &mut StreamBuffer,
        side: Side,
        waits: bool,
        out: &mut BytesMut,
    ) {
        wire::begin_packet(&self.framing.label, out);
        wire::mark_sealed_stream(out);
        let random = self.framing.greets_anew;
        let nonce = if random { self.sealer.random() } else { [0; Greeting::NONCE_SIZE] };
        let greeting = Greeting::new(waits, nonce);
        stream.begin_own(side, out, greeting);
        out.extend_from_slice(greeting.as_bytes());
    }

    /// Seals each frame separately, so that a receiver need not hold all of them to open one.
    fn seal_frames(&mut self, stream: &mut StreamBuffer, side: Side, plain: &[u8]) -> BytesMut {
        let before = wire::HEADER_SIZE_MAX + Greeting::SIZE;
        let overhead = 2 * self.sealer.native_overhead();
        let mut sealed = BytesMut::with_capacity(plain.len() + overhead + before);
        if !stream.has_begun() {
            self.begin_sealed(stream, side, false, &mut sealed);
        }
        let (mut rest, mut number) = (plain, 0);
        while let Some(len) = wire::frame_len(rest) {
            let (frame, after) = rest.split_at(wire::FRAME_HEADER_LEN + len);
            rest = after;
            let body = &frame[wire::FRAME_HEADER_LEN..];
            let sealed_len = body.len() + self.sealer.native_overhead();
            // Limits far below keep the length from reaching 32 bits.
            let sealed_len = u32::try_from(sealed_len).unwrap_or(u32::MAX);
            sealed.extend_from_slice(&sealed_len.to_be_bytes());
            let start = sealed.len();
            sealed.extend_from_slice(body);
            let place = frame_place(side, number);
            let additional = stream.additional_to_own(side, &place);
            self.sealer.seal_native(&additional, &mut sealed, start);
            number += 1;
        }
        sealed
    }
}
