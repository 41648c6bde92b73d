//! In the place of `block` without the feature `compression`: no block is made or read.

use alloc::vec::Vec;

use crate::stats::DropReason;

/// Compresses packets of the native wire; without the feature `compression`, none.
#[derive(Debug, Default)]
pub struct Lz4(());

impl Lz4 {
    /// None.
    #[inline]
    pub(super) fn compress(&mut self, _text: &[u8]) -> Option<&[u8]> {
        None
    }
}

/// Says why there is no text.
#[inline]
pub(super) fn decompress<'a>(
    _block: &[u8],
    _length: usize,
    _buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], DropReason> {
    Err(DropReason::Compressed)
}
