//! What goes out on a stream: framed, packed and sealed.

use bytes::{Bytes, BytesMut};

use crate::inbox::{Side, frame_place};
use crate::node::Node;
use crate::wire::{self, Wire, memberlist};

/// What is longer goes out as it is: to pack 20 MiB takes half a second, in which this node would
/// answer nobody. A table of 4,000 members is packed.
const PACKED_SIZE_MAX: usize = 512 << 10;

impl Node {
    /// One half of an exchange: what stands before it, and what `write` adds.
    pub(crate) fn framed(&self, write: impl FnOnce(Wire, &mut BytesMut)) -> BytesMut {
        let mut bytes = BytesMut::new();
        if self.config.wire == Wire::Swim {
            wire::begin_packet(&self.config.label, &mut bytes);
        }
        write(self.config.wire, &mut bytes);
        bytes
    }

    /// Packs and seals one half of an exchange. On memberlist's wire an answer belongs to the label
    /// that the dialler came with.
    pub(crate) fn sealed(
        &mut self,
        side: Side,
        dialled_with: Option<&[u8]>,
        mut bytes: BytesMut,
    ) -> Bytes {
        match self.config.wire {
            Wire::Swim if self.config.seals() => bytes = self.seal_frames(side, &bytes),
            Wire::Swim => {}
            Wire::Memberlist => {
                let label = dialled_with.unwrap_or(&self.config.label);
                if self.config.compression && bytes.len() <= PACKED_SIZE_MAX {
                    memberlist::compress_packet(&mut bytes, 0, &mut self.lzw);
                }
                if self.config.seals() {
                    let version = self.config.seal_version();
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
        let header_len = wire::header_len(&self.config.label);
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
