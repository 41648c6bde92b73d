//! The LZW compression that memberlist uses: Go's `compress/lzw` with the lowest bit first and
//! 8 bits to a literal, which is how GIF does it.

use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;
use weezl::decode::Decoder;
use weezl::encode::Encoder;
use weezl::{BitOrder, LzwStatus};

use super::packet::put_packed;
use crate::stats::DropReason;

const LITERAL_BITS: u8 = 8;
/// Buffers up to this size are kept for the next packet: the largest datagram fits. A stream's are
/// given back.
const KEPT_SIZE_MAX: usize = 64 << 10;
/// The first piece of memory for a result, and the least by which it grows, in bytes.
const GROWTH_SIZE_MIN: usize = 4 << 10;
/// A text starts over with an empty table when it is full: after 5 KiB, as the encoders of Go and
/// of this library do it. Starting over costs as much time as a hundred bytes of text, so a text
/// that does nothing else would take a receiver seconds. Many times as often as usual is allowed.
const RESTART_DISTANCE_MIN: usize = 64;

/// Compresses and decompresses. To be kept: a coder has tables of about 50 KiB for each direction,
/// made at its first use. After that, packets take no memory.
#[derive(Default)]
pub struct Lzw {
    encoder: Option<Encoder>,
    decoder: Option<Decoder>,
    /// Where compressed text goes before it takes the place of the text.
    pub(super) packed: Vec<u8>,
    /// Where a packet's decompressed text goes.
    pub(super) unpacked: Vec<u8>,
}

impl Lzw {
    /// Replaces `out` by the compressed form of `input`, which is up to half as large again.
    pub fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // One code of 12 bits for each byte, and a little for the codes around them, is the most
        // that can come out; the bound only has to be out of reach.
        let compressed = self.compress_within(input, out, input.len().saturating_mul(2) + 16);
        debug_assert!(compressed, "a bound that cannot be reached");
    }

    /// Replaces `out` by the text that `input` was made from, and ignores what follows in `input`.
    ///
    /// # Errors
    ///
    /// [`DropReason::TooLarge`] as soon as the text exceeds `size_max` bytes, and
    /// [`DropReason::Malformed`] when `input` is no compressed text or not all of one. `out` then
    /// holds what came before.
    pub fn decompress(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        size_max: usize,
    ) -> Result<(), DropReason> {
        let (size, result) = self.decompress_into(input, out, size_max);
        out.truncate(size);
        result
    }

    /// The same, and how many bytes of `out` are text. What stands behind them is left as it is:
    /// to clear a buffer for each text takes longer than to decompress a short one.
    pub(super) fn decompress_into(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        size_max: usize,
    ) -> (usize, Result<(), DropReason>) {
        let decoder = self.decoder.get_or_insert_with(|| Decoder::new(BitOrder::Lsb, LITERAL_BITS));
        decoder.reset();
        // One byte more than is allowed, to see when there is more.
        let room_max = size_max.saturating_add(1);
        let (mut rest, mut size) = (input, 0);
        // The decoder comes back after each start over, and when there is no more room.
        let mut restarts_left = 8 + input.len() / RESTART_DISTANCE_MIN;
        let result = loop {
            if size == out.len() {
                grow(out, room_max);
            } else if restarts_left == 0 {
                break Err(DropReason::Malformed);
            } else {
                restarts_left -= 1;
            }
            let room = out.len().min(room_max);
            let step = decoder.decode_bytes(rest, &mut out[size..room]);
            rest = rest.get(step.consumed_in..).unwrap_or_default();
            size += step.consumed_out;
            if size > size_max {
                break Err(DropReason::TooLarge);
            }
            match step.status {
                Ok(LzwStatus::Ok) => {}
                Ok(LzwStatus::Done) => break Ok(()),
                Ok(LzwStatus::NoProgress) | Err(_) => break Err(DropReason::Malformed),
            }
        };
        (size.min(size_max), result)
    }

    /// Replaces `out` by the compressed form of `input`, or says no when that would exceed
    /// `size_max` bytes.
    pub(super) fn compress_within(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        size_max: usize,
    ) -> bool {
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(BitOrder::Lsb, LITERAL_BITS));
        encoder.reset();
        encoder.finish();
        out.clear();
        let (mut rest, mut size) = (input, 0);
        loop {
            if size == out.len() {
                if size >= size_max {
                    return false;
                }
                grow(out, size_max);
            }
            let step = encoder.encode_bytes(rest, &mut out[size..]);
            rest = rest.get(step.consumed_in..).unwrap_or_default();
            size += step.consumed_out;
            match step.status {
                Ok(LzwStatus::Done) => break,
                // Comes back only when there is no more room, or with the input taken.
                Ok(_) if step.consumed_in + step.consumed_out > 0 || size == out.len() => {}
                // Never: every byte is a literal of 8 bits.
                Ok(_) | Err(_) => return false,
            }
        }
        out.truncate(size);
        true
    }
}

impl fmt::Debug for Lzw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lzw").finish_non_exhaustive()
    }
}

/// Replaces what stands in `out` from `start` on by its compressed form. On a stream, Go does so
/// with every message, even if it grows.
pub fn compress_stream(out: &mut BytesMut, start: usize, lzw: &mut Lzw) {
    let mut packed = core::mem::take(&mut lzw.packed);
    lzw.compress(out.get(start..).unwrap_or_default(), &mut packed);
    out.truncate(start);
    put_packed(&packed, out);
    lzw.packed = keep(packed);
}

/// Gives a buffer back if it is larger than one that is worth keeping. What stands in it stays.
pub(super) fn keep(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.truncate(KEPT_SIZE_MAX);
    buffer.shrink_to(KEPT_SIZE_MAX);
    buffer
}

/// Doubles the buffer, up to `size_max` bytes: so its size is in proportion to what came out, not
/// to what somebody said.
fn grow(buffer: &mut Vec<u8>, size_max: usize) {
    let size = buffer.len().saturating_add(buffer.len().max(GROWTH_SIZE_MIN)).min(size_max);
    buffer.reserve_exact(size - buffer.len());
    buffer.resize(size, 0);
}
