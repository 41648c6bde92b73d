//! Streams: the table, its limits, framing, and deadlines. What is exchanged on them is in
//! `sync.rs`, `probe.rs` and `user.rs`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::address::canonical;
use crate::error::Refused;
use crate::inbox::{Inbox, Rejected, Side};
use crate::member::Name;
use crate::node::Node;
use crate::output::{Answer, Failure, Output, RequestId, StreamId, StreamInput, StreamOp};
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{Ack, Frame, Half, Message, Opening, Ping, Scope, User, Wire, memberlist};

/// Each this many bytes, in either direction, give an exchange one more second: about 2 Mbit/s, so
/// that a large transfer over a slow line is not cut off, while a peer that trickles bytes is.
const BYTES_PER_EXTRA_SECOND: usize = 256 << 10;

/// How much of a peer's complaint is passed on to the application, in characters.
const COMPLAINT_SIZE_MAX: usize = 200;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Opened by a peer. What it wants is known with its first frame.
    Incoming,
    /// Opened by a peer and answered; only its end is awaited.
    Answered,
    /// The push/pull of a join.
    Join { request: RequestId },
    /// A push/pull that is no join.
    PushPull,
    /// A periodic push/pull, which begins with the digests of both views.
    Compare,
    /// A ping of the running probe.
    Ping { sequence: u32 },
    /// A reliable message.
    Message { request: RequestId },
}

#[derive(Debug)]
struct Stream {
    peer: SocketAddr,
    purpose: Purpose,
    /// Received and not yet used.
    inbox: Inbox,
    received: usize,
    deadline: Instant,
}

/// All open streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    opened: u64,
    streams: BTreeMap<StreamId, Stream>,
    deadlines: BTreeSet<(Instant, StreamId)>,
    /// Bytes in all buffers.
    buffered: usize,
}

impl Streams {
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    fn add(&mut self, peer: SocketAddr, purpose: Purpose, deadline: Instant) -> StreamId {
        self.opened += 1;
        let id = StreamId(self.opened);
        let stream = Stream { peer, purpose, inbox: Inbox::default(), received: 0, deadline };
        self.streams.insert(id, stream);
        self.deadlines.insert((deadline, id));
        id
    }

    fn remove(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(&id)?;
        self.deadlines.remove(&(stream.deadline, id));
        self.buffered -= stream.inbox.bytes.len();
        Some(stream)
    }

    fn extend_deadline(&mut self, id: StreamId, by: Duration) {
        if let Some(stream) = self.streams.get_mut(&id) {
            self.deadlines.remove(&(stream.deadline, id));
            stream.deadline += by;
            self.deadlines.insert((stream.deadline, id));
        }
    }

    fn incoming(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        let incoming =
            |stream: &Stream| matches!(stream.purpose, Purpose::Incoming | Purpose::Answered);
        self.streams.iter().filter(move |(_, s)| incoming(s)).map(|(&id, s)| (id, s))
    }

    /// Bytes in all buffers.
    pub(crate) fn buffered(&self) -> usize {
        self.buffered
    }
}

impl Node {
    // Opening.

    pub(crate) fn accept_stream(&mut self, from: SocketAddr) -> Result<StreamId, Refused> {
        if !self.config.allows(from.ip()) {
            self.complain(from, DropReason::NotAllowed, true);
            return Err(Refused::NotAllowed);
        }
        let of_source = self.streams.incoming().filter(|(_, s)| s.peer.ip() == from.ip()).count();
        if of_source >= self.config.streams_per_source_max {
            self.drop_quietly(DropReason::StreamRefused);
            return Err(Refused::TooManyFromSource);
        }
        if self.streams.incoming().count() >= self.config.streams_max {
            // Whoever connects and says nothing makes way for somebody who may have something to
            // say; the oldest of them has had the most time.
            let silent = self.streams.incoming().find(|(_, s)| s.received == 0).map(|(id, _)| id);
            self.drop_quietly(DropReason::StreamRefused);
            match silent {
                Some(id) => self.abort_stream(id),
                None => return Err(Refused::TooManyStreams),
            }
        }
        self.stats.streams_accepted += 1;
        let deadline = self.now() + self.config.stream_timeout;
        Ok(self.streams.add(from, Purpose::Incoming, deadline))
    }

