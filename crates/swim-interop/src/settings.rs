//! The settings of a member.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use base16ct::lower::encode_string as hex;

use crate::program::Program;
use crate::wait::LIMIT;

/// A key of 32 bytes, in hexadecimal.
pub const KEY: &str = "5a4f1d7c0be7a2936ec81f40d5b97a3386cf12e4907d5b6a1c2e8f3049b7d610";

/// Another key of 32 bytes.
pub const OTHER_KEY: &str = "c01d5eed00112233445566778899aabbccddeeff102132435465768798a9bacb";

const KEY_OF_24: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978";
const KEY_OF_16: &str = "7f6e5d4c3b2a1908f7e6d5c4b3a29180";

/// How messages are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Only compressed: memberlist's default.
    Plain,
    /// Encrypted with AES-256.
    Key,
    /// Encrypted with AES-192, and labelled.
    KeyAndLabel,
    /// Neither encrypted nor compressed.
    Uncompressed,
    /// Encrypted with AES-128, as in protocol version 1.
    OldEncryption,
}

impl Framing {
    /// All of them.
    pub const ALL: [Framing; 5] = [
        Framing::Plain,
        Framing::Key,
        Framing::KeyAndLabel,
        Framing::Uncompressed,
        Framing::OldEncryption,
    ];

    /// The framings with a key.
    pub const KEYED: [Framing; 3] = [Framing::Key, Framing::KeyAndLabel, Framing::OldEncryption];

    /// Returns the key, in hexadecimal.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        match self {
            Framing::Plain | Framing::Uncompressed => None,
            Framing::Key => Some(KEY),
            Framing::KeyAndLabel => Some(KEY_OF_24),
            Framing::OldEncryption => Some(KEY_OF_16),
        }
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Framing::Plain => "plain",
            Framing::Key => "key",
            Framing::KeyAndLabel => "key_and_label",
            Framing::Uncompressed => "uncompressed",
            Framing::OldEncryption => "old_encryption",
        })
    }
}

/// The settings of a member of either kind. See the README of `go-peer`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program that runs it.
    pub program: Program,
    /// Its name.
    pub name: String,
    /// The address to listen on.
    pub bind: SocketAddr,
    /// Its timing: `local` or `lan`.
    pub profile: &'static str,
    /// Its keys in hexadecimal, the primary one first.
    pub keys: Vec<String>,
    /// With a key: `off`, `outgoing` or `required`.
    pub encryption: &'static str,
    /// Its cluster's label.
    pub label: &'static str,
    /// Whether it compresses outgoing messages.
    pub compression: bool,
    /// The protocol version that it speaks.
    pub protocol: u8,
    /// The application's versions: lowest, highest and current.
    pub application_versions: [u8; 3],
    /// The time after its death when a member may return at another address.
    ///
    /// `None`: only once it is forgotten.
    pub reclaim: Option<Duration>,
    /// How long a dead member is remembered, if not as in the profile.
    pub gossip_to_the_dead: Option<Duration>,
    /// The time between two push/pulls, if not as in the profile.
    pub push_pull: Option<Duration>,
    /// Limit of an exchange over a stream.
    ///
    /// The local profile's 1 s is too short for 19 MiB on a busy machine.
    pub stream_timeout: Duration,
    /// Whether it pings over a stream if datagrams are not answered.
    pub stream_ping: bool,
    /// Its metadata.
    pub meta: Vec<u8>,
    /// Its state for push/pulls.
    pub user_state: Vec<u8>,
}

impl Settings {
    /// Returns settings of the local profile.
    #[must_use]
    pub fn new(program: &Program, name: &str, bind: SocketAddr, framing: Framing) -> Self {
        Settings {
            program: program.clone(),
            name: name.into(),
            bind,
            profile: "local",
            keys: framing.key().into_iter().map(Into::into).collect(),
            encryption: "required",
            label: if framing == Framing::KeyAndLabel { "interop" } else { "" },
            compression: framing != Framing::Uncompressed,
            protocol: if framing == Framing::OldEncryption { 1 } else { 2 },
            application_versions: [0; 3],
            reclaim: None,
            gossip_to_the_dead: None,
            push_pull: None,
            stream_timeout: LIMIT / 4,
            stream_ping: true,
            meta: Vec::new(),
            user_state: Vec::new(),
        }
    }

    /// Returns the arguments for either program.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let [min, max, current] = self.application_versions;
        let mut arguments = vec![
            format!("-name={}", self.name),
            format!("-bind={}", self.bind.ip()),
            format!("-port={}", self.bind.port()),
            format!("-profile={}", self.profile),
            format!("-encryption={}", self.encryption),
            format!("-label={}", self.label),
            format!("-compression={}", self.compression),
            format!("-protocol={}", self.protocol),
            format!("-application-versions={min},{max},{current}"),
            format!("-stream-timeout={}ms", self.stream_timeout.as_millis()),
            format!("-stream-ping={}", self.stream_ping),
            format!("-meta={}", hex(&self.meta)),
            format!("-user-state={}", hex(&self.user_state)),
        ];
        for (argument, time) in [
            ("reclaim", self.reclaim),
            ("gossip-to-the-dead", self.gossip_to_the_dead),
            ("push-pull", self.push_pull),
        ] {
            arguments.extend(time.map(|time| format!("-{argument}={}ms", time.as_millis())));
        }
        arguments
    }
}
