//! The stream table: the bytes that wait to be written on each connection.
//!
//! The core outputs operations as fast as it likes, even before a connection is open. They wait
//! here and leave one write at a time. For a peer that does not read they pile up, to a limit.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use swim_core::{Deadlines, Instant, StreamId, StreamOp};

use crate::action::{Action, DialPurpose};

/// How much is written at once, so that progress shows. The core uses the same step to grant large
/// transfers more time.
const WRITE_SIZE_MAX: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Streams {
    /// Ordered, so that among equals the choice to abort is deterministic.
    table: BTreeMap<StreamId, Stream>,
    /// The most unwritten bytes of one stream, and of all accepted streams together.
    unwritten_max: usize,
    /// The unwritten bytes of all accepted streams, whose number peers decide.
    unwritten_accepted: usize,
    /// The time to connect. Also the time without progress for what is left to write on a stream
    /// that the core has closed.
    timeout: Duration,
    /// When to give up streams that the core has closed. It has forgotten them, so only this
    /// notices a peer that stops reading.
    draining: Deadlines<StreamId>,
}

#[derive(Debug, Default)]
struct Stream {
    accepted: bool,
    open: bool,
    queue: VecDeque<Bytes>,
    /// The bytes of the write under way.
    writing: usize,
    /// All bytes not yet reported as written.
    unwritten: usize,
    finish: Finish,
    /// Set once the core has closed it: when to give up writing.
    draining: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Finish {
    #[default]
    No,
    /// Due once everything is written.
    Asked,
    Done,
}

impl Streams {
    pub(crate) fn new(unwritten_max: usize, timeout: Duration) -> Self {
        Streams {
            table: BTreeMap::new(),
            unwritten_max,
            unwritten_accepted: 0,
            timeout,
            draining: Deadlines::default(),
        }
    }

    /// Adds a connection that a peer opened.
    pub(crate) fn accepted(&mut self, id: StreamId) {
        self.table.insert(id, Stream { accepted: true, open: true, ..Stream::default() });
    }

    /// Carries out an operation of the core. Returns a stream that was aborted because too much
    /// waits to be written on it; the caller must tell the core.
    #[must_use]
    pub(crate) fn apply(
        &mut self,
        now: Instant,
        id: StreamId,
        op: StreamOp,
        actions: &mut VecDeque<Action>,
    ) -> Option<StreamId> {
        match op {
            StreamOp::Open { to } => {
                self.table.insert(id, Stream::default());
                let (timeout, purpose) = (self.timeout, DialPurpose::Exchange);
                actions.push_back(Action::Dial { id, to, timeout, purpose });
            }
            StreamOp::Send(bytes) => {
                let stream = self.table.get_mut(&id)?;
                if bytes.is_empty() {
                    return None;
                }
                stream.unwritten += bytes.len();
                if stream.accepted {
                    self.unwritten_accepted += bytes.len();
                }
                stream.queue.push_back(bytes);
                stream.advance(id, actions);
                let victim = self.over_limit(id)?;
                self.abort(victim, actions);
                return Some(victim);
            }
            StreamOp::Finish => {
                let stream = self.table.get_mut(&id)?;
                stream.finish = Finish::Asked;
                stream.advance(id, actions);
            }
            StreamOp::Close => {
                self.drain(now, id);
                self.forget_if_done(id);
            }
            StreamOp::Abort => self.abort(id, actions),
        }
        None
    }

    /// The connection is established. False for a stream that is not being dialled.
    pub(crate) fn opened(&mut self, id: StreamId, actions: &mut VecDeque<Action>) -> bool {
        let Some(stream) = self.table.get_mut(&id).filter(|stream| !stream.open) else {
            return false;
        };
        stream.open = true;
        stream.advance(id, actions);
        true
    }

    /// The write under way is done.
    pub(crate) fn written(&mut self, now: Instant, id: StreamId, actions: &mut VecDeque<Action>) {
        let Some(stream) = self.table.get_mut(&id) else {
            return;
        };
        let written = std::mem::take(&mut stream.writing);
        stream.unwritten -= written;
        if stream.accepted {
            self.unwritten_accepted -= written;
        }
        stream.advance(id, actions);
        if stream.draining.is_some() {
            self.drain(now, id);
        }
        self.forget_if_done(id);
    }

    /// The connection broke. False for a stream that is not known.
    pub(crate) fn failed(&mut self, id: StreamId) -> bool {
        self.remove(id)
    }

    /// Aborts streams that the core has closed and whose peers do not read.
    pub(crate) fn give_up(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        while let Some((_, id)) = self.draining.take_due(now) {
            self.abort(id, actions);
        }
    }

    /// When [`give_up`](Streams::give_up) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.draining.next()
    }