    pub(crate) fn open_ping_stream(
        &mut self,
        to: SocketAddr,
        target: &Name,
        sequence: u32,
    ) -> StreamId {
        let source = self.config.name.clone();
        let (target, source) = (target.as_str(), source.as_str());
        let ping = Ping { sequence, target, source, reply_to: self.config.reply_to() };
        self.count_sent(MessageKind::Ping);
        let bytes = self.framed(|wire, out| match wire {
            Wire::Swim => Frame::Ping(ping).encode(out),
            Wire::Memberlist => wire.encode(&Message::Ping(ping), out),
        });
        let bytes = self.sealed(Side::Dialler, None, bytes);
        self.open_stream(to, Purpose::Ping { sequence }, bytes)
    }

    pub(crate) fn open_message_stream(
        &mut self,
        to: SocketAddr,
        payload: &[u8],
        request: RequestId,
    ) {
        let from = self.config.name.clone();
        let message = User { from: from.as_str(), payload };
        self.count_sent(MessageKind::User);
        let bytes = self.framed(|wire, out| match wire {
            Wire::Swim => Frame::User(message).encode(out),
            Wire::Memberlist => memberlist::encode_user(message.payload, out),
        });
        let bytes = self.sealed(Side::Dialler, None, bytes);
        self.open_stream(to, Purpose::Message { request }, bytes);
    }

    /// Opens a stream, on which `bytes` are all that this side sends.
    pub(crate) fn open_stream(
        &mut self,
        to: SocketAddr,
        purpose: Purpose,
        bytes: Bytes,
    ) -> StreamId {
        self.stats.streams_opened += 1;
        let time = self.config.stream_timeout + extra_time(bytes.len());
        let id = self.streams.add(to, purpose, self.now() + time);
        self.output(Output::Stream { id, op: StreamOp::Open { to: canonical(to) } });
        self.send_all(id, bytes);
        id
    }

    // Input.

    pub(crate) fn receive_stream(&mut self, id: StreamId, input: StreamInput<'_>) {
        let Some(stream) = self.streams.streams.get(&id) else {
            return;
        };
        let purpose = stream.purpose;
        match input {
            StreamInput::Opened => {}
            StreamInput::Data(_) if purpose == Purpose::Answered => {}
            StreamInput::Data(data) => self.receive_data(id, data),
            StreamInput::Finished if purpose == Purpose::Answered => {
                self.streams.remove(id);
            }
            StreamInput::Finished if stream.received == 0 && self.is_silent_consent(purpose) => {
                if let Purpose::Message { request } = purpose {
                    self.close_stream(id);
                    self.answer(request, Ok(Answer::Delivered));
                }
            }
            StreamInput::Finished => {
                let failure = if stream.received == 0 {
                    Failure::Refused
                } else {
                    self.stats.drops[DropReason::Truncated] += 1;
                    Failure::BadAnswer { reason: DropReason::Truncated }
                };
                self.fail_stream(id, failure);
            }
            StreamInput::Failed => {
                if let Some(stream) = self.streams.remove(id) {
                    self.report_failure(&stream, Failure::Unreachable);
                }
            }
        }
    }

    fn receive_data(&mut self, id: StreamId, data: &[u8]) {
        self.stats.stream_bytes_received += data.len() as u64;
        let Some(stream) = self.streams.streams.get_mut(&id) else {
            return;
        };
        if self.streams.buffered + data.len() > self.config.stream_buffer_max {
            return self.reject_stream(id, DropReason::TooLarge);
        }
        let before = stream.received;
        stream.received += data.len();
        stream.inbox.bytes.extend_from_slice(data);
        self.streams.buffered += data.len();
        let from = if stream.purpose == Purpose::Incoming { Side::Dialler } else { Side::Acceptor };
        let mut inbox = core::mem::take(&mut stream.inbox);
        let more_time = extra_time(before + data.len()) - extra_time(before);
        if !more_time.is_zero() {
            self.streams.extend_deadline(id, more_time);
        }
        let buffered = inbox.bytes.len();
        let half = self.read_half(&mut inbox, from);
        self.streams.buffered -= buffered - inbox.bytes.len();
        if let Some(stream) = self.streams.streams.get_mut(&id) {
            stream.inbox = inbox;
        }
        match half {
            Ok(Some(half)) => self.receive_half(id, self.as_half(&half)),
            Ok(None) => {}
            Err(Rejected { reason, told: true }) => self.complain_back(id, reason),
            Err(Rejected { reason, .. }) => self.reject_stream(id, reason),
        }
    }

