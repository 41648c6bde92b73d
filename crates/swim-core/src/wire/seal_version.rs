//! The two versions of memberlist's encryption.

/// The bytes around the text of a packet: a version, a nonce of 12 bytes, and a tag of 16.
const OVERHEAD: usize = 1 + 12 + 16;

/// The version of memberlist's encryption. Each member opens both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealVersion {
    /// With padding to whole blocks of 16 bytes, as version 1 of memberlist's protocol sends.
    V0 = 0,
    /// Without padding, as all later versions send.
    V1 = 1,
}

impl SealVersion {
    /// The block size that the version with padding pads to.
    pub(crate) const BLOCK_SIZE: usize = 16;

    /// The most bytes that sealing adds to a packet.
    ///
    /// [`V1`](SealVersion::V1) always adds this many.
    #[must_use]
    pub const fn overhead(self) -> usize {
        match self {
            SealVersion::V0 => OVERHEAD + SealVersion::BLOCK_SIZE,
            SealVersion::V1 => OVERHEAD,
        }
    }
}
