//! What of a configuration decides how bytes are framed.

use bytes::Bytes;

use crate::config::{Config, Sealing};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::wire::memberlist::StreamLimits;
use crate::wire::{self, Allowance, Format, Labels, SealVersion, Wire};

/// What a frame with a user message holds besides the payload, at most.
const USER_FRAME_OVERHEAD: usize = 512;

/// The settings that a channel follows, and the sizes that follow from them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framing {
    pub(super) wire: Wire,
    pub(super) label: Bytes,
    pub(super) label_also: Option<Bytes>,
    pub(super) compression: bool,
    sealing: Sealing,
    /// Whether what is not sealed is taken although it has to be.
    takes_plain: bool,
    /// Whether what is compressed may be any work.
    reads_all: bool,
    pub(super) seal_version: SealVersion,
    /// Stands for the port where memberlist's wire gives none.
    pub(super) port: u16,
    pub(super) packet_size_max: usize,
    /// How many bytes of messages, with what each of them costs besides, a packet may hold.
    pub(super) packet_text_max: usize,
    /// On the native wire, messages and application states on sealed streams wait for the greeting
    /// of the acceptor, and are taken only if they did.
    pub(super) waits: bool,
    /// Each sealed stream is greeted on with another number.
    pub(super) greets_anew: bool,
    /// The longest frame of the native wire, before it is sealed.
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

    /// The labels of packets and streams that are accepted.
    #[inline]
    pub(super) fn labels(&self) -> Labels<'_> {
        Labels { own: &self.label, also: self.label_also.as_deref() }
    }

    /// Whether there are keys to open with.
    #[inline]
    pub(super) fn has_keys(&self) -> bool {
        self.sealing.has_keys()
    }

    /// Whether what is sent is sealed.
    #[inline]
    pub(super) fn seals(&self) -> bool {
        self.sealing.seals()
    }

    /// Whether what is not sealed is dropped.
    #[inline]
    pub(super) fn requires_seals(&self) -> bool {
        self.sealing.requires_seals() && !self.takes_plain
    }

    /// What a compressed text may be as work that came in so many bytes.
    pub(super) fn allowance(&self, received: usize) -> Allowance {
        match self.wire.format() {
            Format::Swim => Allowance::native(self.paid(received)),
            Format::Memberlist(_) => Allowance::memberlist(self.paid(received)),
        }
    }

    /// How many new members a compressed table may bring that came in so many bytes.
    pub(super) fn newcomers_max(&self, received: usize) -> usize {
        if self.reads_all { usize::MAX } else { wire::newcomers_max(received) }
    }

    /// How many bytes what came in so many counts as.
    #[inline]
    pub(super) fn paid(&self, received: usize) -> usize {
        if self.reads_all { usize::MAX } else { received }
    }

    /// Whether what is sealed, or is not, is so as required.
    #[inline]
    pub(super) fn check_sealed(&self, sealed: bool) -> Result<(), DropReason> {
        match sealed {
            true if !self.has_keys() => Err(DropReason::Sealed),
            false if self.requires_seals() => Err(DropReason::Plaintext),
            _ => Ok(()),
        }
    }
}
