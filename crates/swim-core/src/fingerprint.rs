//! The name of a key, for places where the key itself must not appear.

use core::fmt;

/// A short name of a [`Key`](crate::Key) that does not reveal it.
///
/// It is the first bytes of a one-way function. As text, it has 8 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub(crate) [u8; 4]);

impl Fingerprint {
    /// The bytes behind the hexadecimal digits.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}
