//! Seals output and opens input, for both wire formats.
//!
//! A seal encrypts a text, and authenticates it together with additional data: the header and
//! label, which the receiver knows or reads in the clear.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use bytes::BytesMut;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::consts::U12;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::OpenError;
use crate::config::Config;
use crate::fingerprint::Fingerprint;
use crate::key::{CipherKind, Key};
use crate::keyring::Keyring;
use crate::sabotage::Sabotage;
use crate::wire::{LABEL_SIZE_MAX, SealVersion, memberlist};

type Aes192Gcm = AesGcm<Aes192, U12>;

/// For AES-GCM.
const AES_NONCE_SIZE: usize = 12;
const NONCE_SIZE_MAX: usize = 24;
/// For each cipher.
const TAG_SIZE: usize = 16;
/// A label and its header, two greetings, and the place of a frame, with room to spare.
const ADDITIONAL_SIZE_MAX: usize = LABEL_SIZE_MAX + 45;
/// The generator stream for nonces. The protocol's randomness comes from another stream of the same
/// seed, so that a run takes the same course with keys and without.
const NONCE_STREAM: u64 = 1;

/// Reports a worn AES key at half of the 2^32 seals that NIST SP 800-38D (section 8.3) allows for
/// random nonces of 96 bits. The time left to replace it is then the time that it was used.
const WORN_AT: u64 = 1 << 31;

/// Seals with the primary key of a [`Keyring`], and opens with all of its keys.
///
/// Nonces are random and come from the seed. **Two sealers with the same key must not have the same
/// seed**: a listener could then read their traffic and, with AES, forge more. For the same reason
/// a sealer cannot be cloned.
///
/// ```
/// use bytes::BytesMut;
/// use swim_core::channel::{OpenError, Sealer};
/// use swim_core::wire::SealVersion;
/// use swim_core::{Key, Keyring};
///
/// # let (seed, other_seed) = ([1; 32], [2; 32]);
/// let key = Key::aes(b"0123456789abcdef")?;
/// let mut sealer = Sealer::new(Keyring::new(key.clone()), seed);
/// let mut packet = BytesMut::from("in the clear, then a text");
/// sealer.seal_memberlist_packet(SealVersion::V1, b"staging", &mut packet, 14);
///
/// let receiver = Sealer::new(Keyring::new(key), other_seed);
/// let sealed = &mut packet[14..];
/// assert_eq!(receiver.open_memberlist_packet(b"production", sealed), Err(OpenError::NoKey));
/// assert_eq!(receiver.open_memberlist_packet(b"staging", sealed), Ok(&b"then a text"[..]));
/// # Ok::<(), swim_core::KeyError>(())
/// ```
#[derive(Debug)]
pub struct Sealer {
    ring: Keyring,
    /// The ring's keys in its order, expanded once instead of for each packet.
    ready: Vec<Ready>,
    nonces: ChaCha20Rng,
    /// How many seals it has made, with all keys.
    seals: u64,
    /// Whether to ignore hints.
    tries_every_key: bool,
}

impl Sealer {
    /// Makes a sealer whose nonces come from `seed`.
    ///
    /// Use 32 new bytes of the operating system's random generator each time.
    #[must_use]
    pub fn new(ring: Keyring, seed: [u8; 32]) -> Self {
        let mut nonces = ChaCha20Rng::from_seed(seed);
        nonces.set_stream(NONCE_STREAM);
        let ready = ring.keys().map(Ready::new).collect();
        Sealer { ring, ready, nonces, seals: 0, tries_every_key: false }
    }

    /// The sealer of a node with this configuration.
    pub(super) fn of(config: &Config, seed: [u8; 32]) -> Self {
        let tries_every_key = config.breaks(Sabotage::TriesEveryKey);
        Sealer { tries_every_key, ..Sealer::new(config.keyring.clone(), seed) }
    }

    /// Takes over the keys of this configuration.
    pub(super) fn follow(&mut self, config: &Config) {
        if !self.follows(config) {
            // Expanding a key takes longer than using it.
            self.change(|ring| ring.clone_from(&config.keyring));
        }
    }

    /// Whether it has the keys of this configuration.
    pub(super) fn follows(&self, config: &Config) -> bool {
        self.ring == config.keyring
    }

