//! The settings that decide how bytes are framed.

use bytes::Bytes;

use crate::config::{Config, Sealing};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::wire::memberlist::StreamLimits;
use crate::wire::{self, Allowance, Format, Labels, SealVersion, Wire};

/// The most bytes of a frame with a user message, without its payload.
const USER_FRAME_OVERHEAD: usize = 512;

/// The settings that a channel follows, and the sizes that result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) wire: Wire,
    pub(super) label: Bytes,
    pub(super) label_also: Option<Bytes>,
    pub(super) compression: bool,
    sealing: Sealing,
    /// Whether to accept plaintext although seals are required.
    takes_plain: bool,
    /// Whether to read compressed input however much work it is.
    reads_all: bool,
    pub(super) seal_version: SealVersion,
    /// The port to use if memberlist's wire gives none.
    pub(super) port: u16,
    pub(super) packet_size_max: usize,
    /// The bytes of messages in a packet, including their overheads, at most.
    pub(super) packet_text_max: usize,
    /// Whether messages and application states on sealed streams of the native wire wait for the
    /// acceptor's greeting, and are refused if they did not.
    pub(super) waits: bool,
    /// Whether each sealed stream gets a new nonce in its greeting.
    pub(super) greets_anew: bool,
    /// The longest frame of the native wire, unsealed.
    pub(super) frame_size_max: usize,
    /// The longest parts of a message on memberlist's streams.
    pub(super) stream_limits: StreamLimits,
}

impl Framing {
    pub(super) fn of(config: &Config) -> Self {
        Framing {
            wire: config.wire,
            label: config.label.clone(),
            label_also: config.label_also.clone(),
            compression: config.compresses(),
            sealing: config.sealing(),
            takes_plain: config.breaks(Sabotage::TakesPlaintext),
            reads_all: config.breaks(Sabotage::ReadsAllThatIsPacked),
            seal_version: config.seal_version(),
            port: config.address.port(),
            packet_size_max: config.packet_size_max,
            packet_text_max: config.packet_text_max(),
            waits: !config.breaks(Sabotage::WaitsForNoGreeting),
            greets_anew: !config.breaks(Sabotage::GreetsAlike),
            frame_size_max: (config.reliable_size_max + USER_FRAME_OVERHEAD)
                .max(wire::PUSH_PULL_FRAME_SIZE_MAX),
            stream_limits: StreamLimits::within(
                config.user_state_size_max,
                config.reliable_size_max,
            ),
        }
    }

    /// The accepted labels of packets and streams.
    #[inline]
    pub(super) fn labels(&self) -> Labels<'_> {
        Labels { own: &self.label, also: self.label_also.as_deref() }
    }

    /// Whether there are keys to open with.
    #[inline]
    pub(super) fn has_keys(&self) -> bool {
        self.sealing.has_keys()
    }

    /// Whether output is sealed.
    #[inline]
    pub(super) fn seals(&self) -> bool {
        self.sealing.seals()
    }

    /// Whether plaintext is dropped.
    #[inline]
    pub(super) fn requires_seals(&self) -> bool {
        self.sealing.requires_seals() && !self.takes_plain
    }

    /// The work that a compressed text of this many received bytes may cause.
    pub(super) fn allowance(&self, received: usize) -> Allowance {
        match self.wire.format() {
            Format::Swim => Allowance::native(self.paid(received)),
            Format::Memberlist(_) => Allowance::memberlist(self.paid(received)),
        }
    }

    /// The new members that a compressed table of this many received bytes may bring.
    pub(super) fn newcomers_max(&self, received: usize) -> usize {
        if self.reads_all { usize::MAX } else { wire::newcomers_max(received) }
    }

    /// The size that this many received bytes count as.
    #[inline]
    pub(super) fn paid(&self, received: usize) -> usize {
        if self.reads_all { usize::MAX } else { received }
    }

    /// Checks whether input is sealed as required.
    #[inline]
    pub(super) fn check_sealed(&self, sealed: bool) -> Result<(), DropReason> {
        match sealed {
            true if !self.has_keys() => Err(DropReason::Sealed),
            false if self.requires_seals() => Err(DropReason::Plaintext),
            _ => Ok(()),
        }
    }
}