    fn as_half<'a>(&self, bytes: &'a [u8]) -> Half<'a> {
        match self.config.wire {
            Wire::Swim => Half::Swim(bytes),
            Wire::Memberlist => Half::Memberlist { text: bytes, port: self.config.address.port() },
        }
    }

    /// Memberlist acknowledges no message: whoever takes one closes the stream.
    fn is_silent_consent(&self, purpose: Purpose) -> bool {
        self.config.wire == Wire::Memberlist && matches!(purpose, Purpose::Message { .. })
    }

    /// Acts on the peer's complete part of an exchange.
    fn receive_half(&mut self, id: StreamId, half: Half<'_>) {
        let Some(stream) = self.streams.streams.get(&id) else {
            return;
        };
        let (peer, purpose) = (stream.peer, stream.purpose);
        let opening = match half.opening() {
            Ok(opening) => opening,
            Err(reason) => return self.reject_stream(id, reason),
        };
        if let Some(kind) = opening.kind() {
            self.stats.received[kind] += 1;
        }
        match (purpose, opening) {
            (Purpose::Incoming, Opening::Ping(ping)) => self.answer_stream_ping(id, &ping),
            (Purpose::Incoming, Opening::User(message)) => {
                self.receive_user_message(message.from, message.payload, true);
                self.acknowledge_message(id);
            }
            (_, Opening::PushPull { scope, .. })
                if !self.accepts_merge(peer, scope == Scope::Join, half) =>
            {
                let reason = DropReason::MergeRefused;
                self.fail_stream(id, Failure::BadAnswer { reason });
            }
            (Purpose::Incoming, Opening::PushPull { scope, view }) => {
                let state = self.merge_and_answer(peer, scope, view, half);
                self.answer_stream(id, state);
            }
            (Purpose::Join { request }, Opening::PushPull { scope, .. }) => {
                self.close_stream(id);
                self.merge(peer, scope, half);
                self.join_succeeded(request, peer);
            }
            (Purpose::PushPull, Opening::PushPull { scope, .. }) => {
                self.close_stream(id);
                self.merge(peer, scope, half);
            }
            (Purpose::Compare, Opening::PushPull { scope, view }) => {
                self.close_stream(id);
                self.merge(peer, scope, half);
                if scope == Scope::Full {
                    self.push_back(peer, view);
                }
            }
            (Purpose::Ping { sequence }, Opening::Ack { sequence: acked }) if acked == sequence => {
                self.close_stream(id);
                self.receive_stream_ack(id);
            }
            (Purpose::Message { request }, Opening::Ack { .. }) => {
                self.close_stream(id);
                self.answer(request, Ok(Answer::Delivered));
            }
            (Purpose::Incoming, Opening::Complaint(_)) => {
                self.reject_stream(id, DropReason::Malformed);
            }
            (_, Opening::Complaint(message)) => {
                let message = message.chars().take(COMPLAINT_SIZE_MAX).collect();
                self.fail_stream(id, Failure::Complained { message });
            }
            _ => self.reject_stream(id, DropReason::Malformed),
        }
    }

    fn answer_stream_ping(&mut self, id: StreamId, ping: &Ping<'_>) {
        // On memberlist's wire a ping may be for whoever is here.
        if ping.target == self.config.name.as_str() || ping.target.is_empty() {
            self.acknowledge(id, ping.sequence);
        } else {
            self.drop_quietly(DropReason::WrongName);
            self.abort_stream(id);
        }
    }

    fn acknowledge(&mut self, id: StreamId, sequence: u32) {
        self.count_sent(MessageKind::Ack);
        let ack = Ack { sequence, payload: &[], view: 0 };
        let bytes = self.framed(|wire, out| match wire {
            Wire::Swim => Frame::Ack(ack).encode(out),
            Wire::Memberlist => wire.encode(&Message::Ack(ack), out),
        });
        self.answer_stream(id, bytes);
    }

    /// Tells the sender of a message that it was received.
    fn acknowledge_message(&mut self, id: StreamId) {
        match self.config.wire {
            Wire::Swim => self.acknowledge(id, 0),
            Wire::Memberlist => {
                self.expect_end(id, 0);
                self.output(Output::Stream { id, op: StreamOp::Finish });
            }
        }
    }

    /// Sends the answer to what a peer asked for; then only the end of the stream is awaited.
    fn answer_stream(&mut self, id: StreamId, bytes: BytesMut) {
        let head = self.streams.streams.get(&id).and_then(|stream| stream.inbox.head.clone());
        let bytes = self.sealed(Side::Acceptor, head.as_deref(), bytes);
        self.expect_end(id, bytes.len());
        self.send_all(id, bytes);
    }

    fn expect_end(&mut self, id: StreamId, answer_len: usize) {
        if let Some(stream) = self.streams.streams.get_mut(&id) {
            stream.purpose = Purpose::Answered;
        }
        self.streams.extend_deadline(id, self.config.stream_timeout + extra_time(answer_len));
    }

    // Output.

    fn send_all(&mut self, id: StreamId, bytes: Bytes) {
        self.stats.stream_bytes_sent += bytes.len() as u64;
        self.output(Output::Stream { id, op: StreamOp::Send(bytes) });
        self.output(Output::Stream { id, op: StreamOp::Finish });
    }

    // The end.

    pub(crate) fn keep_stream_deadlines(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.streams.deadlines.first()
            && at <= now
        {
            self.drop_quietly(DropReason::StreamTimeout);
            self.fail_stream(id, Failure::Timeout);
        }
    }

    /// Gives up a stream without telling anybody but the caller.
    pub(crate) fn abort_stream(&mut self, id: StreamId) {
        if self.streams.remove(id).is_some() {
            self.output(Output::Stream { id, op: StreamOp::Abort });
        }
    }

    /// This node has left: joins fail, before anything else that is under way does. Their exchanges
    /// end with the others.
    pub(crate) fn stop_joins(&mut self) {
        let mut requests = Vec::new();
        for stream in self.streams.streams.values_mut() {
            if let Purpose::Join { request } = stream.purpose {
                stream.purpose = Purpose::PushPull;
                requests.push(request);
            }
        }
        for request in requests {
            self.answer(request, Err(Failure::Stopped));
        }
    }

    /// This node has left: ends the exchanges that it began.
    pub(crate) fn stop_streams(&mut self) {
        let own =
            self.streams.streams.iter().filter(|(_, stream)| {
                !matches!(stream.purpose, Purpose::Incoming | Purpose::Answered)
            });
        let ids: Vec<StreamId> = own.map(|(&id, _)| id).collect();
        for id in ids {
            self.fail_stream(id, Failure::Stopped);
        }
    }

    /// Ends an exchange that is complete.
    fn close_stream(&mut self, id: StreamId) {
        self.abort_stream(id);
    }

    /// Ends an exchange because of what the peer sent.
    fn reject_stream(&mut self, id: StreamId, reason: DropReason) {
        if let Some(stream) = self.streams.streams.get(&id) {
            self.complain(stream.peer, reason, true);
        }
        self.fail_stream(id, Failure::BadAnswer { reason });
    }

    /// Ends an exchange on memberlist's wire because of how the peer sealed or packed what it sent.
    /// As there, whoever dialled is told.
    fn complain_back(&mut self, id: StreamId, reason: DropReason) {
        match self.streams.streams.get(&id) {
            Some(stream) if stream.purpose == Purpose::Incoming => {
                self.complain(stream.peer, reason, true);
                let text = alloc::format!("{reason}");
                let bytes = self.framed(|_, out| memberlist::encode_error(&text, out));
                self.answer_stream(id, bytes);
            }
            _ => self.reject_stream(id, reason),
        }
    }

    fn fail_stream(&mut self, id: StreamId, failure: Failure) {
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        self.output(Output::Stream { id, op: StreamOp::Abort });
        self.report_failure(&stream, failure);
    }

    fn report_failure(&mut self, stream: &Stream, failure: Failure) {
        match stream.purpose {
            Purpose::Join { request } | Purpose::Message { request } => {
                self.answer(request, Err(failure));
            }
            Purpose::Incoming
            | Purpose::Answered
            | Purpose::PushPull
            | Purpose::Compare
            | Purpose::Ping { .. } => {}
        }
    }
}

fn extra_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes / BYTES_PER_EXTRA_SECOND) as u64)
}