    /// Installs, uses or removes keys.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Keyring) -> T) -> T {
        let before: Vec<Key> = self.ring.keys().cloned().collect();
        let answer = change(&mut self.ring);
        let mut ready: Vec<Ready> = self.ring.keys().map(Ready::new).collect();
        for (key, now) in self.ring.keys().zip(&mut ready) {
            // A key that stays keeps its wear.
            let place = before.iter().position(|known| known == key);
            if let Some(known) = place.and_then(|place| self.ready.get(place)) {
                now.wear = known.wear;
            }
        }
        self.ready = ready;
        answer
    }

    /// How many seals it has made, with all keys.
    #[must_use]
    pub fn seals(&self) -> u64 {
        self.seals
    }

    /// Pretends that the primary key made this many more seals.
    #[cfg(test)]
    pub(crate) fn wear(&mut self, seals: u64) {
        if let Some(primary) = self.ready.first_mut() {
            primary.wear.seals += seals;
        }
    }

    /// How often the primary key sealed here, once half of its seals may be used up if each of
    /// `members` made as many. Returned once for each key.
    pub(crate) fn take_worn(&mut self, members: usize) -> Option<(Fingerprint, u64)> {
        let key = self.ring.primary().filter(|key| key.cipher().is_aes())?;
        let wear = &mut self.ready.first_mut()?.wear;
        let together = wear.seals.saturating_mul(u64::try_from(members).unwrap_or(u64::MAX));
        if wear.told || together < WORN_AT {
            return None;
        }
        wear.told = true;
        Some((key.fingerprint(), wear.seals))
    }

    /// Seals `out[start..]` in place for a packet of memberlist: version, nonce, ciphertext, tag.
    ///
    /// Nothing is allocated if `out` has room for [`SealVersion::overhead`] more bytes.
    ///
    /// # Panics
    /// If there is no primary key, or it is not for AES; if the label has more than 255 bytes.
    pub fn seal_memberlist_packet(
        &mut self,
        version: SealVersion,
        label: &[u8],
        out: &mut BytesMut,
        start: usize,
    ) {
        let nonce = self.aes_nonce();
        self.seal_packet_with(&nonce, version, label, out, start);
    }

    /// Seals `out[start..]` in place for a stream of memberlist: type, length, sealed bytes.
    ///
    /// # Panics
    /// If the text is empty, because that crashes a memberlist that receives it; and like
    /// [`seal_memberlist_packet`](Self::seal_memberlist_packet).
    pub fn seal_memberlist_stream(
        &mut self,
        version: SealVersion,
        label: &[u8],
        out: &mut BytesMut,
        start: usize,
    ) {
        let nonce = self.aes_nonce();
        self.seal_stream_with(&nonce, version, label, out, start);
    }

    /// Seals `out[start..]` in place for the native wire: nonce, ciphertext, tag.
    ///
    /// Nothing is allocated if `out` has room for [`Sealer::native_overhead`] more bytes.
    ///
    /// # Panics
    /// If there is no key; if `additional` has more than 300 bytes.
    pub fn seal_native(&mut self, additional: &[&[u8]], out: &mut BytesMut, start: usize) {
        let mut nonce = [0; NONCE_SIZE_MAX];
        let nonce = &mut nonce[..self.primary().nonce_size()];
        self.nonces.fill_bytes(nonce);
        self.note_seal();
        if let (NONCE_SIZE_MAX, Some(last)) = (nonce.len(), nonce.last_mut()) {
            *last = self.ready.first().map_or(0, |primary| primary.hint);
        }
        self.seal_with(nonce, &[], additional, out, start);
    }

    /// Opens the sealed part of a packet of memberlist, of either version.
    ///
    /// Returns the text, a part of `sealed`, which may be empty. If no key opens the bytes, they
    /// stay unchanged.
    ///
    /// # Errors
    /// Input that was not sealed with one of the keys and this label.
    pub fn open_memberlist_packet<'a>(
        &self,
        label: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        self.open_memberlist_packet_with(&mut LastKey::default(), label, sealed)
    }

    /// The same, starting with the key that opened last.
    pub(super) fn open_memberlist_packet_with<'a>(
        &self,
        last: &mut LastKey,
        label: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        self.open_memberlist(last, &[label], sealed)
    }

    /// Opens a stream of memberlist, from its type to the end that its length gives.
    ///
    /// Returns the text, a part of `stream`. If no key opens the bytes, they stay unchanged.
    ///
    /// # Errors
    /// Input that was not sealed with one of the keys and this label; an empty text.
    pub fn open_memberlist_stream<'a>(
        &self,
        label: &[u8],
        stream: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        self.open_memberlist_stream_with(&mut LastKey::default(), label, stream)
    }

    /// The same, starting with the key that opened last.
    pub(super) fn open_memberlist_stream_with<'a>(
        &self,
        last: &mut LastKey,
        label: &[u8],
        stream: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        let (header, sealed) =
            stream.split_at_mut_checked(memberlist::SEAL_HEADER_LEN).ok_or(OpenError::TooShort)?;
        match *header {
            [memberlist::SEALED, ref size @ ..] if size == stream_size(sealed.len()) => {}
            _ => return Err(OpenError::TooShort),
        }
        match self.open_memberlist(last, &[header, label], sealed)? {
            [] => Err(OpenError::Empty),
            text => Ok(text),
        }
    }

    /// Opens input that [`seal_native`](Self::seal_native) sealed with the same additional data.
    ///
    /// Returns the text, a part of `sealed`, which may be empty. If no key opens the bytes, they
    /// stay unchanged.
    ///
    /// # Errors
    /// Input that was not sealed with one of the keys and the same additional data.
    ///
    /// # Panics
    /// If `additional` has more than 300 bytes.
    pub fn open_native<'a>(
        &self,
        additional: &[&[u8]],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        self.open_native_with(&mut LastKey::default(), additional, sealed)
    }

    /// The same, starting with the key that opened last.
    pub(super) fn open_native_with<'a>(
        &self,
        last: &mut LastKey,
        additional: &[&[u8]],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        if sealed.is_empty() {
            return Err(OpenError::Empty);
        }
        let text = self.open_with(last, |_| true, additional, sealed)?;
        Ok(&sealed[text])
    }

    /// An unpredictable number, for greetings of [`Channel`](super::Channel).
    pub(super) fn random<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let mut number = [0; SIZE];
        self.nonces.fill_bytes(&mut number);
        number
    }

    /// The keys.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.ring
    }

    /// The bytes that [`seal_native`](Self::seal_native) adds with the primary key.
    ///
    /// # Panics
    /// If there is no key.
    #[must_use]
    pub fn native_overhead(&self) -> usize {
        self.primary().nonce_size() + TAG_SIZE
    }

    fn seal_packet_with(
        &self,
        nonce: &[u8; AES_NONCE_SIZE],
        version: SealVersion,
        label: &[u8],
        out: &mut BytesMut,
        start: usize,
    ) {
        pad(version, out, start);
        self.seal_with(nonce, &[version as u8], &[label], out, start);
    }

    fn seal_stream_with(
        &self,
        nonce: &[u8; AES_NONCE_SIZE],
        version: SealVersion,
        label: &[u8],
        out: &mut BytesMut,
        start: usize,
    ) {
        assert!(out.len() > start, "an empty stream is never sealed");
        pad(version, out, start);
        let [a, b, c, d] = stream_size(SealVersion::V1.overhead() + out.len() - start);
        let header = [memberlist::SEALED, a, b, c, d];
        let head = [memberlist::SEALED, a, b, c, d, version as u8];
        self.seal_with(nonce, &head, &[&header, label], out, start);
    }

    /// Turns the text in `out[start..]` into head, nonce, ciphertext and tag.
    fn seal_with(
        &self,
        nonce: &[u8],
        head: &[u8],
        additional: &[&[u8]],
        out: &mut BytesMut,
        start: usize,
    ) {
        let text_size = out.len() - start;
        let text_start = head.len() + nonce.len();
        out.resize(out.len() + text_start + TAG_SIZE, 0);
        let out = &mut out[start..];
        out.copy_within(..text_size, text_start);
        let (front, rest) = out.split_at_mut(text_start);
        let (head_room, nonce_room) = front.split_at_mut(head.len());
        head_room.copy_from_slice(head);
        nonce_room.copy_from_slice(nonce);
        let (text, tag) = rest.split_at_mut(text_size);
        let mut buffer = [0; ADDITIONAL_SIZE_MAX];
        self.primary().seal(nonce, join(additional, &mut buffer), text, tag);
    }

    fn open_memberlist<'a>(
        &self,
        last: &mut LastKey,
        additional: &[&[u8]],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        let (version, body) = match sealed {
            [] => return Err(OpenError::Empty),
            [0, body @ ..] => (SealVersion::V0, body),
            [1, body @ ..] => (SealVersion::V1, body),
            [_, ..] => return Err(OpenError::Version),
        };
        if body.len() < version.overhead() - 1 {
            return Err(OpenError::TooShort);
        }
        let text = self.open_with(last, Cipher::is_aes, additional, body)?;
        match version {
            SealVersion::V0 => unpad(&body[text]),
            SealVersion::V1 => Ok(&body[text]),
        }
    }

    /// Tries the keys of the ciphers that `fits` selects, starting with the key that opened last.
    /// Returns the place of the text.
    fn open_with(
        &self,
        last: &mut LastKey,
        fits: impl Fn(&Cipher) -> bool,
        additional: &[&[u8]],
        body: &mut [u8],
    ) -> Result<Range<usize>, OpenError> {
        let mut buffer = [0; ADDITIONAL_SIZE_MAX];
        let additional = join(additional, &mut buffer);
        let mut failure = OpenError::TooShort;
        let LastKey(first) = *last;
        let others = (0..self.ready.len()).filter(|&place| place != first);
        for place in core::iter::once(first).chain(others) {
            let Some(ready) = self.ready.get(place).filter(|ready| fits(&ready.cipher)) else {
                continue;
            };
            let cipher = &ready.cipher;
            let start = cipher.nonce_size();
            let Some(end) = body.len().checked_sub(TAG_SIZE).filter(|&end| end >= start) else {
                continue;
            };
            let (nonce, rest) = body.split_at_mut(start);
            let is_hinted = start < NONCE_SIZE_MAX || nonce.last() == Some(&ready.hint);
            if !is_hinted && !self.tries_every_key {
                failure = OpenError::NoKey;
                continue;
            }
            let (text, tag) = rest.split_at_mut(end - start);
            if cipher.open(nonce, additional, text, tag) {
                *last = LastKey(place);
                return Ok(start..end);
            }
            failure = OpenError::NoKey;
        }
        Err(failure)
    }

    fn primary(&self) -> &Cipher {
        &self.ready.first().expect("nothing is sealed without a key").cipher
    }

    fn aes_nonce(&mut self) -> [u8; AES_NONCE_SIZE] {
        self.note_seal();
        self.random()
    }

    /// The primary key is about to seal.
    #[inline]
    fn note_seal(&mut self) {
        self.seals += 1;
        if let Some(primary) = self.ready.first_mut() {
            primary.wear.seals += 1;
        }
    }
}

