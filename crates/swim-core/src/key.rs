//! A cluster's shared secret, and its cipher.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::hint::black_box;
use core::str::FromStr;

use base64ct::{Base64, Encoding};
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;

/// The prefix of the text of a key for XChaCha20-Poly1305.
const XCHACHA_PREFIX: &str = "xchacha20:";
const XCHACHA_SIZE: usize = 32;
/// The ChaCha20 stream of fingerprints. Any number works that no cipher uses with the same key.
const FINGERPRINT_STREAM: u64 = u64::from_be_bytes(*b"swim key");

/// A key that all members of a cluster share, for one cipher.
///
/// Anyone with the key can read all traffic and send in any member's name. `Debug` and `Display`
/// show only its [`Fingerprint`]. A dropped key is overwritten.
///
/// The text of a key is the standard base64 of its bytes. 16, 24 or 32 bytes are a key for AES, as
/// `serf keygen` and `consul keygen` print it. The prefix `xchacha20:` and 32 bytes are a key for
/// XChaCha20-Poly1305.
///
/// ```
/// # use swim_core::{CipherKind, Key};
/// let key: Key = "MDEyMzQ1Njc4OWFiY2RlZg==".parse()?;
/// assert_eq!(key, Key::aes(b"0123456789abcdef")?);
/// assert_eq!(key.cipher(), CipherKind::Aes128Gcm);
/// assert_eq!(key.to_string(), key.fingerprint().to_string());
///
/// let other: Key = "xchacha20:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".parse()?;
/// assert_eq!(other, Key::xchacha(*b"0123456789abcdef0123456789abcdef"));
/// # Ok::<(), swim_core::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    cipher: CipherKind,
    /// Boxed, because moving a key would leave copies of it behind.
    bytes: Zeroizing<Box<[u8]>>,
}

impl Key {
    /// Makes a key of 16, 24 or 32 bytes for AES-128, AES-192 or AES-256 in GCM.
    ///
    /// The bytes must come from a cryptographic random generator; do not use a password.
    ///
    /// # Errors
    ///
    /// Any other length.
    pub fn aes(bytes: &[u8]) -> Result<Self, KeyError> {
        let cipher = match bytes.len() {
            16 => CipherKind::Aes128Gcm,
            24 => CipherKind::Aes192Gcm,
            32 => CipherKind::Aes256Gcm,
            size => return Err(KeyError::Size { size }),
        };
        Ok(Key { cipher, bytes: Zeroizing::new(bytes.into()) })
    }

    /// Makes a key for XChaCha20-Poly1305, for the native wire only.
    ///
    /// Its nonces have 24 bytes, enough for any number of random ones, so the key never wears out.
    #[must_use]
    pub fn xchacha(bytes: [u8; XCHACHA_SIZE]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Key {
            cipher: CipherKind::XChaCha20Poly1305,
            bytes: Zeroizing::new(bytes.as_slice().into()),
        }
    }

    /// The cipher of this key.
    #[must_use]
    pub fn cipher(&self) -> CipherKind {
        self.cipher
    }

    /// The key itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A short name that reveals nothing about the key, for logs and to compare keyrings.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut seed = Zeroizing::new([0; 32]);
        seed[..self.bytes.len()].copy_from_slice(&self.bytes);
        // This generator overwrites its state when it is dropped.
        let mut stream = ChaCha20Rng::from_seed(*seed);
        stream.set_stream(FINGERPRINT_STREAM);
        let mut fingerprint = [0; 4];
        stream.fill_bytes(&mut fingerprint);
        Fingerprint(fingerprint)
    }

    /// The key itself as text that parses again. Store it only where nobody else can read it.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(Base64::encode_string(&self.bytes));
        match self.cipher {
            CipherKind::XChaCha20Poly1305 => {
                Zeroizing::new(format!("{XCHACHA_PREFIX}{}", text.as_str()))
            }
            _ => text,
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Ignores white space around the text, because a file ends with a newline.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let for_xchacha = text.strip_prefix(XCHACHA_PREFIX);
        if for_xchacha.is_none() && text.contains(':') {
            return Err(KeyError::Cipher);
        }
        let decoded = Base64::decode_vec(for_xchacha.unwrap_or(text));
        let bytes = Zeroizing::new(decoded.map_err(|_| KeyError::NotBase64)?);
        if for_xchacha.is_none() {
            return Key::aes(&bytes);
        }
        match bytes.as_slice().try_into() {
            Ok(bytes) => Ok(Key::xchacha(bytes)),
            Err(_) => Err(KeyError::Size { size: bytes.len() }),
        }
    }
}

/// Takes the same time wherever two keys differ.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.bytes.iter().zip(other.bytes.iter());
        let difference = pairs.fold(0, |difference, (ours, theirs)| {
            // Keeps the compiler from stopping at the first difference.
            black_box(difference | (ours ^ theirs))
        });
        // Equal ciphers mean equal lengths.
        self.cipher == other.cipher && difference == 0
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {})", self.cipher, self.fingerprint())
    }
}