    pub(crate) fn is_known(&self, id: StreamId) -> bool {
        self.table.contains_key(&id)
    }

    /// The stream to abort after `grown` got more to write: `grown` itself if it alone exceeds the
    /// limit, else the accepted stream with the most, if all together do.
    fn over_limit(&self, grown: StreamId) -> Option<StreamId> {
        if self.table.get(&grown)?.unwritten > self.unwritten_max {
            return Some(grown);
        }
        if self.unwritten_accepted <= self.unwritten_max {
            return None;
        }
        let accepted = self.table.iter().filter(|(_, stream)| stream.accepted);
        accepted.max_by_key(|(_, stream)| stream.unwritten).map(|(id, _)| *id)
    }

    /// Restarts the time to write what is left on this stream.
    fn drain(&mut self, now: Instant, id: StreamId) {
        let Some(stream) = self.table.get_mut(&id) else {
            return;
        };
        let at = now + self.timeout;
        match stream.draining.replace(at) {
            Some(before) => self.draining.move_to(before, at, id),
            None => self.draining.insert(at, id),
        }
    }

    /// Ends a stream at once. The caller must tell the core, if it still knows the stream.
    pub(crate) fn abort(&mut self, id: StreamId, actions: &mut VecDeque<Action>) {
        if self.remove(id) {
            actions.push_back(Action::Abort { id });
        }
    }

    fn forget_if_done(&mut self, id: StreamId) {
        let done = |stream: &Stream| stream.finish == Finish::Done && stream.draining.is_some();
        if self.table.get(&id).is_some_and(done) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: StreamId) -> bool {
        let Some(stream) = self.table.remove(&id) else {
            return false;
        };
        if stream.accepted {
            self.unwritten_accepted -= stream.unwritten;
        }
        if let Some(at) = stream.draining {
            self.draining.remove(at, id);
        }
        true
    }
}

