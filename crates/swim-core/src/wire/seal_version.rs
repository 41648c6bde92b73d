//! In which way packets and streams of memberlist's wire are sealed.

/// What stands before and behind the text of a packet: a version, a nonce of 12 bytes, and a tag of
/// 16.
const OVERHEAD: usize = 1 + 12 + 16;

/// The two ways in which memberlist seals. Each member opens both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealVersion {
    /// With padding to whole blocks of 16 bytes: what version 1 of memberlist's protocol sends.
    V0 = 0,
    /// Without padding: what all later versions send.
    V1 = 1,
}

impl SealVersion {
    /// The version with padding pads to whole blocks of so many bytes.
    pub(crate) const BLOCK_SIZE: usize = 16;

    /// How many bytes sealing adds to a packet, at most. With [`V1`](SealVersion::V1) it is always
    /// as many.
    #[must_use]
    pub const fn overhead(self) -> usize {
        match self {
            SealVersion::V0 => OVERHEAD + SealVersion::BLOCK_SIZE,
            SealVersion::V1 => OVERHEAD,
        }
    }
}
