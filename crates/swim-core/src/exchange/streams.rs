//! Opens, accepts and ends streams, and takes in their bytes.

use core::net::SocketAddr;

use bytes::Bytes;

use super::pace::{Pace, extra_time};
use super::table::{Intake, Stream};
use super::{Exchange, Purpose};
use crate::address::canonical;
use crate::channel::{Framed, Received, Rejected, Side, StreamBuffer};
use crate::context::Context;
use crate::error::Refused;
use crate::members::{Entry, Members, Slot};
use crate::output::{Answer, ConnectionError, Failure, RequestId, StreamId, StreamInput, StreamOp};
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Envelope, Format, Frame, Message, Ping, User, memberlist};

/// The binding of a dialler's part, so that only its recipient takes it, and only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// It may be taken at any time: incarnations outdate old news of members, and a ping asks for
    /// nothing.
    Nothing,
    /// If sealed, it must be bound to the acceptor's greeting, because an application gets it.
    Greeting,
}

/// A peer's complete part of an exchange.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) stream: StreamId,
    pub(crate) peer: SocketAddr,
    /// The purpose of the stream.
    pub(crate) purpose: Purpose,
    pub(crate) received: Received,
}

impl Exchange {
    // Opening.

    /// Accepts or refuses a connection that a peer opened; `known` if a live member is at its
    /// address.
    pub(crate) fn accept(
        &mut self,
        cx: &mut Context,
        from: SocketAddr,
        known: bool,
    ) -> Result<StreamId, Refused> {
        if !cx.config.allows(from.ip()) {
            cx.report_drop(from, DropReason::NotAllowed, true);
            return Err(Refused::NotAllowed);
        }
        let caller = self.make_place(cx, from.ip(), known)?;
        cx.stats.streams_accepted += 1;
        let deadline = cx.now() + cx.config.stream_timeout;
        Ok(self.table.add(from, Purpose::Incoming, deadline, Some(caller)))
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
        let framed = cx.channel.framed(|wire, out| match wire.format() {
            Format::Swim => Frame::Ping(ping).encode(out),
            Format::Memberlist(_) => wire.encode(&Message::Ping(ping), out),
        });
        cx.count_sent(MessageKind::Ping);
        self.open(cx, entry.address(), Purpose::Ping { sequence }, (framed, Needs::Nothing))
    }

    /// Sends a reliable message.
    pub(crate) fn send_message(
        &mut self,
        cx: &mut Context,
        to: &Entry,
        payload: &[u8],
        request: RequestId,
    ) {
        let envelope = cx.config.seals_natively().then(|| Envelope::to_stream_of(to.name()));
        let message = User { from: cx.config.name.as_str(), payload, envelope };
        let framed = cx.channel.framed(|wire, out| match wire.format() {
            Format::Swim => Frame::User(message).encode(out),
            Format::Memberlist(_) => memberlist::encode_user(message.payload, out),
        });
        cx.count_sent(MessageKind::User);
        let purpose = Purpose::Message { request };
        self.open(cx, to.address(), purpose, (framed, Needs::Greeting));
    }

    /// Opens a stream on which this side sends only this part.
    pub(super) fn open(
        &mut self,
        cx: &mut Context,
        to: SocketAddr,
        purpose: Purpose,
        (framed, needs): (Framed, Needs),
    ) -> StreamId {
        cx.stats.streams_opened += 1;
        let waits = needs == Needs::Greeting && cx.channel.waits_for_greeting();
        let mut buffer = StreamBuffer::default();
        let (bytes, waiting) = if waits {
            (cx.channel.greet(&mut buffer), Some(framed))
        } else {
            (cx.channel.sealed(&mut buffer, Side::Dialler, framed), None)
        };
        let size = bytes.len() + waiting.as_ref().map_or(0, Framed::len);
        let time = cx.config.stream_timeout + extra_time(size);
        let id = self.table.add(to, purpose, cx.now() + time, None);
        cx.outputs.stream(id, StreamOp::Open { to: canonical(to) });
        self.table.begin(id, buffer, waiting);
        if waits {
            send(cx, id, bytes);
        } else {
            send_all(cx, id, bytes);
        }
        id
    }