/// The place of the key that opened last. It is tried first: while keys are replaced, it is rarely
/// the first of the ring, and trying a wrong key takes as long as opening.
#[derive(Debug, Default)]
pub(super) struct LastKey(usize);

/// An expanded key, and its wear.
#[derive(Debug)]
struct Ready {
    cipher: Cipher,
    /// The first byte of its fingerprint. A nonce for XChaCha20 ends with it, so that a receiver
    /// tries no other key: trying one takes more instructions than the shortest packets pay for.
    /// The other 23 bytes are random, so that nonces still do not repeat.
    hint: u8,
    wear: Wear,
}

/// The use of a key.
#[derive(Clone, Copy, Debug, Default)]
struct Wear {
    /// How often it sealed here.
    seals: u64,
    /// Its wear was reported.
    told: bool,
}

impl Ready {
    fn new(key: &Key) -> Self {
        let [hint, ..] = key.fingerprint().to_bytes();
        Ready { cipher: Cipher::new(key), hint, wear: Wear::default() }
    }
}

/// An expanded key.
#[derive(Debug)]
enum Cipher {
    Aes128(Box<Aes128Gcm>),
    Aes192(Box<Aes192Gcm>),
    Aes256(Box<Aes256Gcm>),
    XChaCha20(Box<XChaCha20Poly1305>),
}

