//! Why a command was refused: a small enum for each kind of command.

use core::fmt;

#[cfg(feature = "encryption")]
use crate::keyring::KeyringError;

/// Why a [`Config`](crate::Config) cannot work. Each message names the setting and its valid range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The node's name has control or invisible characters, which people cannot read or type.
    UnprintableName,
    /// The announced address is unspecified (`0.0.0.0`, `::`), so no peer could reach it.
    UnspecifiedAddress,
    /// The announced port is 0.
    NoPort,
    /// The metadata is longer than `meta_size_max`.
    MetaTooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The label is longer than 255 bytes.
    LabelTooLong {
        /// Its size in bytes.
        size: usize,
    },
    /// A version range is out of order, or its protocol versions are not supported on the chosen
    /// wire.
    Versions {
        /// The lowest protocol version that is supported there.
        min: u8,
        /// The highest one.
        max: u8,
    },
    /// A key is for a cipher that memberlist does not have.
    Cipher,
    /// A setting is outside its valid range.
    OutOfRange {
        /// The setting's name in `Config`.
        setting: &'static str,
        /// The valid range.
        must: &'static str,
        /// The other settings of `Config` that `must` names.
        beside: &'static [&'static str],
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::UnprintableName => f.write_str(
                "the node's name has control or invisible characters: choose printable ones",
            ),
            ConfigError::UnspecifiedAddress => f.write_str(
                "the advertised address is unspecified (0.0.0.0 or ::), and peers cannot reach \
                 this node there: set an advertise address",
            ),
            ConfigError::NoPort => {
                f.write_str("the advertised port is 0: set the port that peers can reach")
            }
            ConfigError::MetaTooLarge { size, max } => {
                write!(f, "the metadata has {size} bytes, but meta_size_max allows only {max}")
            }
            ConfigError::LabelTooLong { size } => {
                write!(f, "the cluster label has {size} bytes: use at most 255 bytes")
            }
            ConfigError::Versions { min, max } => write!(
                f,
                "a version range is invalid: use min <= current <= max, and protocol versions from \
                 {min} to {max} on this wire"
            ),
            ConfigError::Cipher => f.write_str(
                "memberlist's wire supports only AES keys (16, 24 or 32 bytes): create one with \
                 `swim keygen`",
            ),
            ConfigError::OutOfRange { setting, must, .. } => write!(f, "{setting} must be {must}"),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why a command was refused. A refused command starts nothing and gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The node has left or is leaving the cluster. Join again first.
    NotRunning,
    /// Another node has this node's name. This node takes part once the name is free; see
    /// [`Failure::NameTaken`](crate::Failure::NameTaken).
    NameTaken,
    /// No member of that name is known, or it has failed or left.
    UnknownMember,
    /// The named member is alive or suspect.
    StillLive,
    /// The named member is this node itself.
    OwnName,
    /// The payload is too large.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The keyring does not allow this change.
    #[cfg(feature = "encryption")]
    Keyring(KeyringError),
    /// The key is for a cipher that memberlist does not have.
    Cipher,
    /// With that label or key, the longest messages would not fit into `packet_size_max`.
    PacketTooSmall,
    /// A queue or table that the command needs is full. Try again later.
    Busy {
        /// The name of its limit in `Config`.
        limit: &'static str,
    },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::NotRunning => {
                f.write_str("this node has left the cluster: join again first")
            }
            CommandError::NameTaken => f.write_str(
                "another node has this node's name; this node takes part once the name is free",
            ),
            CommandError::UnknownMember => f.write_str("no live member of that name is known"),
            CommandError::StillLive => f.write_str("that member is still alive or suspect"),
            CommandError::OwnName => f.write_str("that is this node's own name"),
            CommandError::TooLarge { size, max } => {
                write!(f, "{size} bytes are too many: at most {max} fit")
            }
            #[cfg(feature = "encryption")]
            CommandError::Keyring(error) => error.fmt(f),
            CommandError::Cipher => ConfigError::Cipher.fmt(f),
            CommandError::PacketTooSmall => f.write_str(
                "the longest messages would no longer fit into a packet: raise packet_size_max, or \
                 lower meta_size_max",
            ),
            CommandError::Busy { limit } => {
                write!(f, "the node is busy: {limit} is reached; try again later")
            }
        }
    }
}

impl core::error::Error for CommandError {}

/// Why an incoming stream was refused. The adapter closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// `streams_max` incoming streams are open, and none has to give way.
    TooManyStreams,
    /// `streams_per_source_max` streams are open from this IPv4 address, or this IPv6 /64 network.
    TooManyFromSource,
    /// The address is in none of `allowed_networks`.
    NotAllowed,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::TooManyStreams => f.write_str("too many streams are open"),
            Refused::TooManyFromSource => f.write_str("too many streams from this address"),
            Refused::NotAllowed => f.write_str("the address is not in allowed_networks"),
        }
    }
}

impl core::error::Error for Refused {}

/// Checks the size of a command's payload.
pub(crate) fn at_most(size: usize, max: usize) -> Result<(), CommandError> {
    if size > max { Err(CommandError::TooLarge { size, max }) } else { Ok(()) }
}
