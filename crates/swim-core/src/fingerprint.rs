//! What a key is called where the key itself must not stand.

use core::fmt;

/// Stands for a [`Key`](crate::Key) without telling it: the first bytes of a one-way function. As
/// text, 8 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub(crate) [u8; 4]);

impl Fingerprint {
    /// Its bytes, as the digits of its text stand for them.
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
