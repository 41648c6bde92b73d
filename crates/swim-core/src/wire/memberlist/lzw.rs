//! memberlist's LZW compression: Go's `compress/lzw` with the lowest bit first and 8-bit literals,
//! as in GIF.

use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;
use weezl::decode::Decoder;
use weezl::encode::Encoder;
use weezl::{BitOrder, LzwStatus};

use super::packet::put_packed;
use crate::stats::DropReason;

const LITERAL_BITS: u8 = 8;
/// Buffers up to this size are kept for the next packet; the largest datagram fits. Larger ones,
/// for streams, are released.
const KEPT_SIZE_MAX: usize = 64 << 10;
/// The first allocation for a result, and the least that it grows by, in bytes.
const GROWTH_SIZE_MIN: usize = 4 << 10;
/// Compressed text starts over with an empty table when the table is full: after 5 KiB with the
/// encoders of Go and of this library. Starting over takes as long as a hundred bytes of text, so
/// text of nothing else would cost a receiver seconds. Many times the usual rate is allowed.
const RESTART_DISTANCE_MIN: usize = 64;

/// Compresses and decompresses.
///
/// Keep it: the first use allocates tables of about 50 KiB for each direction. Later packets
/// allocate nothing.
#[derive(Default)]
pub struct Lzw {
    encoder: Option<Encoder>,
    decoder: Option<Decoder>,
    /// Holds compressed text before it replaces the text.
    pub(super) packed: Vec<u8>,
    /// Holds a packet's decompressed text.
    pub(super) unpacked: Vec<u8>,
}

impl Lzw {
    /// Replaces `out` with the compressed form of `input`, which may be up to half as long again.
    pub fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // The output is at most one code of 12 bits for each byte, plus a few codes. The bound only
        // has to be out of reach.
        let compressed = self.compress_within(input, out, input.len().saturating_mul(2) + 16);
        debug_assert!(compressed, "a bound that cannot be reached");
    }

    /// Replaces `out` with the decompressed `input`, and ignores bytes after the compressed text.
    ///
    /// # Errors
    ///
    /// [`DropReason::TooLarge`] as soon as the text exceeds `size_max` bytes;
    /// [`DropReason::Malformed`] if `input` is not a complete compressed text. `out` then holds the
    /// text before the error.
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

    /// The same, and returns how many bytes of `out` are text. The bytes after them stay as they
    /// are, because clearing a buffer takes longer than decompressing a short text.
    pub(super) fn decompress_into(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        size_max: usize,
    ) -> (usize, Result<(), DropReason>) {
        let decoder = self.decoder.get_or_insert_with(|| Decoder::new(BitOrder::Lsb, LITERAL_BITS));
        decoder.reset();
        // One byte more than allowed, to notice a longer text.
        let room_max = size_max.saturating_add(1);
        let (mut rest, mut size) = (input, 0);
        // The decoder returns after each restart, and when there is no room left.
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

    /// Replaces `out` with the compressed form of `input`. Returns `false` if that would exceed
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
                // The encoder returns only when there is no room left, or the input is used up.
                Ok(_) if step.consumed_in + step.consumed_out > 0 || size == out.len() => {}
                // Never happens: every byte is an 8-bit literal.
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

/// Replaces `out[start..]` with its compressed form.
///
/// On a stream, Go compresses every message, even if it grows.
pub fn compress_stream(out: &mut BytesMut, start: usize, lzw: &mut Lzw) {
    let mut packed = core::mem::take(&mut lzw.packed);
    lzw.compress(out.get(start..).unwrap_or_default(), &mut packed);
    out.truncate(start);
    put_packed(&packed, out);
    lzw.packed = keep(packed);
}

/// Shrinks a buffer that is too large to keep. The rest of its content stays.
pub(super) fn keep(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.truncate(KEPT_SIZE_MAX);
    buffer.shrink_to(KEPT_SIZE_MAX);
    buffer
}

/// Doubles the buffer, up to `size_max` bytes. Its size therefore follows the actual output, not an
/// announced length.
fn grow(buffer: &mut Vec<u8>, size_max: usize) {
    let size = buffer.len().saturating_add(buffer.len().max(GROWTH_SIZE_MIN)).min(size_max);
    buffer.reserve_exact(size - buffer.len());
    buffer.resize(size, 0);
}
