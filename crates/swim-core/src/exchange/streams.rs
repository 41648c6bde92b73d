//! Opening, accepting and ending streams, and taking in what comes on them.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::{Exchange, Purpose};
use crate::address::canonical;
use crate::channel::{Received, Rejected, Side};
use crate::context::Context;
use crate::error::Refused;
use crate::members::{Members, Slot};
use crate::output::{Answer, Failure, RequestId, StreamId, StreamInput, StreamOp};
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Frame, Message, Ping, User, Wire, memberlist};

/// Each this many bytes, in either direction, give an exchange one more second: about 2 Mbit/s, so
/// that a large transfer over a slow line is not cut off, while a peer that trickles bytes is.
const BYTES_PER_EXTRA_SECOND: usize = 256 << 10;

/// A peer's complete part of an exchange.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) stream: StreamId,
    pub(crate) peer: SocketAddr,
    /// What the stream is for.
    pub(crate) purpose: Purpose,
    pub(crate) received: Received,
}

impl Exchange {
    // Opening.

    /// Whether to take a connection that a peer opened.
    pub(crate) fn accept(
        &mut self,
        cx: &mut Context,
        from: SocketAddr,
    ) -> Result<StreamId, Refused> {
        if !cx.config.allows(from.ip()) {
            cx.report_drop(from, DropReason::NotAllowed, true);
            return Err(Refused::NotAllowed);
        }
        if self.table.incoming_from(from.ip()) >= cx.config.streams_per_source_max {
            cx.drop_quietly(DropReason::StreamRefused);
            return Err(Refused::TooManyFromSource);
        }
        if self.table.incoming() >= cx.config.streams_max {
            // Whoever connects and says nothing makes way for somebody who may have something to
            // say; the oldest of them has had the most time.
            let silent = self.table.oldest_silent();
            cx.drop_quietly(DropReason::StreamRefused);
            match silent {
                Some(id) => self.abort(cx, id),
                None => return Err(Refused::TooManyStreams),
            }
        }
        cx.stats.streams_accepted += 1;
        let deadline = cx.now() + cx.config.stream_timeout;
        Ok(self.table.add(from, Purpose::Incoming, deadline))
    }

    /// Pings a member over a stream, as part of a probe.
    pub(crate) fn ping(
        &mut self,
        cx: &mut Context,
        members: &Members,
        target: Slot,
        sequence: u32,
    ) -> StreamId {
        let entry = members.entry(target);
        let source = cx.config.name.as_str();
        let reply_to = cx.config.reply_to();
        let ping = Ping { sequence, target: entry.name(), source, reply_to };
        let framed = cx.channel.framed(|wire, out| match wire {
            Wire::Swim => Frame::Ping(ping).encode(out),
            Wire::Memberlist => wire.encode(&Message::Ping(ping), out),
        });
        cx.count_sent(MessageKind::Ping);
        let bytes = cx.channel.sealed(Side::Dialler, None, framed);
        self.open(cx, entry.address(), Purpose::Ping { sequence }, bytes)
    }

    /// Sends a reliable message.
    pub(crate) fn send_message(
        &mut self,
        cx: &mut Context,
        to: SocketAddr,
        payload: &[u8],
        request: RequestId,
    ) {
        let message = User { from: cx.config.name.as_str(), payload };
        let framed = cx.channel.framed(|wire, out| match wire {
            Wire::Swim => Frame::User(message).encode(out),
            Wire::Memberlist => memberlist::encode_user(message.payload, out),
        });
        cx.count_sent(MessageKind::User);
        let bytes = cx.channel.sealed(Side::Dialler, None, framed);
        self.open(cx, to, Purpose::Message { request }, bytes);
    }

    /// Opens a stream, on which `bytes` are all that this side sends.
    pub(super) fn open(
        &mut self,
        cx: &mut Context,
        to: SocketAddr,
        purpose: Purpose,
        bytes: Bytes,
    ) -> StreamId {
        cx.stats.streams_opened += 1;
        let time = cx.config.stream_timeout + extra_time(bytes.len());
        let id = self.table.add(to, purpose, cx.now() + time);
        cx.outputs.stream(id, StreamOp::Open { to: canonical(to) });
        send_all(cx, id, bytes);
        id
    }

    // Input.