    /// Greets a peer that waits for a greeting, and sends the part that waited for the peer's.
    fn greet(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        greeting: Option<Bytes>,
        waited: Option<Framed>,
    ) {
        if let Some(greeting) = greeting {
            send(cx, id, greeting);
        }
        if let Some(framed) = waited
            && let Some(buffer) = self.table.buffer(id)
        {
            let bytes = cx.channel.sealed(buffer, Side::Dialler, framed);
            send_all(cx, id, bytes);
        }
    }

    // Input.

    /// Takes input about a stream. Returns the peer's part of the exchange once it is complete.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        input: StreamInput<'_>,
    ) -> Option<Arrived> {
        match input {
            StreamInput::Data(data) => return self.receive_data(cx, id, data),
            StreamInput::Opened => self.table.set_opened(id),
            StreamInput::Certified(names) => self.table.set_certified(id, names),
            StreamInput::Finished => self.receive_end(cx, id),
            StreamInput::Failed(error) => self.receive_failure(cx, id, error),
        }
        None
    }

    /// The connection failed.
    #[cold]
    fn receive_failure(&mut self, cx: &mut Context, id: StreamId, error: ConnectionError) {
        let Some(stream) = self.table.remove(id) else {
            return;
        };
        let (peer, purpose) = (stream.peer(), stream.purpose());
        if let ConnectionError::Tls(fault) = error {
            cx.report_tls(peer, !is_accepted(purpose), fault);
        }
        let failure = Failure::Connection(error);
        if !is_accepted(purpose) {
            self.note_stream_failed(peer, &failure);
        }
        report_failure(cx, purpose, failure);
    }

    /// The peer ended its side. Unless it was answered, its part was incomplete.
    fn receive_end(&mut self, cx: &mut Context, id: StreamId) {
        let Some(stream) = self.table.get(id) else {
            return;
        };
        let is_silent = stream.received() == 0;
        match stream.purpose() {
            Purpose::Answered => self.close(cx, id),
            // memberlist acknowledges no message: the receiver closes the stream.
            Purpose::Message { request } if is_silent && cx.config.wire.is_memberlist() => {
                self.complete(cx, id);
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
        if !self.has_room(&cx.config, data.len()) {
            // Bytes after the answer end no other stream.
            self.table.get(id).filter(|stream| stream.purpose() != Purpose::Answered)?;
            if !self.make_room(cx, id, data.len()) {
                cx.stats.stream_bytes_received += data.len() as u64;
                return None;
            }
        }
        let (now, timeout) = (cx.now(), cx.config.stream_timeout);
        let pace = Pace { now, timeout, banks: cx.config.breaks(Sabotage::GivesTimeForAnyBytes) };
        let (channel, room) = (&mut cx.channel, cx.config.stream_buffer_max);
        let bytes_received = &mut cx.stats.stream_bytes_received;
        let taken = self.table.take_in(id, data, pace, |buffer, side, buffered| {
            *bytes_received += data.len() as u64;
            channel.read_half(buffer, side, room.saturating_sub(buffered)).transpose()
        })?;
        self.act_on(cx, id, taken)
    }

    /// Acts on the result of data. Separate from the work on each piece, because most pieces have
    /// no result.
    #[inline(never)]
    fn act_on(
        &mut self,
        cx: &mut Context,
        id: StreamId,
        taken: Intake<Option<Result<Received, Rejected>>>,
    ) -> Option<Arrived> {
        let Intake { outcome, greeting, waited } = taken;
        self.greet(cx, id, greeting, waited);
        match outcome? {
            Ok(received) => {
                if received.was_sealed() {
                    self.table.set_proven(id);
                }
                let stream = self.table.get(id)?;
                let (peer, purpose) = (stream.peer(), stream.purpose());
                if !is_accepted(purpose) {
                    self.note_stream_answered(peer);
                }
                return Some(Arrived { stream: id, peer, purpose, received });
            }
            Err(Rejected { reason, told: true }) => self.complain_back(cx, id, reason),
            Err(Rejected { reason, .. }) => self.reject(cx, id, reason),
        }
        None
    }

    /// Whether the peer on this stream has a certificate with names.
    pub(crate) fn is_certified(&self, id: StreamId) -> bool {
        self.table.get(id).is_some_and(|stream| stream.certified().is_some())
    }

    /// Whether the peer on this stream may use this name. Without a certificate, it may use any.
    pub(crate) fn may_be_called(&self, id: StreamId, name: &str) -> bool {
        let certified = self.table.get(id).and_then(Stream::certified);
        certified.is_none_or(|names| names.iter().any(|it| it.as_str() == name))
    }

    // Ending.

    /// Gives up the streams whose time is over.
    pub(crate) fn end_overdue(&mut self, cx: &mut Context, now: Instant) {
        while let Some(id) = self.table.overdue(now) {
            cx.drop_quietly(DropReason::StreamTimeout);
            self.fail(cx, id, Failure::Timeout);
        }
    }

    /// Gives up a stream and notifies only the caller.
    pub(crate) fn abort(&mut self, cx: &mut Context, id: StreamId) {
        if self.table.remove(id).is_some() {
            cx.outputs.stream(id, StreamOp::Abort);
        }
    }

    /// Whether a peer may know this node from a join that is not answered yet.
    pub(crate) fn has_open_join(&self) -> bool {
        self.table.has_open_join()
    }

    /// This node has left: fails all joins, before everything else that is under way. Their streams
    /// end together with the other streams.
    pub(crate) fn stop_joins(&mut self, cx: &mut Context) {
        for request in self.table.take_joins() {
            cx.answer(request, Err(Failure::Stopped));
        }
    }

    /// This node has left: ends the exchanges that it began.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        self.push_pull_due = Instant::NEVER;
        for id in self.table.own() {
            self.fail(cx, id, Failure::Stopped);
        }
    }

    /// Ends an exchange that this node began and that is answered. Bytes still unwritten do not
    /// matter.
    pub(crate) fn complete(&mut self, cx: &mut Context, id: StreamId) {
        self.abort(cx, id);
    }

    /// Ends an exchange that a peer began. It is answered, and the peer sends nothing further. The
    /// caller writes the rest.
    fn close(&mut self, cx: &mut Context, id: StreamId) {
        if self.table.remove(id).is_none() {
            return;
        }
        if !cx.config.breaks(Sabotage::LeavesStreamsOpen) {
            cx.outputs.stream(id, StreamOp::Close);
        }
        if cx.config.breaks(Sabotage::EndsStreamsTwice) {
            cx.outputs.stream(id, StreamOp::Abort);
        }
    }

    /// Ends an exchange because of the peer's input.
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
        if !is_accepted(stream.purpose()) {
            self.note_stream_failed(stream.peer(), &failure);
        }
        report_failure(cx, stream.purpose(), failure);
    }
}

/// Reports the failure of an exchange to the command that waits for it.
fn report_failure(cx: &mut Context, purpose: Purpose, failure: Failure) {
    match purpose {
        Purpose::Join { request } | Purpose::Message { request } => {
            cx.answer(request, Err(failure));
        }
        Purpose::Incoming
        | Purpose::Answered
        | Purpose::PushPull
        | Purpose::LastCall
        | Purpose::Goodbye
        | Purpose::Compare
        | Purpose::Holder
        | Purpose::Contest { .. }
        | Purpose::Ping { .. } => {}
    }
}

/// Whether the peer opened the stream.
fn is_accepted(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Incoming | Purpose::Answered)
}

/// Sends some of this side's bytes on a stream.
fn send(cx: &mut Context, id: StreamId, bytes: Bytes) {
    cx.stats.stream_bytes_sent += bytes.len() as u64;
    cx.outputs.stream(id, StreamOp::Send(bytes));
}

/// Sends all (remaining) bytes of this side on a stream, and ends the side.
pub(super) fn send_all(cx: &mut Context, id: StreamId, bytes: Bytes) {
    send(cx, id, bytes);
    cx.outputs.stream(id, StreamOp::Finish);
}