impl Cipher {
    fn new(key: &Key) -> Self {
        match key.cipher() {
            CipherKind::Aes128Gcm => Cipher::Aes128(prepare(key)),
            CipherKind::Aes192Gcm => Cipher::Aes192(prepare(key)),
            CipherKind::Aes256Gcm => Cipher::Aes256(prepare(key)),
            CipherKind::XChaCha20Poly1305 => Cipher::XChaCha20(prepare(key)),
        }
    }

    fn is_aes(&self) -> bool {
        !matches!(self, Cipher::XChaCha20(_))
    }

    fn nonce_size(&self) -> usize {
        match self {
            Cipher::Aes128(_) | Cipher::Aes192(_) | Cipher::Aes256(_) => AES_NONCE_SIZE,
            Cipher::XChaCha20(_) => NONCE_SIZE_MAX,
        }
    }

    fn seal(&self, nonce: &[u8], additional: &[u8], text: &mut [u8], tag: &mut [u8]) {
        match self {
            Cipher::Aes128(cipher) => seal(&**cipher, nonce, additional, text, tag),
            Cipher::Aes192(cipher) => seal(&**cipher, nonce, additional, text, tag),
            Cipher::Aes256(cipher) => seal(&**cipher, nonce, additional, text, tag),
            Cipher::XChaCha20(cipher) => seal(&**cipher, nonce, additional, text, tag),
        }
    }