/// Shows the fingerprint.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fingerprint(), f)
    }
}

/// An algorithm that encrypts and authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CipherKind {
    /// AES with a key of 16 bytes in Galois/Counter mode.
    Aes128Gcm,
    /// AES with a key of 24 bytes in Galois/Counter mode.
    Aes192Gcm,
    /// AES with a key of 32 bytes in Galois/Counter mode.
    Aes256Gcm,
    /// ChaCha20 and Poly1305 with nonces of 24 bytes.
    XChaCha20Poly1305,
}

impl CipherKind {
    /// Whether memberlist supports it. The other ciphers are for the native wire only.
    #[must_use]
    pub const fn is_aes(self) -> bool {
        match self {
            CipherKind::Aes128Gcm | CipherKind::Aes192Gcm | CipherKind::Aes256Gcm => true,
            CipherKind::XChaCha20Poly1305 => false,
        }
    }

    /// The length of the nonce in each packet, in bytes.
    #[must_use]
    pub const fn nonce_size(self) -> usize {
        if self.is_aes() { 12 } else { 24 }
    }
}

impl fmt::Display for CipherKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            CipherKind::Aes128Gcm => "AES-128-GCM",
            CipherKind::Aes192Gcm => "AES-192-GCM",
            CipherKind::Aes256Gcm => "AES-256-GCM",
            CipherKind::XChaCha20Poly1305 => "XChaCha20-Poly1305",
        })
    }
}

/// Why a key is invalid. The messages say what to do, and reveal nothing of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The cipher has no keys of this length.
    Size {
        /// Its size in bytes.
        size: usize,
    },
    /// The text is not standard base64 with padding.
    NotBase64,
    /// The text names an unknown cipher.
    Cipher,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Size { size } => write!(
                f,
                "the key has {size} bytes: use 16, 24 or 32 random bytes for AES, or 32 for \
                 {XCHACHA_PREFIX}"
            ),
            KeyError::NotBase64 => f.write_str(
                "the key is not standard base64 (A-Z a-z 0-9 + / and = at the end): create one \
                 with `head -c 32 /dev/urandom | base64`",
            ),
            KeyError::Cipher => write!(
                f,
                "the key names an unknown cipher: use the prefix {XCHACHA_PREFIX}, or no prefix \
                 for AES"
            ),
        }
    }
}

impl core::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn a_key_survives_being_written_and_read() {
        let keys = [
            Key::aes(&[1; 16]).unwrap(),
            Key::aes(&[2; 24]).unwrap(),
            Key::aes(&[3; 32]).unwrap(),
            Key::xchacha([3; 32]),
        ];
        for key in &keys {
            let text = format!(" {}\n", key.to_text().as_str());
            assert_eq!(text.parse::<Key>().as_ref(), Ok(key));
        }
        assert!(keys[3].to_text().starts_with(XCHACHA_PREFIX));
    }

    #[test]
    fn keys_are_equal_when_all_bytes_and_the_cipher_are() {
        let bytes = [7; 32];
        let key = Key::aes(&bytes).unwrap();
        assert_eq!(key, Key::aes(&bytes).unwrap());
        assert_ne!(key, Key::xchacha(bytes));
        assert_ne!(key, Key::aes(&bytes[..16]).unwrap());
        for place in 0..bytes.len() {
            let mut other = bytes;
            other[place] ^= 0x80;
            assert_ne!(key, Key::aes(&other).unwrap(), "byte {place}");
        }
    }

    #[test]
    fn debug_and_display_show_the_fingerprint_alone() {
        let key = Key::aes(&[0xAB; 16]).unwrap();
        let fingerprint = key.fingerprint().to_string();
        assert_eq!(fingerprint.len(), 8);
        assert_eq!(key.to_string(), fingerprint);
        assert_eq!(format!("{key:?}"), format!("Key(AES-128-GCM, {fingerprint})"));
        assert_ne!(Key::aes(&[0xAC; 16]).unwrap().fingerprint(), key.fingerprint());
        // It appears in people's logs, so it must never change.
        assert_eq!(fingerprint, "7cfef0f0");
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        let size = |size: usize| Key::aes(&vec![0; size]).unwrap_err();
        assert_eq!(size(0), KeyError::Size { size: 0 });
        assert_eq!(size(31), KeyError::Size { size: 31 });
        let parse = |text: &str| text.parse::<Key>().unwrap_err();
        assert_eq!(parse(""), KeyError::Size { size: 0 });
        assert_eq!(parse("c2hvcnQ="), KeyError::Size { size: 5 });
        assert_eq!(parse("xchacha20:MDEyMzQ1Njc4OWFiY2RlZg=="), KeyError::Size { size: 16 });
        assert_eq!(parse("MDEyMzQ1Njc4OWFiY2RlZg"), KeyError::NotBase64);
        assert_eq!(parse("my secret password"), KeyError::NotBase64);
        assert_eq!(parse("aes:MDEyMzQ1Njc4OWFiY2RlZg=="), KeyError::Cipher);
    }
}
