//! Replaces `block` without the feature `compression`: compresses and decompresses nothing.

use alloc::vec::Vec;

use crate::stats::DropReason;

/// Compresses packets of the native wire; none without the feature `compression`.
#[derive(Debug, Default)]
pub struct Lz4(());

impl Lz4 {
    /// Compresses nothing.
    #[inline]
    pub(super) fn compress(&mut self, _text: &[u8]) -> Option<&[u8]> {
        None
    }
}

/// The reason why there is no text.
#[inline]
pub(super) fn decompress<'a>(
    _block: &[u8],
    _length: usize,
    _buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], DropReason> {
    Err(DropReason::Compressed)
}
