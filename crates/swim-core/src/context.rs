//! The lower layers that all parts of a node use.

use alloc::boxed::Box;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::address::canonical;
use crate::channel::Channel;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::CommandError;
use crate::hooks::Hooks;
use crate::output::{Answer, Event, Failure, PacketKind, RequestId, TlsFault};
use crate::outputs::Outputs;
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind, Stats};
use crate::time::Instant;
use crate::wire::Message;

/// Settings, time, randomness, counters and outputs, passed down to the parts that need them. Each
/// field owns its state; none owns protocol state.
#[derive(Debug)]
pub(crate) struct Context {
    /// Only commands of the node change it.
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) stats: Stats,
    pub(crate) outputs: Outputs,
    pub(crate) channel: Channel,
    pub(crate) hooks: Box<dyn Hooks>,
}

impl Context {
    /// The node's time.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.outputs.emit(&self.config, event);
    }

    /// Accepts a command, which then gets exactly one answer.
    pub(crate) fn begin_request(&mut self) -> Result<RequestId, CommandError> {
        self.outputs.begin_request(&self.config)
    }

    pub(crate) fn answer(&mut self, request: RequestId, result: Result<Answer, Failure>) {
        self.outputs.answer(&self.config, request, result);
    }

    /// Counts input that was dropped for a common and harmless reason.
    #[inline]
    pub(crate) fn drop_quietly(&mut self, reason: DropReason) {
        self.stats.drops[reason] += 1;
    }

    /// Counts input that was dropped for a reason to look into, and reports the first of its kind
    /// from a host.
    pub(crate) fn report_drop(&mut self, from: SocketAddr, reason: DropReason, stream: bool) {
        self.stats.drops[reason] += 1;
        self.outputs.bad_input(self.clock.now(), from, reason, stream);
    }

    /// Counts a connection on which TLS failed and reports it.
    pub(crate) fn report_tls(&mut self, peer: SocketAddr, dialled: bool, fault: TlsFault) {
        self.stats.tls_failures += 1;
        self.outputs.tls_failed(self.clock.now(), peer, dialled, fault);
    }

    /// Counts a message that was written to a packet or stream.
    #[inline]
    pub(crate) fn count_sent(&mut self, kind: MessageKind) {
        self.stats.sent[kind] += 1;
    }

    /// Sends a datagram, unless it is empty.
    #[inline]
    pub(crate) fn send(&mut self, to: SocketAddr, payload: Option<Bytes>, kind: PacketKind) {
        let Some(payload) = payload else {
            return;
        };
        debug_assert!(
            payload.len() <= self.config.packet_size_max
                || self.config.breaks(Sabotage::OverfillsPackets)
        );
        self.stats.packets_sent += 1;
        self.stats.packet_bytes_sent += payload.len() as u64;
        self.outputs.packet(canonical(to), payload, kind);
    }

    /// Sends a datagram with one message.
    pub(crate) fn send_message(&mut self, to: SocketAddr, message: &Message<'_>) {
        let mut draft = self.channel.datagram();
        draft.append(message);
        let payload = draft.into_datagram(false);
        self.count_sent(message.kind());
        self.send(to, payload, packet_kind(message.kind()));
    }

    /// Sends a datagram with the first of these messages, and as many others as fit.
    pub(crate) fn send_messages(&mut self, to: SocketAddr, messages: &[Message<'_>]) {
        let mut draft = self.channel.datagram();
        for message in messages {
            self.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(message));
        }
        let payload = draft.into_datagram(false);
        self.send(to, payload, PacketKind::News);
    }
}

/// The kind of a packet with only this message.
fn packet_kind(message: MessageKind) -> PacketKind {
    match message {
        MessageKind::Ping | MessageKind::IndirectPing => PacketKind::Probe,
        MessageKind::Ack | MessageKind::Nack => PacketKind::Answer,
        _ => PacketKind::News,
    }
}
