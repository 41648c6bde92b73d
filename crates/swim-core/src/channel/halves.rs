//! Writing one side's part of an exchange on a stream: framed, compressed and sealed.

use bytes::{Bytes, BytesMut};

use super::Channel;
use super::stream_buffer::{Side, frame_place};
use crate::wire::{self, Allowance, Wire, memberlist};

/// What is longer goes out as it is: to compress 20 MiB takes half a second, in which this node
/// would answer nobody. A table of 4,000 members is compressed.
const PACKED_SIZE_MAX: usize = 512 << 10;

/// One side's part of an exchange, in the clear.
#[derive(Debug)]
pub struct Framed(BytesMut);

impl Channel {
    /// One side's part of an exchange: what stands before it, and what `write` adds, which is told
    /// the format: frames of the native wire, or a message of memberlist's.
    pub fn framed(&self, write: impl FnOnce(Wire, &mut BytesMut)) -> Framed {
        let mut bytes = BytesMut::new();
        if self.framing.wire == Wire::Swim {
            wire::begin_packet(&self.framing.label, &mut bytes);
        }
        write(self.framing.wire, &mut bytes);
        Framed(bytes)
    }

    /// Compresses and seals one side's part of an exchange, ready to be sent. On memberlist's wire
    /// an answer belongs to the label that the dialler came with.
    pub fn sealed(&mut self, side: Side, dialled_with: Option<&[u8]>, framed: Framed) -> Bytes {
        let Framed(mut bytes) = framed;
        let framing = &self.framing;
        match framing.wire {
            Wire::Swim if framing.seals => bytes = self.seal_frames(side, &bytes),
            Wire::Swim => {}
            Wire::Memberlist => {
                let label = dialled_with.unwrap_or(&framing.label);
                if framing.compression && bytes.len() <= PACKED_SIZE_MAX {
                    // Nothing that another node would not read.
                    let allowed = Allowance::memberlist;
                    memberlist::compress_packet_within(&mut bytes, 0, &mut self.lzw, allowed);
                }
                if framing.seals {
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

    /// Seals each frame for itself, so that a receiver need not hold all of them to open one.
    fn seal_frames(&mut self, side: Side, plain: &[u8]) -> BytesMut {
        let mut header = [0; wire::HEADER_SIZE_MAX];
        let header_len = wire::header_len(&self.framing.label);
        let header = &mut header[..header_len];
        header.copy_from_slice(&plain[..header_len]);
        wire::mark_sealed(header);
        let mut sealed = BytesMut::with_capacity(plain.len() + 2 * self.sealer.native_overhead());
        sealed.extend_from_slice(header);
        let (mut rest, mut number) = (&plain[header_len..], 0);
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
            self.sealer.seal_native(&[header, &place], &mut sealed, start);
            number += 1;
        }
        sealed
    }
}
