//! The open streams, their deadlines, and their buffers.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;

use super::pace::{FIRST_MESSAGE_TIME, Pace, more_time, time_at_pace};
use crate::channel::{Framed, Side, StreamBuffer};
use crate::config::Config;
use crate::deadlines::Deadlines;
use crate::member::Name;
use crate::output::{RequestId, StreamId};
use crate::time::Instant;

/// The purpose of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Opened by a peer. Its first frame shows the request.
    Incoming,
    /// Opened by a peer and answered. Only its end is missing.
    Answered,
    /// A push/pull with the address of a join.
    Join { request: RequestId },
    /// A push/pull without a join.
    PushPull,
    /// A push/pull with a suspect that did not answer a ping.
    LastCall,
    /// A push/pull that carries this node's leave message.
    Goodbye,
    /// A periodic push/pull, which first compares the digests of both views.
    Compare,
    /// A ping of the current probe.
    Ping { sequence: u32 },
    /// A reliable message.
    Message { request: RequestId },
    /// A question to the node that has this node's name.
    Holder,
    /// A contest for this node's name, with how long this node has had it.
    Contest { lived: u64 },
}

impl Purpose {
    fn is_of_peer(self) -> bool {
        matches!(self, Purpose::Incoming | Purpose::Answered)
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    peer: SocketAddr,
    purpose: Purpose,
    /// Received and not yet used.
    buffer: StreamBuffer,
    /// The part that this node sends once the peer has greeted.
    waiting: Option<Framed>,
    received: usize,
    /// The peer accepted this stream of this node.
    opened: bool,
    deadline: Instant,
    /// Set if a peer opened the stream.
    caller: Option<Caller>,
    /// A frame or message on it opened under a key.
    proven: bool,
    /// The names in the peer's certificate, if it has one.
    certified: Option<Box<[Name]>>,
}

/// The peer that opened a stream, and whether it keeps up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// The source that it shares places and bytes with.
    pub(super) source: IpNet,
    /// A live member is at its address.
    pub(super) known: bool,
    /// Until then it counts as keeping up, even if it is silent.
    pub(super) keeps_up_until: Instant,
}

impl Stream {
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(super) fn certified(&self) -> Option<&[Name]> {
        self.certified.as_deref()
    }

    pub(super) fn caller(&self) -> Option<Caller> {
        self.caller
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// How many of its bytes are buffered.
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// How many of those opened under a key, frame by frame.
    pub(super) fn opened(&self) -> usize {
        self.buffer.opened()
    }

    /// How many bytes were received.
    pub(super) fn received(&self) -> usize {
        self.received
    }

    /// The deadline after `new` bytes arrived, and after the `opened` bytes opened under a key.
    ///
    /// Bytes that open earn time that lasts beyond them. Other bytes only keep the stream going:
    /// after a pause its time is that of a silent stream.
    fn deadline_after(&self, pace: Pace, new: usize, opened: Range<usize>) -> Instant {
        let (before, latest) = (self.deadline, pace.now + pace.timeout);
        let going_on = before + more_time(self.received - new..self.received);
        let going_on = if pace.banks { going_on } else { going_on.min(latest) };
        before.max(going_on).max(before + more_time(opened))
    }

    /// The side of the peer.
    pub(super) fn peer_side(&self) -> Side {
        if self.purpose == Purpose::Incoming { Side::Dialler } else { Side::Acceptor }
    }
}

/// The result of taking in data.
#[derive(Debug)]
pub(super) struct Intake<T> {
    /// The result of reading it.
    pub(super) outcome: T,
    /// The greeting to send to a peer that greeted.
    pub(super) greeting: Option<Bytes>,
    /// The part that this node may send now that the peer has greeted.
    pub(super) waited: Option<Framed>,
}

/// All open streams.
#[derive(Debug, Default)]
pub(super) struct Table {
    opened: u64,
    streams: BTreeMap<StreamId, Stream>,
    deadlines: Deadlines<StreamId>,
    /// Bytes in all buffers.
    buffered: usize,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.deadlines.soonest()
    }

