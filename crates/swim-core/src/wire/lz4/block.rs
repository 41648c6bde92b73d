//! Blocks of LZ4, made and read.

use alloc::vec::Vec;
use core::fmt;

use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};

use crate::stats::DropReason;

/// Compresses packets of the native wire. To be kept: it has a table of 8 KiB, made at its first
/// use, and a buffer as long as the longest packet. After that, packets take no memory.
#[derive(Default)]
pub struct Lz4 {
    table: Option<CompressTable>,
    /// Where a block goes before it takes the place of the text.
    packed: Vec<u8>,
}

impl Lz4 {
    /// The block for a text.
    #[inline]
    pub(super) fn compress(&mut self, text: &[u8]) -> Option<&[u8]> {
        let Lz4 { table, packed } = self;
        at_least(packed, get_maximum_output_size(text.len()));
        let table = table.get_or_insert_with(CompressTable::small);
        // There is room for the worst.
        let size = compress_into_with_table(text, packed, table).ok()?;
        packed.get(..size)
    }
}

impl fmt::Debug for Lz4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lz4").finish_non_exhaustive()
    }
}

/// The text of a block, which has `length` bytes and goes to `buffer`.
#[inline]
pub(super) fn decompress<'a>(
    block: &[u8],
    length: usize,
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], DropReason> {
    at_least(buffer, length);
    let text = &mut buffer[..length];
    match decompress_into(block, text) {
        Ok(size) if size == length => Ok(text),
        _ => Err(DropReason::Malformed),
    }
}

/// Sees to it that a buffer has so many bytes, and clears none that it has.
fn at_least(buffer: &mut Vec<u8>, size: usize) {
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
}
