//! Compression on the native wire: the text of a packet as one block of LZ4, behind its length.

use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};

use super::DATAGRAM_SIZE_MAX;
use super::allowance::Allowance;
use super::swim::{HEADER_SIZE_MIN, affords, mark_compressed};
use crate::stats::DropReason;

/// What is shorter is not tried: a ping or an ack without news, all that a quiet cluster sends. No
/// name stands in it twice, so nothing would be saved for the time it takes to clear the table.
const COMPRESSIBLE_SIZE_MIN: usize = 64;

/// How long the text was: two bytes in front of the block.
const LENGTH_SIZE: usize = size_of::<u16>();

// The length of every text fits.
const _: () = assert!(DATAGRAM_SIZE_MAX <= u16::MAX as usize);

/// Compresses packets of the native wire. To be kept: it has a table of 8 KiB, made at its first
/// use, and a buffer as long as the longest packet. After that, packets take no memory.
#[derive(Default)]
pub struct Lz4 {
    table: Option<CompressTable>,
    /// Where a block goes before it takes the place of the text.
    packed: Vec<u8>,
}

impl fmt::Debug for Lz4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lz4").finish_non_exhaustive()
    }
}

/// Replaces the text of a packet, which begins at `start`, by its compressed form if that is
/// shorter, and says so in the header that [`begin_packet`](super::begin_packet) wrote in front;
/// says whether it was. Before the packet is sealed: the header is sealed in.
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
    let Lz4 { table, packed } = lz4;
    at_least(packed, get_maximum_output_size(text.len()));
    let table = table.get_or_insert_with(CompressTable::small);
    // There is room for the worst.
    let Ok(size) = compress_into_with_table(text, packed, table) else {
        return false;
    };
    let Some(length) = u16::try_from(text.len()).ok().filter(|_| LENGTH_SIZE + size < text.len())
    else {
        return false;
    };
    let allowance = allowed(LENGTH_SIZE + size);
    if text.len() > allowance.unpacked() || !affords(text, allowance) {
        return false;
    }
    packet.truncate(start);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&packed[..size]);
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
/// holds another number of bytes.
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
    at_least(buffer, length);
    let text = &mut buffer[..length];
    match decompress_into(block, text) {
        Ok(size) if size == length && affords(text, allowance) => Ok(text),
        Ok(size) if size == length => Err(DropReason::Overpacked),
        _ => Err(DropReason::Malformed),
    }
}

/// Sees to it that a buffer has so many bytes, and clears none that it has.
fn at_least(buffer: &mut Vec<u8>, size: usize) {
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
}
