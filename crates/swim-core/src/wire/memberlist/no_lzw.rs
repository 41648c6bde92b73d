//! In the place of `lzw` without the feature `compression`: nothing is compressed or decompressed.

use alloc::vec::Vec;

use crate::stats::DropReason;

/// Compresses and decompresses; without the feature `compression`, nothing.
#[derive(Debug, Default)]
pub struct Lzw {
    pub(super) packed: Vec<u8>,
    pub(super) unpacked: Vec<u8>,
}

impl Lzw {
    /// Says why there is no text.
    ///
    /// # Errors
    ///
    /// [`DropReason::Compressed`], always.
    pub fn decompress(
        &mut self,
        _input: &[u8],
        _out: &mut Vec<u8>,
        _size_max: usize,
    ) -> Result<(), DropReason> {
        Err(DropReason::Compressed)
    }

    #[inline]
    pub(super) fn decompress_into(
        &mut self,
        _input: &[u8],
        _out: &mut Vec<u8>,
        _size_max: usize,
    ) -> (usize, Result<(), DropReason>) {
        (0, Err(DropReason::Compressed))
    }

    /// Says that nothing was compressed.
    #[inline]
    pub(super) fn compress_within(
        &mut self,
        _input: &[u8],
        _out: &mut Vec<u8>,
        _size_max: usize,
    ) -> bool {
        false
    }
}

/// The buffers stay empty.
pub(super) fn keep(buffer: Vec<u8>) -> Vec<u8> {
    buffer
}
