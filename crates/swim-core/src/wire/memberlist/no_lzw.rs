//! Replaces `lzw` without the feature `compression`: compresses and decompresses nothing.

use alloc::vec::Vec;

use crate::stats::DropReason;

/// Compresses and decompresses; nothing without the feature `compression`.
#[derive(Debug, Default)]
pub struct Lzw {
    pub(super) packed: Vec<u8>,
    pub(super) unpacked: Vec<u8>,
}

impl Lzw {
    /// Returns the reason why there is no text.
    ///
    /// # Errors
    ///
    /// Always [`DropReason::Compressed`].
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

    /// Compresses nothing.
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

/// Keeps the buffer, which is always empty.
pub(super) fn keep(buffer: Vec<u8>) -> Vec<u8> {
    buffer
}
