//! Compression on the native wire: a packet's text as one block of LZ4, after its length.

#[cfg(feature = "compression")]
mod block;
#[cfg(not(feature = "compression"))]
mod no_block;

use alloc::vec::Vec;

use bytes::BytesMut;

use super::DATAGRAM_SIZE_MAX;
use super::allowance::Allowance;
use super::swim::{HEADER_SIZE_MIN, affords, mark_compressed};
use crate::stats::DropReason;

#[cfg(not(feature = "compression"))]
use no_block as block;

pub use block::Lz4;

/// Shorter texts are not compressed: pings and acks without news, the only packets in a quiet
/// cluster. No name occurs twice in them, so nothing would be saved for the time to clear the
/// table.
const COMPRESSIBLE_SIZE_MIN: usize = 64;

/// The text's length: two bytes before the block.
const LENGTH_SIZE: usize = size_of::<u16>();

// Every text's length fits.
const _: () = assert!(DATAGRAM_SIZE_MAX <= u16::MAX as usize);

/// Compresses the text of a packet, from `start` on, if that makes it shorter.
///
/// Also sets the flag in the header that [`begin_packet`](super::begin_packet) wrote. Returns
/// whether it compressed: never without the feature `compression`. Call it before sealing, because
/// the seal covers the header.
pub fn compress_packet(packet: &mut BytesMut, start: usize, lz4: &mut Lz4) -> bool {
    compress_packet_within(packet, start, lz4, |_| Allowance::ANY)
}

/// The same, unless a receiver may not do the work for this text: `allowed` gives the allowance for
/// a number of received bytes.
pub(crate) fn compress_packet_within(
    packet: &mut BytesMut,
    start: usize,
    lz4: &mut Lz4,
    allowed: impl Fn(usize) -> Allowance,
) -> bool {
    let text = packet.get(start..).unwrap_or_default();
    if start < HEADER_SIZE_MIN || !(COMPRESSIBLE_SIZE_MIN..=DATAGRAM_SIZE_MAX).contains(&text.len())
    {
        return false;
    }
    let Some(block) = lz4.compress(text) else {
        return false;
    };
    let size = LENGTH_SIZE + block.len();
    let Some(length) = u16::try_from(text.len()).ok().filter(|_| size < text.len()) else {
        return false;
    };
    let allowance = allowed(size);
    if text.len() > allowance.unpacked() || !affords(text, allowance) {
        return false;
    }
    packet.truncate(start);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(block);
    mark_compressed(packet);
    true
}

/// Unpacks the compressed text after the header of an unsealed packet.
///
/// The text goes to `buffer`, which grows to the longest text so far; use it again.
///
/// The text has at most [`DATAGRAM_SIZE_MAX`] bytes, and is unpacked once. It may be 250 times as
/// long as `packed`; a node does not read one with too many messages for its length.
///
/// # Errors
///
/// [`DropReason::Malformed`] if the length is missing, too large or wrong, or the block is broken;
/// [`DropReason::Compressed`] without the feature `compression`.
pub fn unpack_packet<'a>(packed: &[u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], DropReason> {
    unpack_packet_within(packed, buffer, Allowance::ANY)
}

/// The same, for a text within this allowance. More work is [`DropReason::Overpacked`].
pub(crate) fn unpack_packet_within<'a>(
    packed: &[u8],
    buffer: &'a mut Vec<u8>,
    allowance: Allowance,
) -> Result<&'a [u8], DropReason> {
    let (length, block) = packed.split_first_chunk().ok_or(DropReason::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > DATAGRAM_SIZE_MAX {
        return Err(DropReason::Malformed);
    }
    if length > allowance.unpacked() {
        return Err(DropReason::Overpacked);
    }
    let text = block::decompress(block, length, buffer)?;
    if affords(text, allowance) { Ok(text) } else { Err(DropReason::Overpacked) }
}
