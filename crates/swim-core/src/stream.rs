//! Streams: the table, its limits, framing, and deadlines. What is exchanged on them is in
//! `sync.rs`, `probe.rs` and `user.rs`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::Refused;
use crate::member::Name;
use crate::node::Node;
use crate::output::{Answer, Failure, Output, RequestId, StreamId, StreamInput, StreamOp};
use crate::stats::{DropReason, MessageKind};
use crate::time::Instant;
use crate::wire::{self, Ack, Frame, Ping, Scope, User};

/// Each this many bytes, in either direction, give an exchange one more second: about 2 Mbit/s, so
/// that a large transfer over a slow line is not cut off, while a peer that trickles bytes is.
const BYTES_PER_EXTRA_SECOND: usize = 256 << 10;

/// What a frame with a user message holds besides the payload, at most.
const USER_FRAME_OVERHEAD: usize = 512;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Opened by a peer. What it wants is known with its first frame.
    Incoming,
    /// Opened by a peer and answered; only its end is awaited.
    Answered,
    /// A push/pull with one address of a join.
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
    /// Received and not yet used: at first the header, then frames.
    buffer: Vec<u8>,
    header_read: bool,
    /// How much of the buffer is frames that are known to be complete, but not the last.
    scanned: usize,
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
        let stream = Stream {
            peer,
            purpose,
            buffer: Vec::new(),
            header_read: false,
            scanned: 0,
            received: 0,
            deadline,
        };
        self.streams.insert(id, stream);
        self.deadlines.insert((deadline, id));
        id
    }

    fn remove(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(&id)?;
        self.deadlines.remove(&(stream.deadline, id));
        self.buffered -= stream.buffer.len();
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

    /// Empties a stream's buffer into the caller's hands.
    fn take_buffer(&mut self, id: StreamId) -> Vec<u8> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Vec::new();
        };
        self.buffered -= stream.buffer.len();
        core::mem::take(&mut stream.buffer)
    }
}

impl Node {
    // Opening.

    pub(crate) fn accept_stream(&mut self, from: SocketAddr) -> Result<StreamId, Refused> {
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
        let ping =
            Ping { sequence, target: target.as_str(), source: source.as_str(), reply_to: None };
        self.count_sent(MessageKind::Ping);
        let bytes = self.framed(|out| Frame::Ping(ping).encode(out));
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
        let bytes = self.framed(|out| Frame::User(message).encode(out));
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
        self.output(Output::Stream { id, op: StreamOp::Open { to } });
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
        stream.buffer.extend_from_slice(data);
        self.streams.buffered += data.len();
        let before = stream.received;
        stream.received += data.len();
        let more_time = extra_time(stream.received) - extra_time(before);
        if !more_time.is_zero() {
            self.streams.extend_deadline(id, more_time);
        }
        match self.scan(id) {
            Ok(Some(frames)) => {
                let buffer = self.streams.take_buffer(id);
                self.receive_frames(id, &buffer[..frames]);
            }
            Ok(None) => {}
            Err(reason) => self.reject_stream(id, reason),
        }
    }

    /// Looks whether the peer's part of the exchange is complete; returns its length.
    fn scan(&mut self, id: StreamId) -> Result<Option<usize>, DropReason> {
        let frame_size_max = (self.config.reliable_size_max + USER_FRAME_OVERHEAD)
            .max(wire::PUSH_PULL_FRAME_SIZE_MAX);
        let Some(stream) = self.streams.streams.get_mut(&id) else {
            return Ok(None);
        };
        if !stream.header_read {
            let Some(len) = wire::open_header(&stream.buffer, &self.config.label)? else {
                return Ok(None);
            };
            stream.buffer.drain(..len);
            self.streams.buffered -= len;
            stream.header_read = true;
        }
        loop {
            let rest = &stream.buffer[stream.scanned..];
            let Some(len) = wire::frame_len(rest) else {
                return Ok(None);
            };
            if len > frame_size_max {
                return Err(DropReason::TooLarge);
            }
            let end = wire::FRAME_HEADER_LEN + len;
            let Some(body) = rest.get(wire::FRAME_HEADER_LEN..end) else {
                return Ok(None);
            };
            let frame = wire::decode_frame(body)?;
            stream.scanned += end;
            match frame {
                Frame::PushPull(part) if !part.last => {}
                _ => return Ok(Some(stream.scanned)),
            }
        }
    }