    fn open(&self, nonce: &[u8], additional: &[u8], text: &mut [u8], tag: &[u8]) -> bool {
        match self {
            Cipher::Aes128(cipher) => open(&**cipher, nonce, additional, text, tag),
            Cipher::Aes192(cipher) => open(&**cipher, nonce, additional, text, tag),
            Cipher::Aes256(cipher) => open(&**cipher, nonce, additional, text, tag),
            Cipher::XChaCha20(cipher) => open(&**cipher, nonce, additional, text, tag),
        }
    }
}

fn prepare<C: KeyInit>(key: &Key) -> Box<C> {
    let cipher = C::new_from_slice(key.as_bytes());
    Box::new(cipher.expect("a key is as long as its cipher wants it"))
}

fn seal<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8],
    additional: &[u8],
    text: &mut [u8],
    tag: &mut [u8],
) {
    let nonce = <&Nonce<C>>::try_from(nonce).expect("the primary key's cipher is the format's");
    let made = cipher.encrypt_inout_detached(nonce, additional, text.into());
    tag.copy_from_slice(&made.expect("nothing here is as long as 64 GiB"));
}

/// Whether the text is authentic. Only an authentic text is decrypted.
fn open<C: AeadInOut>(
    cipher: &C,
    nonce: &[u8],
    additional: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> bool {
    let (Ok(nonce), Ok(tag)) = (<&Nonce<C>>::try_from(nonce), <&Tag<C>>::try_from(tag)) else {
        return false;
    };
    cipher.decrypt_inout_detached(nonce, additional, text.into(), tag).is_ok()
}

/// Joins the parts into one slice, as the ciphers require.
fn join<'a>(parts: &[&[u8]], buffer: &'a mut [u8; ADDITIONAL_SIZE_MAX]) -> &'a [u8] {
    let mut end = 0;
    for part in parts {
        let start = end;
        end += part.len();
        buffer[start..end].copy_from_slice(part);
    }
    &buffer[..end]
}

/// The length field of a memberlist stream.
fn stream_size(sealed: usize) -> [u8; 4] {
    // Both sides refuse such long streams far earlier; a truncated length opens nothing.
    u32::try_from(sealed).unwrap_or(u32::MAX).to_be_bytes()
}

fn pad(version: SealVersion, out: &mut BytesMut, start: usize) {
    if version == SealVersion::V0 {
        let padding = SealVersion::BLOCK_SIZE - (out.len() - start) % SealVersion::BLOCK_SIZE;
        let byte = u8::try_from(padding).expect("1 to 16");
        out.resize(out.len() + padding, byte);
    }
}

/// Only the last byte counts, as in memberlist. memberlist takes any number, but crashes if it is
/// longer than the text.
fn unpad(text: &[u8]) -> Result<&[u8], OpenError> {
    let padding = text.last().map_or(0, |&byte| usize::from(byte));
    let size = text.len().checked_sub(padding).ok_or(OpenError::Padding)?;
    Ok(&text[..size])
}

#[cfg(feature = "memberlist")]
#[cfg(test)]
mod tests;
