//! A node, and an observer that sees only what an application sees.
//!
//! After each call it checks that all of it is consistent.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use swim_core::wire::Message;
use swim_core::{
    CommandError, Config, Event, Incarnation, Instant, Member, Node, Output, Refused, RequestId,
    State, Status, StreamId, StreamInput, StreamOp,
};

use super::voice::{Awaited, Side, Talk, Voice};

/// The number of the node's pings that are kept to be answered.
const PINGS_MAX: usize = 8;

/// A ping or indirect ping that the node sent.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its destination.
    pub to: SocketAddr,
    /// Its sequence number.
    pub sequence: u32,
}

/// The state of an open stream, as its caller knows it.
#[derive(Clone, Debug)]
struct Open {
    /// The peer opened it.
    incoming: bool,
    /// The node will send nothing more.
    finished: bool,
    /// The peer will send nothing more.
    heard_end: bool,
    /// The bytes that the node waits for.
    awaits: Option<Awaited>,
    talk: Talk,
}

/// A node, and the outside knowledge of it.
#[derive(Debug)]
pub struct Watched {
    /// The node.
    pub node: Node,
    /// The caller's clock.
    pub now: Instant,
    /// The latest pings that the node sent.
    pub asked: Vec<Asked>,
    /// All outputs of the node, if they are recorded.
    pub record: Option<Vec<Output>>,
    /// Peers may speak unlike the node, and the node's own settings may change.
    pub varied: bool,
    /// The other members, from events, by name.
    told: BTreeMap<String, Member>,
    /// The highest incarnation seen of each listed member.
    highest: BTreeMap<String, Incarnation>,
    unanswered: BTreeSet<RequestId>,
    streams: BTreeMap<StreamId, Open>,
    newest_stream: Option<StreamId>,
    newest_request: Option<RequestId>,
}