impl Stream {
    /// Outputs the next action, if any.
    fn advance(&mut self, id: StreamId, actions: &mut VecDeque<Action>) {
        if !self.open || self.writing > 0 {
            return;
        }
        if let Some(mut bytes) = self.queue.pop_front() {
            if bytes.len() > WRITE_SIZE_MAX {
                self.queue.push_front(bytes.split_off(WRITE_SIZE_MAX));
            }
            self.writing = bytes.len();
            actions.push_back(Action::Write { id, bytes });
        } else if self.finish == Finish::Asked {
            self.finish = Finish::Done;
            actions.push_back(Action::Finish { id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: StreamId = StreamId(1);
    const NOW: Instant = Instant::ORIGIN;
    const TIMEOUT: Duration = Duration::from_secs(1);

    fn bytes(size: usize) -> Bytes {
        vec![7; size].into()
    }

    fn open(to: &str) -> StreamOp {
        StreamOp::Open { to: to.parse().unwrap() }
    }

    struct Bench {
        streams: Streams,
        actions: VecDeque<Action>,
    }

    impl Bench {
        fn new(unwritten_max: usize) -> Self {
            Bench { streams: Streams::new(unwritten_max, TIMEOUT), actions: VecDeque::new() }
        }

        fn apply(&mut self, id: StreamId, op: StreamOp) -> Option<StreamId> {
            self.streams.apply(NOW, id, op, &mut self.actions)
        }

        fn actions(&mut self) -> Vec<Action> {
            self.actions.drain(..).collect()
        }
    }

    #[test]
    fn what_is_sent_before_the_connection_is_open_waits() {
        let mut bench = Bench::new(100);
        assert_eq!(bench.apply(ID, open("10.0.0.1:1")), None);
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(3))), None);
        assert_eq!(bench.apply(ID, StreamOp::Finish), None);
        let to = "10.0.0.1:1".parse().unwrap();
        assert_eq!(
            bench.actions(),
            [Action::Dial { id: ID, to, timeout: TIMEOUT, purpose: DialPurpose::Exchange }]
        );

        assert!(bench.streams.opened(ID, &mut bench.actions));
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(3) }]);
        bench.streams.written(NOW, ID, &mut bench.actions);
        assert_eq!(bench.actions(), [Action::Finish { id: ID }]);
    }

    #[test]
    fn one_write_is_under_way_at_a_time() {
        let mut bench = Bench::new(100);
        bench.streams.accepted(ID);
        for size in [1, 2] {
            assert_eq!(bench.apply(ID, StreamOp::Send(bytes(size))), None);
        }
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(1) }]);
        bench.streams.written(NOW, ID, &mut bench.actions);
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(2) }]);
        bench.streams.written(NOW, ID, &mut bench.actions);
        assert_eq!(bench.actions(), []);
    }

    #[test]
    fn large_writes_are_cut_so_that_progress_shows() {
        let mut bench = Bench::new(1 << 20);
        bench.streams.accepted(ID);
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(WRITE_SIZE_MAX + 1))), None);
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(WRITE_SIZE_MAX) }]);
        bench.streams.written(NOW, ID, &mut bench.actions);
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(1) }]);
    }

    #[test]
    fn a_peer_that_reads_no_more_is_given_up_once_the_core_has_closed_its_stream() {
        let mut bench = Bench::new(1 << 20);
        bench.streams.accepted(ID);
        let _ = bench.apply(ID, StreamOp::Send(bytes(WRITE_SIZE_MAX + 1)));
        let _ = bench.apply(ID, StreamOp::Finish);
        assert_eq!(bench.streams.deadline(), None, "the core watches it");
        assert_eq!(bench.apply(ID, StreamOp::Close), None);
        assert_eq!(bench.streams.deadline(), Some(NOW + TIMEOUT));

        // Progress gives it more time ...
        bench.streams.written(NOW + TIMEOUT / 2, ID, &mut bench.actions);
        bench.actions();
        bench.streams.give_up(NOW + TIMEOUT, &mut bench.actions);
        assert_eq!(bench.actions(), []);
        // ... but without any it is over.
        let late = NOW + TIMEOUT + TIMEOUT / 2;
        bench.streams.give_up(late, &mut bench.actions);
        assert_eq!(bench.actions(), [Action::Abort { id: ID }]);
        assert!(!bench.streams.is_known(ID));
        assert_eq!(bench.streams.deadline(), None);
    }

    #[test]
    fn a_stream_is_forgotten_when_the_core_has_closed_it_and_everything_is_written() {
        let mut bench = Bench::new(100);
        bench.streams.accepted(ID);
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(3))), None);
        assert_eq!(bench.apply(ID, StreamOp::Finish), None);
        assert_eq!(bench.apply(ID, StreamOp::Close), None);
        assert!(bench.streams.is_known(ID));
        assert_eq!(bench.actions(), [Action::Write { id: ID, bytes: bytes(3) }]);
        bench.streams.written(NOW, ID, &mut bench.actions);
        assert!(!bench.streams.is_known(ID));
        assert_eq!(bench.streams.deadline(), None);
        assert_eq!(bench.actions(), [Action::Finish { id: ID }]);
    }

    #[test]
    fn a_stream_on_which_nothing_waits_is_forgotten_as_the_core_closes_it() {
        let mut bench = Bench::new(100);
        bench.streams.accepted(ID);
        assert_eq!(bench.apply(ID, StreamOp::Finish), None);
        assert!(bench.streams.is_known(ID), "the peer may still send");
        assert_eq!(bench.apply(ID, StreamOp::Close), None);
        assert!(!bench.streams.is_known(ID));
        assert_eq!(bench.streams.deadline(), None);
        assert_eq!(bench.actions(), [Action::Finish { id: ID }]);
    }

    #[test]
    fn a_stream_whose_peer_does_not_read_is_aborted_at_the_limit() {
        let mut bench = Bench::new(100);
        let _ = bench.apply(ID, open("10.0.0.1:1"));
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(60))), None);
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(40))), None);
        bench.actions();
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(1))), Some(ID));
        assert_eq!(bench.actions(), [Action::Abort { id: ID }]);
        assert_eq!(bench.apply(ID, StreamOp::Send(bytes(1))), None);
        assert_eq!(bench.actions(), []);
    }

    #[test]
    fn of_all_accepted_streams_the_one_with_the_most_to_write_gives_way() {
        let mut bench = Bench::new(100);
        for (id, size) in [(1, 30), (2, 50), (3, 20)] {
            bench.streams.accepted(StreamId(id));
            assert_eq!(bench.apply(StreamId(id), StreamOp::Send(bytes(size))), None);
        }
        assert_eq!(bench.apply(StreamId(3), StreamOp::Send(bytes(1))), Some(StreamId(2)));
        // Neither aborted nor written bytes count.
        assert_eq!(bench.apply(StreamId(3), StreamOp::Send(bytes(49))), None);
        bench.streams.written(NOW, StreamId(1), &mut bench.actions);
        assert_eq!(bench.apply(StreamId(1), StreamOp::Send(bytes(30))), None);
    }

    #[test]
    fn news_of_an_unknown_stream_means_nothing() {
        let mut bench = Bench::new(100);
        assert!(!bench.streams.opened(ID, &mut bench.actions));
        assert!(!bench.streams.failed(ID));
        bench.streams.written(NOW, ID, &mut bench.actions);
        for op in [StreamOp::Finish, StreamOp::Close, StreamOp::Abort] {
            assert_eq!(bench.apply(ID, op), None);
        }
        assert_eq!(bench.actions(), []);
        assert_eq!(bench.streams.deadline(), None);
    }
}