    /// Takes news about a stream. Returns the peer's part of the exchange once it is complete.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        input: StreamInput<'_>,
    ) -> Option<Arrived> {
        let stream = self.table.get(id)?;
        let (purpose, is_silent) = (stream.purpose(), stream.received() == 0);
        match input {
            StreamInput::Opened => {}
            StreamInput::Data(_) if purpose == Purpose::Answered => {}
            StreamInput::Data(data) => return self.receive_data(cx, id, data),
            StreamInput::Finished if purpose == Purpose::Answered => {
                self.table.remove(id);
            }
            StreamInput::Finished => self.receive_end(cx, id, purpose, is_silent),
            StreamInput::Failed => {
                self.table.remove(id);
                report_failure(cx, purpose, Failure::Unreachable);
            }
        }
        None
    }

    /// The peer ended its side before its part was complete.
    fn receive_end(&mut self, cx: &mut Context, id: StreamId, purpose: Purpose, is_silent: bool) {
        match purpose {
            // Memberlist acknowledges no message: whoever takes one closes the stream.
            Purpose::Message { request } if is_silent && cx.config.wire == Wire::Memberlist => {
                self.close(cx, id);
                cx.answer(request, Ok(Answer::Delivered));
            }
            _ if is_silent => self.fail(cx, id, Failure::Refused),
            _ => {
                cx.drop_quietly(DropReason::Truncated);
                self.fail(cx, id, Failure::BadAnswer { reason: DropReason::Truncated });
            }
        }
    }

    fn receive_data(&mut self, cx: &mut Context, id: StreamId, data: &[u8]) -> Option<Arrived> {
        cx.stats.stream_bytes_received += data.len() as u64;
        let before = self.table.get(id)?.received();
        if self.table.buffered() + data.len() > cx.config.stream_buffer_max {
            self.reject(cx, id, DropReason::TooLarge);
            return None;
        }
        self.table.push(id, data);
        let more_time = extra_time(before + data.len()) - extra_time(before);
        if !more_time.is_zero() {
            self.table.extend_deadline(id, more_time);
        }
        let (channel, room) = (&mut cx.channel, cx.config.stream_buffer_max);
        let half = self.table.read(id, |buffer, side, buffered| {
            channel.read_half(buffer, side, room.saturating_sub(buffered))
        })?;
        match half {
            Ok(Some(received)) => {
                let stream = self.table.get(id)?;
                let (peer, purpose) = (stream.peer(), stream.purpose());
                return Some(Arrived { stream: id, peer, purpose, received });
            }
            Ok(None) => {}
            Err(Rejected { reason, told: true }) => self.complain_back(cx, id, reason),
            Err(Rejected { reason, .. }) => self.reject(cx, id, reason),
        }
        None
    }

    // The end.

    /// Gives up those streams whose time is over.
    pub(crate) fn end_overdue(&mut self, cx: &mut Context, now: Instant) {
        while let Some(id) = self.table.overdue(now) {
            cx.drop_quietly(DropReason::StreamTimeout);
            self.fail(cx, id, Failure::Timeout);
        }
    }

    /// Gives up a stream without telling anybody but the caller.
    pub(crate) fn abort(&mut self, cx: &mut Context, id: StreamId) {
        if self.table.remove(id).is_some() {
            cx.outputs.stream(id, StreamOp::Abort);
        }
    }

    /// This node has left: joins fail, before anything else that is under way does. Their exchanges
    /// end with the others.
    pub(crate) fn stop_joins(&mut self, cx: &mut Context) {
        for request in self.table.take_joins() {
            cx.answer(request, Err(Failure::Stopped));
        }
    }

    /// This node has left: ends the exchanges that it began.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        self.push_pull_due = None;
        for id in self.table.own() {
            self.fail(cx, id, Failure::Stopped);
        }
    }

    /// Ends an exchange that is complete.
    pub(crate) fn close(&mut self, cx: &mut Context, id: StreamId) {
        self.abort(cx, id);
    }

    /// Ends an exchange because of what the peer sent.
    pub(crate) fn reject(&mut self, cx: &mut Context, id: StreamId, reason: DropReason) {
        if let Some(stream) = self.table.get(id) {
            cx.report_drop(stream.peer(), reason, true);
        }
        self.fail(cx, id, Failure::BadAnswer { reason });
    }

    /// Ends an exchange that failed.
    pub(crate) fn fail(&mut self, cx: &mut Context, id: StreamId, failure: Failure) {
        let Some(stream) = self.table.remove(id) else {
            return;
        };
        cx.outputs.stream(id, StreamOp::Abort);
        report_failure(cx, stream.purpose(), failure);
    }
}

/// Tells whoever waits for an exchange that it failed.
fn report_failure(cx: &mut Context, purpose: Purpose, failure: Failure) {
    match purpose {
        Purpose::Join { request } | Purpose::Message { request } => {
            cx.answer(request, Err(failure));
        }
        Purpose::Incoming
        | Purpose::Answered
        | Purpose::PushPull
        | Purpose::Compare
        | Purpose::Ping { .. } => {}
    }
}

/// Sends all that this side sends on a stream.
pub(super) fn send_all(cx: &mut Context, id: StreamId, bytes: Bytes) {
    cx.stats.stream_bytes_sent += bytes.len() as u64;
    cx.outputs.stream(id, StreamOp::Send(bytes));
    cx.outputs.stream(id, StreamOp::Finish);
}

/// How much more time so many bytes give an exchange.
pub(super) fn extra_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes / BYTES_PER_EXTRA_SECOND) as u64)
}