impl Watched {
    /// Starts a node.
    ///
    /// # Panics
    ///
    /// If the configuration is not valid.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let now = Instant::ORIGIN + Duration::from_secs(1 << 20);
        let node = Node::new(config, [7; 32], now).expect("a valid configuration");
        let mut watched = Watched {
            node,
            now,
            asked: Vec::new(),
            record: None,
            varied: false,
            told: BTreeMap::new(),
            highest: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            streams: BTreeMap::new(),
            newest_stream: None,
            newest_request: None,
        };
        watched.check();
        watched
    }

    // Operations.

    /// Feeds a datagram.
    pub fn packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.node.handle_packet(self.now, from, datagram);
        self.check();
    }

    /// Lets a peer connect.
    pub fn accept(&mut self, from: SocketAddr) -> Result<StreamId, Refused> {
        let accepted = self.node.handle_accept(self.now, from);
        if let Ok(id) = accepted {
            self.note_stream(id, true);
        }
        self.check();
        accepted
    }

    /// Reports input about a stream.
    pub fn stream(&mut self, id: StreamId, input: StreamInput<'_>) {
        if let (Some(open), StreamInput::Data(bytes)) = (self.streams.get_mut(&id), input) {
            let from = if open.incoming { Side::Dialler } else { Side::Acceptor };
            open.talk.hear(from, bytes);
        }
        if let (Some(open), StreamInput::Finished) = (self.streams.get_mut(&id), input) {
            open.heard_end = true;
        }
        self.node.handle_stream(self.now, id, input);
        self.take_outputs();
        if let StreamInput::Failed(_) = input {
            self.streams.remove(&id);
        }
        self.check();
    }

    /// Calls `handle_timeout`, and checks that nothing remains due.
    pub fn timeout(&mut self) {
        self.node.handle_timeout(self.now);
        if let Some(next) = self.node.poll_timeout() {
            assert!(next > self.now, "due at {next:?} still, after {:?}", self.now);
        }
        self.check();
    }

    /// Advances the clock to the next deadline and handles it. Returns whether there was one.
    pub fn keep_next_deadline(&mut self) -> bool {
        let next = self.node.poll_timeout();
        if let Some(next) = next {
            self.now = self.now.max(next);
            self.timeout();
        }
        next.is_some()
    }

    /// Gives a command that is answered later.
    pub fn request(
        &mut self,
        command: impl FnOnce(&mut Node, Instant) -> Result<RequestId, CommandError>,
    ) {
        if let Ok(request) = command(&mut self.node, self.now) {
            assert!(Some(request) > self.newest_request, "never reused");
            self.newest_request = Some(request);
            self.unanswered.insert(request);
        }
        self.check();
    }

    /// Gives a command that completes at once.
    pub fn command(
        &mut self,
        command: impl FnOnce(&mut Node, Instant) -> Result<(), CommandError>,
    ) {
        // Most commands of a fuzzer fail, which is no finding.
        _ = command(&mut self.node, self.now);
        self.check();
    }

    /// Returns the peer's side of a stream.
    #[must_use]
    pub fn peer_side(&self, id: StreamId) -> Side {
        match self.streams.get(&id) {
            Some(open) if open.incoming => Side::Dialler,
            _ => Side::Acceptor,
        }
    }

    /// Returns the knowledge about an open stream.
    #[must_use]
    pub fn talk(&self, id: StreamId) -> Talk {
        self.streams.get(&id).map(|open| open.talk.clone()).unwrap_or_default()
    }

    /// Returns the open streams.
    #[must_use]
    pub fn open_streams(&self) -> Vec<StreamId> {
        self.streams.keys().copied().collect()
    }

    /// Returns what the node waits for on a stream that it opened; `None` for a push/pull.
    #[must_use]
    pub fn awaited(&self, id: StreamId) -> Option<Awaited> {
        self.streams.get(&id).and_then(|open| open.awaits)
    }

    /// Runs without further answers of peers, until every command is answered.
    ///
    /// # Panics
    ///
    /// If a command is never answered.
    pub fn run_until_answered(&mut self) {
        let (steps_max, start) = (20_000, self.now);
        for _ in 0..steps_max {
            if self.unanswered.is_empty() {
                return;
            }
            if !self.keep_next_deadline() {
                break;
            }
        }
        assert!(
            self.unanswered.is_empty(),
            "no answer to {:?} after {:?}",
            self.unanswered,
            self.now - start
        );
    }

    // Checks.

    /// Takes all outputs, and checks everything that is visible from outside.
    pub fn check(&mut self) {
        self.take_outputs();
        self.check_limits();
        self.check_self();
        self.check_members();
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match &output {
                Output::Packet { to, payload, .. } => self.note_packet(*to, payload),
                Output::Stream { id, op } => self.note_operation(*id, op),
                Output::Event(event) => self.note_event(event),
                Output::Answer { request, result } => {
                    assert!(self.unanswered.remove(request), "a second answer: {result:?}");
                }
            }
            if let Some(record) = &mut self.record {
                record.push(output);
            }
        }
    }

    fn note_packet(&mut self, to: SocketAddr, payload: &[u8]) {
        let config = self.node.config();
        assert!(payload.len() <= config.packet_size_max, "too large");
        let (mut count, mut sequences) = (0, Vec::new());
        Voice::of(config).read_packet(payload, &mut |message| {
            count += 1;
            match message {
                Message::Ping(ping) => sequences.push(ping.sequence),
                Message::IndirectPing(ping) => sequences.push(ping.sequence),
                _ => {}
            }
        });
        assert!(count > 0, "a packet without a message");
        for sequence in sequences {
            if self.asked.len() == PINGS_MAX {
                self.asked.remove(0);
            }
            self.asked.push(Asked { to, sequence });
        }
    }

    fn note_stream(&mut self, id: StreamId, incoming: bool) {
        assert!(Some(id) > self.newest_stream, "never reused");
        self.newest_stream = Some(id);
        let talk = Talk::default();
        let open = Open { incoming, finished: false, heard_end: false, awaits: None, talk };
        self.streams.insert(id, open);
    }

    fn note_operation(&mut self, id: StreamId, operation: &StreamOp) {
        if let StreamOp::Open { .. } = operation {
            return self.note_stream(id, false);
        }
        let open = self.streams.get_mut(&id).expect("a stream that is open");
        match operation {
            StreamOp::Open { .. } => {}
            StreamOp::Send(bytes) => {
                assert!(!open.finished, "bytes after the end");
                let from = if open.incoming { Side::Acceptor } else { Side::Dialler };
                let voice = Voice::of(self.node.config());
                open.awaits = voice.read_stream(from, bytes, &mut open.talk);
            }
            StreamOp::Finish => {
                assert!(!open.finished, "finished twice");
                open.finished = true;
            }
            StreamOp::Close => {
                assert!(open.finished && open.heard_end, "closed before both sides ended");
                self.streams.remove(&id);
            }
            StreamOp::Abort => {
                self.streams.remove(&id);
            }
        }
    }

    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Joined { member, previous, .. } => {
                let before = self.told.get(member.name.as_str()).map(|known| known.state);
                assert!(before.is_none() || before == *previous, "{before:?} before {event:?}");
                assert_eq!(member.state, State::Alive, "{event:?}");
                self.told.insert(member.name.to_string(), member.clone());
            }
            Event::Updated { member, .. } => {
                self.note_change(event, member, &[State::Alive], State::Alive);
            }
            Event::Refuted { member, .. } => {
                self.note_change(event, member, &[State::Suspect], State::Alive);
            }
            Event::Suspected { member, .. } => {
                // Also at another incarnation, while an older one is still suspected.
                let before = [State::Alive, State::Suspect];
                self.note_change(event, member, &before, State::Suspect);
            }
            Event::Failed { member, .. } => {
                let before = [State::Alive, State::Suspect, State::Left];
                self.note_change(event, member, &before, State::Failed);
            }
            Event::Left { member, previous, .. } => {
                self.note_change(event, member, &[*previous], State::Left);
            }
            Event::Confirmed { name, .. } => {
                let known = self.told.get(name.as_str()).map(|known| known.state);
                assert_eq!(known, Some(State::Suspect), "{event:?}");
            }
            Event::Unlisted { member, .. } => {
                let known = self.told.remove(member.name.as_str()).map(|known| known.state);
                assert!(known.is_some_and(|state| !state.is_live()), "{known:?} before {event:?}");
                self.highest.remove(member.name.as_str());
            }
            _ => {}
        }
    }

    /// Checks that a known member has changed from one of these states to another.
    fn note_change(&mut self, event: &Event, member: &Member, from: &[State], to: State) {
        let known = self.told.get_mut(member.name.as_str());
        let before = known.as_ref().map(|known| known.state);
        assert!(before.is_some_and(|state| from.contains(&state)), "{before:?} before {event:?}");
        assert_eq!(member.state, to, "{event:?}");
        if let Some(known) = known {
            *known = member.clone();
        }
    }

    fn check_limits(&self) {
        let (config, stats) = (self.node.config(), self.node.stats());
        assert!(stats.updates_queued <= config.update_queue_max);
        assert!(stats.broadcasts_queued <= config.broadcast_queue_max);
        assert!(self.unanswered.len() <= config.requests_max);
        assert_eq!(stats.streams_open, self.streams.len());
        let incoming = self.streams.values().filter(|open| open.incoming).count();
        assert!(incoming <= config.streams_max);
        assert!(self.node.health() < config.awareness_max);
    }

    fn check_self(&mut self) {
        let (status, local) = (self.node.status(), self.node.local());
        let expected = match status {
            Status::Running => State::Alive,
            Status::Leaving | Status::Left => State::Left,
        };
        assert_eq!(local.state, expected, "while {status:?}");
        assert_eq!(local.name, self.node.config().name.as_str());
        assert_eq!(local.address, self.node.config().address);
        let (name, incarnation) = (local.name.to_owned(), local.incarnation);
        self.check_incarnation(name, incarnation);
    }

    /// Checks that the member list matches the events and the limits.
    fn check_members(&mut self) {
        let config = self.node.config();
        let (mut listed, mut live) = (0, 0);
        let mut incarnations = Vec::new();
        for member in self.node.members() {
            listed += 1;
            live += usize::from(member.state.is_live());
            assert!(member.meta.len() <= config.meta_size_max);
            incarnations.push((member.name.to_owned(), member.incarnation));
            assert_eq!(self.node.member(member.name), Some(member));
            if listed == 1 {
                assert_eq!(member, self.node.local(), "the node itself is first");
                continue;
            }
            let told = self.told.get(member.name).expect("told of by an event");
            assert_eq!(
                (told.state, told.address, &told.meta[..], told.versions),
                (member.state, member.address, member.meta, member.versions),
                "{}",
                member.name
            );
        }
        assert!(listed <= config.members_max, "{listed} members");
        assert_eq!(listed, 1 + self.told.len(), "as many as events told of");
        assert_eq!(live, self.node.members_live());
        for (name, incarnation) in incarnations {
            self.check_incarnation(name, incarnation);
        }
    }

    fn check_incarnation(&mut self, name: String, incarnation: Incarnation) {
        let highest = self.highest.entry(name).or_insert(incarnation);
        assert!(incarnation >= *highest, "{incarnation} below {highest}");
        *highest = incarnation;
    }
}
