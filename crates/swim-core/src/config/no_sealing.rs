//! Replaces `sealing` without the feature `encryption`: there are no keys.

use super::Config;

/// Nothing is sealed, and no seal is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealing;

impl Sealing {
    pub(crate) const fn has_keys(self) -> bool {
        false
    }

    pub(crate) const fn seals(self) -> bool {
        false
    }

    pub(crate) const fn requires_seals(self) -> bool {
        false
    }
}

impl Config {
    pub(crate) const fn sealing(&self) -> Sealing {
        Sealing
    }

    pub(super) const fn native_seal_overhead(&self) -> usize {
        0
    }

    pub(super) const fn has_ciphers(&self) -> bool {
        true
    }
}