    /// Bytes in all buffers.
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    pub(super) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(&id)
    }

    pub(super) fn add(
        &mut self,
        peer: SocketAddr,
        purpose: Purpose,
        deadline: Instant,
        caller: Option<Caller>,
    ) -> StreamId {
        self.opened += 1;
        let id = StreamId(self.opened);
        let stream = Stream {
            peer,
            purpose,
            buffer: StreamBuffer::default(),
            waiting: None,
            received: 0,
            opened: false,
            deadline,
            caller,
            proven: false,
            certified: None,
        };
        self.streams.insert(id, stream);
        self.deadlines.insert(deadline, id);
        id
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(&id)?;
        self.deadlines.remove(stream.deadline, id);
        self.buffered -= stream.buffer.len();
        Some(stream)
    }

    /// The buffer of a stream, for writing bytes that are bound to the peer's.
    pub(super) fn buffer(&mut self, id: StreamId) -> Option<&mut StreamBuffer> {
        self.streams.get_mut(&id).map(|stream| &mut stream.buffer)
    }

    /// Notes that this node began to send. The peer's bytes are bound to that, and `waiting`
    /// follows once the peer has greeted.
    pub(super) fn begin(&mut self, id: StreamId, buffer: StreamBuffer, waiting: Option<Framed>) {
        if let Some(stream) = self.streams.get_mut(&id) {
            (stream.buffer, stream.waiting) = (buffer, waiting);
        }
    }

    /// Notes that the stream was answered: only its end is missing.
    pub(super) fn set_answered(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.purpose = Purpose::Answered;
        }
    }

    pub(super) fn extend_deadline(&mut self, id: StreamId, by: Duration) {
        if let Some(stream) = self.streams.get(&id) {
            self.set_deadline(id, stream.deadline + by);
        }
    }

    pub(super) fn set_deadline(&mut self, id: StreamId, deadline: Instant) {
        if let Some(stream) = self.streams.get_mut(&id) {
            self.deadlines.move_to(stream.deadline, deadline, id);
            stream.deadline = deadline;
        }
    }

    /// Notes that the peer accepted a stream of this node.
    pub(super) fn set_opened(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.opened = true;
        }
    }

    /// Restricts the peer to these names.
    pub(super) fn set_certified(&mut self, id: StreamId, names: &[Name]) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.certified = Some(names.into());
        }
    }

    /// Whether the peer of a join may have read it, and has not answered yet.
    pub(super) fn has_open_join(&self) -> bool {
        let is_open_join =
            |stream: &Stream| stream.opened && matches!(stream.purpose, Purpose::Join { .. });
        self.streams.values().any(is_open_join)
    }

    /// Notes that a frame or message opened under a key.
    pub(super) fn set_proven(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.proven = true;
        }
    }

    /// Extends the time in which the stream keeps up by `longer`, but at most to `latest`.
    pub(super) fn keep_up(&mut self, id: StreamId, longer: Duration, latest: Instant) {
        let caller = self.streams.get_mut(&id).and_then(|stream| stream.caller.as_mut());
        if let Some(caller) = caller {
            caller.keeps_up_until = (caller.keeps_up_until + longer).min(latest);
        }
    }

    /// Asserts that deadlines and counts agree with the streams, and that the streams are within
    /// their limits.
    pub(super) fn check(&self, config: &Config) {
        let deadlines = self.streams.iter().map(|(&id, stream)| (stream.deadline, id));
        self.deadlines.check(deadlines, "streams");
        let newest = self.streams.last_key_value();
        assert!(newest.is_none_or(|(id, _)| id.0 <= self.opened), "a stream of the future");
        let mut buffered = 0;
        let mut by_source = BTreeMap::<IpNet, usize>::new();
        for (id, stream) in &self.streams {
            buffered += stream.buffer.len();
            assert!(stream.buffer.len() <= stream.received, "{id:?} holds more than came");
            let waits = stream.waiting.is_some();
            assert!(!waits || stream.caller.is_none(), "{id:?} has nothing to say of its own");
            let caller = stream.caller.map(|caller| caller.source);
            assert_eq!(caller.is_some(), stream.purpose.is_of_peer(), "who opened {id:?}");
            if let Some(source) = caller {
                *by_source.entry(source).or_default() += 1;
            }
        }
        assert_eq!(self.buffered, buffered, "bytes in the buffers");
        let max = config.stream_buffer_max;
        assert!(buffered <= max, "{buffered} bytes in the buffers, stream_buffer_max is {max}");
        let (incoming, max) = (self.callers().count(), config.streams_max);
        assert!(incoming <= max, "{incoming} incoming streams, streams_max is {max}");
        let max = config.streams_per_source_max;
        for (source, count) in by_source {
            assert!(count <= max, "{count} streams of {source}, streams_per_source_max is {max}");
        }
    }

    /// The commands that wait for a stream.
    pub(super) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.streams.values().filter_map(|stream| match stream.purpose {
            Purpose::Join { request } | Purpose::Message { request } => Some(request),
            _ => None,
        })
    }

    /// A stream whose time is over.
    pub(super) fn overdue(&self, now: Instant) -> Option<StreamId> {
        self.deadlines.first().filter(|&(at, _)| at <= now).map(|(_, id)| id)
    }

    /// Takes in bytes for which there is room, and extends the stream's time. Lends the buffer to
    /// `read`, which may remove bytes, with the number of bytes in all buffers. Returns `None` if
    /// nothing follows yet, and for bytes after the answer.
    ///
    /// It does as little work as possible, because a peer may send each byte in its own packet.
    pub(super) fn take_in<T>(
        &mut self,
        id: StreamId,
        data: &[u8],
        pace: Pace,
        read: impl FnOnce(&mut StreamBuffer, Side, usize) -> Option<T>,
    ) -> Option<Intake<Option<T>>> {
        let stream = self.streams.get_mut(&id)?;
        if stream.purpose == Purpose::Answered {
            return None;
        }
        let (side, opened) = (stream.peer_side(), stream.opened());
        stream.received += data.len();
        stream.buffer.push(data);
        let before = stream.buffer.len();
        let outcome = read(&mut stream.buffer, side, self.buffered + data.len());
        self.buffered = (self.buffered + data.len()) - (before - stream.buffer.len());
        let opened = opened..stream.opened().max(opened);
        if let Some(caller) = &mut stream.caller {
            let latest = pace.now + FIRST_MESSAGE_TIME;
            caller.keeps_up_until = (caller.keeps_up_until + time_at_pace(data.len())).min(latest);
        }
        stream.proven |= opened.end > 0;
        let deadline = stream.deadline_after(pace, data.len(), opened);
        if deadline != stream.deadline {
            self.deadlines.move_to(stream.deadline, deadline, id);
            stream.deadline = deadline;
        }
        if outcome.is_none() && !stream.buffer.owes_greeting() && stream.waiting.is_none() {
            return None;
        }
        Some(Intake {
            outcome,
            greeting: stream.buffer.take_greeting(),
            waited: stream.waiting.take_if(|_| stream.buffer.was_greeted()),
        })
    }

    /// Takes the requests of all joins, whose exchanges go on as push/pulls.
    pub(super) fn take_joins(&mut self) -> Vec<RequestId> {
        let mut requests = Vec::new();
        for stream in self.streams.values_mut() {
            if let Purpose::Join { request } = stream.purpose {
                stream.purpose = Purpose::PushPull;
                requests.push(request);
            }
        }
        requests
    }

    /// How many suspects are being asked over streams.
    pub(super) fn last_calls(&self) -> usize {
        self.streams.values().filter(|stream| stream.purpose == Purpose::LastCall).count()
    }

    /// The streams that this node opened.
    pub(super) fn own(&self) -> Vec<StreamId> {
        let own = self.streams.iter().filter(|(_, stream)| !stream.purpose.is_of_peer());
        own.map(|(&id, _)| id).collect()
    }

    /// The streams that peers opened, the oldest first.
    pub(super) fn callers(&self) -> impl Iterator<Item = (StreamId, &Stream, Caller)> {
        let with_caller = |(&id, stream): (&StreamId, _)| {
            let stream: &Stream = stream;
            Some((id, stream, stream.caller?))
        };
        self.streams.iter().filter_map(with_caller)
    }

    /// All streams, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (StreamId, &Stream)> + Clone {
        self.streams.iter().map(|(&id, stream)| (id, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    /// Two streams of one peer, one with four bytes in its buffer, and one stream of this node.
    fn table() -> Table {
        let (mut table, peer) = (Table::default(), SocketAddr::from(([10, 0, 0, 9], 7946)));
        let (source, at) = (IpNet::from(peer.ip()), Instant::ORIGIN);
        let caller = Some(Caller { source, known: false, keeps_up_until: at });
        let first = table.add(peer, Purpose::Incoming, at, caller);
        table.add(peer, Purpose::Answered, at, caller);
        table.add(peer, Purpose::PushPull, at, None);
        let pace = Pace { now: at, timeout: Duration::ZERO, banks: false };
        let taken = table.take_in(first, b"half", pace, |_, _, _| Some(()));
        assert!(taken.is_some());
        table.check(&config());
        table
    }

    #[test]
    #[should_panic(expected = "streams: StreamId(2) is not due at")]
    fn a_stream_that_would_stay_open_is_noticed() {
        let mut table = table();
        table.deadlines.remove(Instant::ORIGIN, StreamId(2));
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "streams: as many deadlines as things")]
    fn a_deadline_of_no_stream_is_noticed() {
        let mut table = table();
        table.streams.remove(&StreamId(2));
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "a stream of the future")]
    fn a_number_that_would_be_given_twice_is_noticed() {
        let mut table = table();
        table.opened -= 1;
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "bytes in the buffers")]
    fn a_wrong_count_of_bytes_is_noticed() {
        let mut table = table();
        table.buffered += 1;
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "StreamId(1) holds more than came")]
    fn bytes_from_nowhere_are_noticed() {
        let mut table = table();
        table.streams.get_mut(&StreamId(1)).unwrap().received = 3;
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "4 bytes in the buffers, stream_buffer_max is 3")]
    fn more_bytes_than_may_be_are_noticed() {
        table().check(&Config { stream_buffer_max: 3, ..config() });
    }

    #[test]
    #[should_panic(expected = "who opened StreamId(1)")]
    fn a_stream_of_nobody_is_noticed() {
        let mut table = table();
        table.streams.get_mut(&StreamId(1)).unwrap().caller = None;
        table.check(&config());
    }

    #[test]
    #[should_panic(expected = "2 incoming streams, streams_max is 1")]
    fn more_streams_than_may_be_are_noticed() {
        table().check(&Config { streams_max: 1, ..config() });
    }

    #[test]
    #[should_panic(expected = "2 streams of 10.0.0.9/32, streams_per_source_max is 1")]
    fn more_streams_of_one_source_than_may_be_are_noticed() {
        table().check(&Config { streams_per_source_max: 1, ..config() });
    }
}
