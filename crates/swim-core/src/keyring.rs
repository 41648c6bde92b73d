//! The keys of a node: one seals, and all of them open.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::key::Key;

/// The keys of a node. The first one, the primary key, seals output; all of them open input.
///
/// Several keys allow replacing one in a running cluster. Install the new key on every node, then
/// use it on every node, then remove the old key from every node.
///
/// ```
/// # use swim_core::{Key, Keyring, KeyringError};
/// let (old, new) = (Key::aes(&[1; 32])?, Key::aes(&[2; 32])?);
/// let mut ring = Keyring::new(old.clone());
/// ring.install(new.clone())?;
/// assert_eq!(ring.remove(&old), Err(KeyringError::Primary));
/// ring.use_key(&new)?;
/// ring.remove(&old)?;
/// assert_eq!(ring.primary(), Some(&new));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    /// The primary first; no key twice.
    keys: Vec<Key>,
}

impl Keyring {
    /// The most keys. All may be tried on a packet, if none opens it.
    pub const KEYS_MAX: usize = 16;

    /// Makes a ring of one key.
    #[must_use]
    pub fn new(primary: Key) -> Self {
        Keyring { keys: vec![primary] }
    }

    /// Makes a ring of several keys; the first is the primary.
    ///
    /// Skips repeated keys. Without any key, the ring is empty.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Full`].
    pub fn with_keys(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyringError> {
        let mut ring = Keyring::default();
        for key in keys {
            ring.install(key)?;
        }
        Ok(ring)
    }

    /// Adds a key, which opens input from now on, and also seals if it is the first.
    ///
    /// Returns `false` if the ring already has it.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Full`].
    pub fn install(&mut self, key: Key) -> Result<bool, KeyringError> {
        if self.position(&key).is_some() {
            return Ok(false);
        }
        if self.keys.len() >= Self::KEYS_MAX {
            return Err(KeyringError::Full);
        }
        self.keys.push(key);
        Ok(true)
    }

    /// Makes an installed key the primary, which seals from now on.
    ///
    /// Call it once all members have the key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Unknown`].
    pub fn use_key(&mut self, key: &Key) -> Result<(), KeyringError> {
        let position = self.position(key).ok_or(KeyringError::Unknown)?;
        self.keys[..=position].rotate_right(1);
        Ok(())
    }

    /// Removes a key: input sealed with it no longer opens.
    ///
    /// Call it once no member seals with the key.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Primary`] or [`KeyringError::Unknown`].
    pub fn remove(&mut self, key: &Key) -> Result<(), KeyringError> {
        match self.position(key).ok_or(KeyringError::Unknown)? {
            0 => Err(KeyringError::Primary),
            position => {
                self.keys.remove(position);
                Ok(())
            }
        }
    }

    /// All keys, the primary first.
    pub fn keys(&self) -> core::slice::Iter<'_, Key> {
        self.keys.iter()
    }

    /// The key that seals, or `None` if the ring is empty.
    #[must_use]
    pub fn primary(&self) -> Option<&Key> {
        self.keys.first()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.keys.iter().position(|known| known == key)
    }
}

/// Why a keyring was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringError {
    /// The ring already has [`Keyring::KEYS_MAX`] keys. Remove an old one first.
    Full,
    /// The key is not installed. Install it first.
    Unknown,
    /// The key is the primary. Use another one first.
    Primary,
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyringError::Full => write!(
                f,
                "the keyring is full ({} keys): remove an old one first",
                Keyring::KEYS_MAX
            ),
            KeyringError::Unknown => f.write_str("the key is not installed: install it first"),
            KeyringError::Primary => {
                f.write_str("the primary key cannot be removed: use another one first")
            }
        }
    }
}

impl core::error::Error for KeyringError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::aes(&[byte; 16]).unwrap()
    }

    fn ring(bytes: impl IntoIterator<Item = u8>) -> Keyring {
        Keyring::with_keys(bytes.into_iter().map(key)).unwrap()
    }

    #[test]
    fn the_used_key_moves_to_the_front_and_the_others_keep_their_order() {
        let mut keys = ring([1, 2, 3, 4]);
        keys.use_key(&key(3)).unwrap();
        assert_eq!(keys, ring([3, 1, 2, 4]));
        keys.use_key(&key(3)).unwrap();
        assert_eq!(keys, ring([3, 1, 2, 4]));
        assert_eq!(keys.use_key(&key(5)), Err(KeyringError::Unknown));
        assert_eq!(keys, ring([3, 1, 2, 4]));
    }

    #[test]
    fn an_installed_key_is_not_installed_again() {
        let mut keys = ring([1, 2, 1]);
        assert_eq!(keys.len(), 2);
        assert_eq!(keys.install(key(2)), Ok(false));
        assert_eq!(keys.install(key(3)), Ok(true));
        assert_eq!(keys, ring([1, 2, 3]));
    }

    #[test]
    fn the_primary_and_unknown_keys_are_not_removed() {
        let mut keys = ring([1, 2]);
        assert_eq!(keys.remove(&key(1)), Err(KeyringError::Primary));
        assert_eq!(keys.remove(&key(3)), Err(KeyringError::Unknown));
        assert_eq!(keys, ring([1, 2]));
        assert_eq!(keys.remove(&key(2)), Ok(()));
        assert_eq!(keys, Keyring::new(key(1)));
    }

    #[test]
    fn a_full_ring_takes_no_more_keys() {
        let mut keys = ring(1..=16);
        assert_eq!(keys.install(key(17)), Err(KeyringError::Full));
        assert_eq!(keys.install(key(16)), Ok(false));
        assert!(Keyring::with_keys((1..=17).map(key)).is_err());
    }

    #[test]
    fn a_ring_without_keys_has_no_primary() {
        assert_eq!(Keyring::default().primary(), None);
        assert!(ring([]).is_empty());
    }
}
