//! Compression on the native wire: the text of a packet as one block of LZ4, behind its length.

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

/// What is shorter is not tried: a ping or an ack without news, all that a quiet cluster sends. No
/// name stands in it twice, so nothing would be saved for the time it takes to clear the table.
const COMPRESSIBLE_SIZE_MIN: usize = 64;

/// How long the text was: two bytes in front of the block.
const LENGTH_SIZE: usize = size_of::<u16>();

// The length of every text fits.
const _: () = assert!(DATAGRAM_SIZE_MAX <= u16::MAX as usize);

/// Replaces the text of a packet, which begins at `start`, by its compressed form if that is
/// shorter, and says so in the header that [`begin_packet`](super::begin_packet) wrote in front;
/// says whether it was. Before the packet is sealed: the header is sealed in. Without the feature
/// `compression` it never is.
pub fn compress_packet(packet: &mut BytesMut, start: usize, lz4: &mut Lz4) -> bool {
    compress_packet_within(packet, start, lz4, |_| Allowance::ANY)
}

/// The same, unless a receiver is not `allowed` the work of the text that came in so many bytes.
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

/// The text that was compressed into what stands behind the header of a packet, once its seal is
/// off. It goes to `buffer`, which grows to the longest text so far and is to be used again.
///
/// Whatever the bytes say, the text has at most [`DATAGRAM_SIZE_MAX`] of them, and is unpacked
/// once. It may be 250 times as long as `packed`; a node does not read one that holds too many
/// messages for its length.
///
/// # Errors
///
/// [`DropReason::Malformed`] where the length is missing or too large, or the block is broken or
/// holds another number of bytes; [`DropReason::Compressed`] without the feature `compression`.
pub fn unpack_packet<'a>(packed: &[u8], buffer: &'a mut Vec<u8>) -> Result<&'a [u8], DropReason> {
    unpack_packet_within(packed, buffer, Allowance::ANY)
}

/// The same, of a text that may be so much work; more is [`DropReason::Overpacked`].
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
