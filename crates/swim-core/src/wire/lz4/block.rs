//! Compresses and decompresses blocks of LZ4.

use alloc::vec::Vec;
use core::fmt;

use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size,
};

use crate::stats::DropReason;

/// Compresses packets of the native wire.
///
/// Keep it: the first use allocates a table of 8 KiB and a buffer for the longest packet. Later
/// uses allocate nothing.
#[derive(Default)]
pub struct Lz4 {
    table: Option<CompressTable>,
    /// Holds a block before it replaces the text.
    packed: Vec<u8>,
}

impl Lz4 {
    /// The block for a text.
    #[inline]
    pub(super) fn compress(&mut self, text: &[u8]) -> Option<&[u8]> {
        let Lz4 { table, packed } = self;
        at_least(packed, get_maximum_output_size(text.len()));
        let table = table.get_or_insert_with(CompressTable::small);
        // There is room for the worst case.
        let size = compress_into_with_table(text, packed, table).ok()?;
        packed.get(..size)
    }
}

impl fmt::Debug for Lz4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lz4").finish_non_exhaustive()
    }
}

/// The text of a block with `length` bytes, written to `buffer`.
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

/// Grows a buffer to this size, and clears none of its bytes.
fn at_least(buffer: &mut Vec<u8>, size: usize) {
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
}