    /// Acts on the peer's complete part of an exchange.
    fn receive_frames(&mut self, id: StreamId, frames: &[u8]) {
        let Some(stream) = self.streams.streams.get(&id) else {
            return;
        };
        let (peer, purpose) = (stream.peer, stream.purpose);
        let Some(Ok(first)) = Frames(frames).next() else {
            return self.reject_stream(id, DropReason::Malformed);
        };
        self.stats.received[first.kind()] += 1;
        match (purpose, first) {
            (Purpose::Incoming, Frame::Ping(ping)) => self.answer_stream_ping(id, &ping),
            (Purpose::Incoming, Frame::User(message)) => {
                self.receive_user_message(message.from, message.payload, true);
                self.acknowledge(id, 0);
            }
            (_, Frame::PushPull(part)) if !self.accepts_merge(peer, part.join, frames) => {
                let reason = DropReason::MergeRefused;
                self.fail_stream(id, Failure::BadAnswer { reason });
            }
            (Purpose::Incoming, Frame::PushPull(part)) => {
                self.merge(peer, frames);
                let state = self.encoded_answer(part.scope(), part.view);
                self.answer_stream(id, state);
            }
            (Purpose::Join { request }, Frame::PushPull(_)) => {
                self.close_stream(id);
                self.merge(peer, frames);
                self.join_succeeded(request, peer);
            }
            (Purpose::PushPull, Frame::PushPull(_)) => {
                self.close_stream(id);
                self.merge(peer, frames);
            }
            (Purpose::Compare, Frame::PushPull(part)) => {
                self.close_stream(id);
                self.merge(peer, frames);
                if part.scope() == Scope::Full {
                    self.push_back(peer, part.view);
                }
            }
            (Purpose::Ping { sequence }, Frame::Ack(ack)) if ack.sequence == sequence => {
                self.close_stream(id);
                self.receive_stream_ack(id);
            }
            (Purpose::Message { request }, Frame::Ack(_)) => {
                self.close_stream(id);
                self.answer(request, Ok(Answer::Delivered));
            }
            _ => self.reject_stream(id, DropReason::Malformed),
        }
    }

    fn answer_stream_ping(&mut self, id: StreamId, ping: &Ping<'_>) {
        if ping.target == self.config.name.as_str() {
            self.acknowledge(id, ping.sequence);
        } else {
            self.drop_quietly(DropReason::WrongName);
            self.abort_stream(id);
        }
    }

    fn acknowledge(&mut self, id: StreamId, sequence: u32) {
        self.count_sent(MessageKind::Ack);
        let ack = Frame::Ack(Ack { sequence, payload: &[], view: 0 });
        let bytes = self.framed(|out| ack.encode(out));
        self.answer_stream(id, bytes);
    }

    /// Sends the answer to what a peer asked for; then only the end of the stream is awaited.
    fn answer_stream(&mut self, id: StreamId, bytes: Bytes) {
        if let Some(stream) = self.streams.streams.get_mut(&id) {
            stream.purpose = Purpose::Answered;
        }
        self.streams.extend_deadline(id, self.config.stream_timeout + extra_time(bytes.len()));
        self.send_all(id, bytes);
    }

    // Output.

    fn send_all(&mut self, id: StreamId, bytes: Bytes) {
        self.stats.stream_bytes_sent += bytes.len() as u64;
        self.output(Output::Stream { id, op: StreamOp::Send(bytes) });
        self.output(Output::Stream { id, op: StreamOp::Finish });
    }

    /// The header of a stream and what `write` adds.
    pub(crate) fn framed(&self, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        let mut bytes = BytesMut::new();
        wire::begin_packet(&self.config.label, &mut bytes);
        write(&mut bytes);
        bytes.freeze()
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

    fn fail_stream(&mut self, id: StreamId, failure: Failure) {
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        self.output(Output::Stream { id, op: StreamOp::Abort });
        self.report_failure(&stream, failure);
    }

    fn report_failure(&mut self, stream: &Stream, failure: Failure) {
        match stream.purpose {
            Purpose::Join { request } => self.join_failed(request, stream.peer, failure),
            Purpose::Message { request } => self.answer(request, Err(failure)),
            Purpose::Incoming
            | Purpose::Answered
            | Purpose::PushPull
            | Purpose::Compare
            | Purpose::Ping { .. } => {}
        }
    }
}

/// Walks over the complete frames of one side's part of an exchange.
pub(crate) struct Frames<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let len = wire::frame_len(self.0)?;
        let body = self.0.get(wire::FRAME_HEADER_LEN..wire::FRAME_HEADER_LEN + len)?;
        self.0 = &self.0[wire::FRAME_HEADER_LEN + len..];
        Some(wire::decode_frame(body))
    }
}

fn extra_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes / BYTES_PER_EXTRA_SECOND) as u64)
}
