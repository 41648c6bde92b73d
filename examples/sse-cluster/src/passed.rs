//! Messages between nodes: JSON, each after its length, and sealed if the cluster has a key.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use swim_driver::RuntimeHandle;

use crate::log::Entry;
use crate::message::{Message, Target};

/// Largest message in bytes: an event of 64 KiB, escaped, and the fields around it.
pub(crate) const PASSED_MAX: usize = 512 << 10;

/// A message from a publisher to its followers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Passed {
    /// Next come the events of this life after `last`.
    From {
        /// The life.
        life: u64,
        /// The number of the last event before those.
        last: u64,
    },
    /// An event.
    Event {
        /// Its number.
        number: u64,
        /// Its receivers.
        target: Target,
        /// The event.
        message: Message,
    },
    /// The connection is alive.
    Heartbeat,
}

impl Passed {
    /// Makes the message for an event.
    #[must_use]
    pub(crate) fn event(entry: &Entry) -> Self {
        let Entry { number, target, message } = entry.clone();
        Passed::Event { number, target, message }
    }
}

/// Writes the messages of one connection.
pub(crate) struct Writer {
    seal: Option<Seal>,
}

/// Reads the messages of one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    seal: Option<Seal>,
    unread: Vec<u8>,
}

/// Seals or opens the messages of one connection, in order. The seal covers a challenge that the
/// reader drew, so a recording of another connection does not open.
struct Seal {
    cipher: XChaCha20Poly1305,
    challenge: u64,
    number: u64,
}

/// Bytes of a nonce.
const NONCE: usize = 24;

impl Seal {
    fn new(key: &[u8; 32], challenge: u64) -> Self {
        Seal { cipher: XChaCha20Poly1305::new(key.into()), challenge, number: 0 }
    }

    /// Returns the associated data of the next message: its connection and its place there.
    fn place(&mut self) -> [u8; 16] {
        self.number += 1;
        (u128::from(self.challenge) << 64 | u128::from(self.number)).to_be_bytes()
    }
}

impl Writer {
    /// Makes the writer of a connection with this challenge.
    #[must_use]
    pub(crate) fn new(key: Option<&[u8; 32]>, challenge: u64) -> Self {
        Writer { seal: key.map(|key| Seal::new(key, challenge)) }
    }

    /// Appends a message after its length.
    pub(crate) fn write(&mut self, runtime: &RuntimeHandle, passed: &Passed, out: &mut Vec<u8>) {
        let mut bytes = serde_json::to_vec(passed).expect("texts and numbers are JSON");
        if let Some(seal) = &mut self.seal {
            let mut nonce = [0; NONCE];
            runtime.fill_random(&mut nonce).expect("a node was started with random bytes");
            let payload = Payload { msg: &bytes, aad: &seal.place() };
            let sealed = seal.cipher.encrypt(&XNonce::from(nonce), payload);
            let sealed = sealed.expect("it is far shorter than the cipher's limit");
            bytes = [nonce.as_slice(), &sealed].concat();
        }
        let length = u32::try_from(bytes.len()).expect("an event is shorter than 4 GiB");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// The bytes are not a publisher's message, or are not sealed with this node's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Reader {
    /// Makes the reader of a connection with this challenge.
    #[must_use]
    pub(crate) fn new(key: Option<&[u8; 32]>, challenge: u64) -> Self {
        Reader { seal: key.map(|key| Seal::new(key, challenge)), unread: Vec::new() }
    }

    /// Adds received bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// Returns the next complete message.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]. Nothing further can be read on this connection.
    pub(crate) fn next(&mut self) -> Result<Option<Passed>, Unreadable> {
        let Some((length, rest)) = self.unread.split_first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > PASSED_MAX {
            return Err(Unreadable);
        }
        let Some(bytes) = rest.get(..length) else {
            return Ok(None);
        };
        let passed = match &mut self.seal {
            Some(seal) => {
                let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
                let payload = Payload { msg: sealed, aad: &seal.place() };
                let opened = seal.cipher.decrypt(&XNonce::from(*nonce), payload);
                serde_json::from_slice(&opened.map_err(|_| Unreadable)?)
            }
            None => serde_json::from_slice(bytes),
        };
        self.unread.drain(..4 + length);
        passed.map(Some).map_err(|_| Unreadable)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("number", &self.number).finish_non_exhaustive()
    }
}
