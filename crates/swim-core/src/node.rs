//! The node: every public method, and little but dispatch. What a method does is in the file of its
//! subject.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::address::canonical;
use crate::broadcasts::{Keyed, Seen, Share};
use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::config::Config;
use crate::conflict::Candidates;
use crate::draft::Draft;
use crate::entry::Announcement;
use crate::error::{CommandError, ConfigError, Refused};
use crate::evidence::Evidence;
use crate::gossip::{Finished, Queue};
use crate::health::Health;
use crate::hooks::{Hooks, NoHooks};
use crate::key::Key;
use crate::member::{MemberRef, State};
use crate::members::Members;
use crate::output::{Event, Output, RequestId, StreamId, StreamInput};
use crate::pages::Slot;
use crate::probe::Probes;
use crate::random::Random;
use crate::request::Requests;
use crate::sabotage::Sabotage;
use crate::seal::Sealer;
use crate::stats::Stats;
use crate::stream::Streams;
use crate::suspicion::Suspicions;
use crate::time::Instant;
use crate::timer::{Timer, Timers};
use crate::wire::Lz4;
use crate::wire::memberlist::Lzw;

/// One member of a cluster: the whole protocol, without sockets and without a clock.
///
/// The methods come in this order: constructor; commands (`join`, `leave`, `set_meta`, `broadcast`,
/// `send`, ...); inputs (`handle_*`); outputs (`poll_*`); getters. The crate's page has the loop
/// that drives a node.
///
/// **The one law:** after every call of a command or of `handle_*`, call
/// [`poll_output`](Node::poll_output) until it returns `None`, and
/// [`poll_timeout`](Node::poll_timeout) for when to call
/// [`handle_timeout`](Node::handle_timeout) next.
#[derive(Debug)]
pub struct Node {
    pub(crate) config: Config,
    pub(crate) status: Status,
    /// The address that last announced this node's own name.
    pub(crate) name_taken_by: Option<SocketAddr>,
    /// That address outranks this one: this node announces nothing.
    pub(crate) outranked: bool,
    /// The `leave` that waits for its answer.
    pub(crate) leaving: Option<RequestId>,
    pub(crate) clock: Clock,
    pub(crate) timers: Timers,
    pub(crate) random: Random,
    pub(crate) members: Members,
    pub(crate) health: Health,
    pub(crate) suspicions: Suspicions,
    pub(crate) probes: Probes,
    pub(crate) candidates: Candidates,
    pub(crate) evidence: Evidence,
    /// The member whose packet is being handled: it pinged in it, from its own address.
    pub(crate) packet_source: Option<Slot>,
    pub(crate) updates: Queue,
    pub(crate) broadcasts: Queue,
    pub(crate) share: Share,
    pub(crate) seen: Seen,
    pub(crate) keyed: Keyed,
    /// Tells this life of the node from its earlier ones, for its broadcasts.
    pub(crate) life: u32,
    pub(crate) broadcasts_made: u32,
    pub(crate) streams: Streams,
    /// What is being merged is known to everybody whom this node could tell: it knew nobody before.
    pub(crate) merging_alone: bool,
    /// Not before then is a difference of views repaired by another push/pull.
    pub(crate) next_repair: Instant,
    /// How long to wait after the next repair.
    pub(crate) repair_patience: Duration,
    pub(crate) requests: Requests,
    pub(crate) complaints: Complaints,
    pub(crate) hooks: Box<dyn Hooks>,
    pub(crate) ack_payload: Bytes,
    pub(crate) user_state: Bytes,
    pub(crate) stats: Stats,
    /// When the caller last kept all deadlines; see [`Node::advance`].
    kept_deadlines_at: Instant,
    outputs: VecDeque<Output>,
    pub(crate) sealer: Sealer,
    /// Compresses packets of the native wire.
    pub(crate) lz4: Lz4,
    /// Compresses what is sent on memberlist's.
    pub(crate) lzw: Lzw,
    /// Decompresses what is received. Another one, because answers are sent while a packet is read.
    pub(crate) unpacker: Lzw,
    /// The packet that is being written.
    pub(crate) draft: Draft,
    /// What a sealed packet held.
    pub(crate) opened: Vec<u8>,
    /// What a compressed packet of the native wire held.
    pub(crate) unpacked: Vec<u8>,
    pub(crate) finished: Vec<Finished>,
    /// Where the gossip ticks lie on the time line, so that they keep their rhythm while switched
    /// off for want of news.
    pub(crate) gossip_phase: Duration,
}

/// Whether a node takes part in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It takes part.
    Running,
    /// It said goodbye and is spreading the word.
    Leaving,
    /// It has left: it still answers, but starts nothing. It may join again.
    Left,
}

impl Node {
    /// Starts a node that knows nobody yet.
    ///
    /// `seed` is all the chance the node will ever have: the same seed and the same calls give the
    /// same outputs. Take it from the operating system, or fix it to repeat a run.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Result<Node, ConfigError> {
        Node::with_hooks(config, Box::new(NoHooks), seed, now)
    }

    /// Starts a node that asks `hooks` what the application has to decide at once.
    pub fn with_hooks(
        config: Config,
        hooks: Box<dyn Hooks>,
        seed: [u8; 32],
        now: Instant,
    ) -> Result<Node, ConfigError> {
        config.validate()?;
        let mut random = Random::new(seed);
        let mut members = Members::new(&mut random);
        let own = Announcement {
            incarnation: config.incarnation,
            address: config.address,
            meta: &config.meta,
            versions: config.versions,
        };
        let local = members.add(now, config.name.as_str(), &own);
        debug_assert_eq!(local, Slot::LOCAL);
        let gossip_phase = random.delay(config.gossip_interval);
        let mut node = Node {
            status: Status::Running,
            name_taken_by: None,
            outranked: false,
            leaving: None,
            clock: Clock::new(now),
            timers: Timers::default(),
            members,
            health: Health::new(config.awareness_max, config.lifeguard_health),
            suspicions: Suspicions::default(),
            probes: Probes::new(random.next_u32()),
            candidates: Candidates::default(),
            evidence: Evidence::default(),
            packet_source: None,
            updates: Queue::default(),
            broadcasts: Queue::default(),
            share: Share::default(),
            seen: Seen::default(),
            keyed: Keyed::default(),
            life: random.next_u32(),
            broadcasts_made: 0,
            streams: Streams::default(),
            merging_alone: false,
            next_repair: now,
            repair_patience: config.probe_interval,
            requests: Requests::default(),
            complaints: Complaints::default(),
            hooks,
            ack_payload: Bytes::new(),
            user_state: Bytes::new(),
            stats: Stats::default(),
            kept_deadlines_at: now,
            outputs: VecDeque::new(),
            sealer: Sealer::new(config.keyring.clone(), seed),
            lz4: Lz4::default(),
            lzw: Lzw::default(),
            unpacker: Lzw::default(),
            draft: Draft::default(),
            opened: Vec::new(),
            unpacked: Vec::new(),
            finished: Vec::new(),
            gossip_phase,
            random,
            config,
        };
        node.start_timers();
        Ok(node)
    }

    // Commands.

    /// Joins the cluster that the node at this address belongs to, by a push/pull with it. Answered
    /// with [`Answer::Joined`](crate::Answer::Joined) when that is done, or with why it failed. A
    /// node that has left comes back with a higher incarnation.
    ///
    /// To try several contacts, join each: no join waits for another, and each is a request of its
    /// own.
    pub fn join(&mut self, now: Instant, address: SocketAddr) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_join(address)
    }

    /// Says goodbye. Answered with [`Answer::Left`](crate::Answer::Left) once the goodbye was sent
    /// as often as an update is sent and has had time to spread; until then keep driving the node.
    pub fn leave(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_leave()
    }

    /// Changes the node's metadata. Answered with [`Answer::Spread`](crate::Answer::Spread).
    pub fn set_meta(&mut self, now: Instant, meta: Bytes) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_set_meta(&meta)
    }

    /// Sends a message to every member, by gossip: each member that is alive while it spreads
    /// receives it once with overwhelming probability, in no particular order. At most
    /// [`broadcast_size_max`](Node::broadcast_size_max) bytes. Answered with
    /// [`Answer::Spread`](crate::Answer::Spread).
    pub fn broadcast(&mut self, now: Instant, payload: &[u8]) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_broadcast(&[], payload)
    }

    /// Like [`broadcast`](Node::broadcast), with a key of up to 255 bytes: it replaces an older
    /// broadcast of this node with the same key, wherever that one still waits to be passed on. For
    /// state of which only the latest matters. Key and payload together have at most
    /// [`broadcast_size_max`](Node::broadcast_size_max) bytes.
    pub fn broadcast_keyed(
        &mut self,
        now: Instant,
        key: &[u8],
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_broadcast(key, payload)
    }

    /// Sends a message to one member in a datagram, which may be lost. At most
    /// [`message_size_max`](Node::message_size_max) bytes.
    pub fn send(&mut self, now: Instant, to: &str, payload: &[u8]) -> Result<(), CommandError> {
        self.advance(now);
        self.send_user_message(to, payload)
    }

    /// Sends a message to one member over a stream, at most `reliable_size_max` bytes. Answered
    /// with [`Answer::Delivered`](crate::Answer::Delivered) when the member has acknowledged it. On
    /// memberlist's wire, that is by closing the stream, and an empty message is told to no
    /// application.
    pub fn send_reliable(
        &mut self,
        now: Instant,
        to: &str,
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_send_reliable(to, payload)
    }

    /// Pings a member once, directly. Answered with [`Answer::Pong`](crate::Answer::Pong), or
    /// [`Failure::Timeout`](crate::Failure::Timeout) after a probe interval. Changes nobody's
    /// state.
    pub fn ping(&mut self, now: Instant, to: &str) -> Result<RequestId, CommandError> {
        self.advance(now);
        self.start_ping(to)
    }

    /// Forgets a member that failed or left, and all that is held against it: it is not looked for
    /// any more, and old news may bring it back for a while. For names that will never return.
    pub fn forget(&mut self, now: Instant, name: &str) -> Result<(), CommandError> {
        self.advance(now);
        self.start_forget(name)
    }

    /// Sets the data that this node sends with every ack of a direct ping. Others receive it as
    /// [`Event::AckPayload`]. At most [`ack_payload_size_max`](Node::ack_payload_size_max) bytes;
    /// the less it is, the more room is left for gossip.
    pub fn set_ack_payload(&mut self, now: Instant, payload: Bytes) -> Result<(), CommandError> {
        self.advance(now);
        at_most(payload.len(), self.ack_payload_size_max())?;
        self.ack_payload = payload;
        Ok(())
    }

    /// Sets the application state that this node gives in every push/pull, at most
    /// `user_state_size_max` bytes. Others receive it as [`Event::UserState`].
    pub fn set_user_state(&mut self, now: Instant, state: Bytes) -> Result<(), CommandError> {
        self.advance(now);
        at_most(state.len(), self.config.user_state_size_max)?;
        self.user_state = state;
        Ok(())
    }

    /// Installs a key: from now on this node opens what is sealed with it. False if it was there
    /// already. The first key that is installed is also sealed with.
    ///
    /// To change the key of a running cluster: install the new one everywhere, then
    /// [`use_key`](Node::use_key) it everywhere, then [`remove_key`](Node::remove_key) the old one
    /// everywhere.
    pub fn install_key(&mut self, now: Instant, key: Key) -> Result<bool, CommandError> {
        self.advance(now);
        self.check_cipher(&key)?;
        self.change_keyring(|ring| ring.install(key))
    }

    /// Seals with a key that was installed before.
    pub fn use_key(&mut self, now: Instant, key: &Key) -> Result<(), CommandError> {
        self.advance(now);
        self.change_keyring(|ring| ring.use_key(key))
    }

    /// Removes a key. The one that is sealed with cannot be removed.
    pub fn remove_key(&mut self, now: Instant, key: &Key) -> Result<(), CommandError> {
        self.advance(now);
        self.change_keyring(|ring| ring.remove(key))
    }

    /// Says whether, with keys, what comes in has to be sealed, and what goes out is. To move a
    /// running cluster to encryption: install the key everywhere with neither, then seal everywhere
    /// what goes out, then require it everywhere of what comes in.
    pub fn set_verify(
        &mut self,
        now: Instant,
        incoming: bool,
        outgoing: bool,
    ) -> Result<(), CommandError> {
        self.advance(now);
        self.change_access(|config| {
            (config.verify_incoming, config.verify_outgoing) = (incoming, outgoing);
        })
    }

    /// Takes another label, and says which other one is accepted as well: empty for none at all,
    /// `None` for no other. To move a running cluster to another label: accept the new one
    /// everywhere, then take it everywhere and accept the old one, then accept no other.
    pub fn set_label(
        &mut self,
        now: Instant,
        label: Bytes,
        also: Option<Bytes>,
    ) -> Result<(), CommandError> {
        self.advance(now);
        self.change_label(label, also)
    }

    // Inputs.

    /// Takes a datagram. Whatever it holds, this neither fails nor panics: what cannot be used is
    /// counted in [`Stats::drops`].
    pub fn handle_packet(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.advance(now);
        self.receive_packet(canonical(from), datagram);
    }

    /// Asks whether to take a connection that a peer opened, before reading from it. On `Err`
    /// close it.
    pub fn handle_accept(&mut self, now: Instant, from: SocketAddr) -> Result<StreamId, Refused> {
        self.advance(now);
        self.accept_stream(canonical(from))
    }

    /// Takes news about a stream. News about a stream that the node has given up is ignored.
    pub fn handle_stream(&mut self, now: Instant, id: StreamId, input: StreamInput<'_>) {
        self.advance(now);
        self.receive_stream(id, input);
    }

    /// Does what is due. Safe to call early, late, or twice; called at exactly the time that
    /// [`poll_timeout`](Node::poll_timeout) returned it makes progress. Give the node what has
    /// arrived *before* this, so that an answer that waited in a socket is not taken for silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        if self.config.breaks(Sabotage::Dawdles) && self.kept_deadlines_at != self.now() {
            self.kept_deadlines_at = self.now();
            return;
        }
        self.keep_deadlines();
        self.kept_deadlines_at = self.now();
    }

    // Outputs.

    /// The next thing for the caller to do. Changes no protocol state.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > OUTPUTS_KEPT {
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When to call [`handle_timeout`](Node::handle_timeout), in the caller's time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_deadline().map(|deadline| self.clock.to_caller(deadline))
    }

    // Getters.

    /// Everybody that this node knows, itself first: the live ones, and for a while those that
    /// failed or left.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'_>> + '_ {
        self.members.iter().map(|entry| entry.view())
    }

    /// What this node believes of a listed member.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<MemberRef<'_>> {
        let entry = self.members.entry(self.members.find(name)?);
        (!entry.is_lost()).then(|| entry.view())
    }

    /// This node as it announces itself.
    #[must_use]
    pub fn local(&self) -> MemberRef<'_> {
        self.members.entry(Slot::LOCAL).view()
    }

    /// How many members are alive or suspect, this node included.
    #[must_use]
    pub fn members_live(&self) -> usize {
        self.members.peers() + usize::from(self.local().state == State::Alive)
    }

    /// Whether the node takes part in the cluster.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Local health: 0 is healthy; the higher, the slower this node itself seems to be. Stays below
    /// `awareness_max`.
    #[must_use]
    pub fn health(&self) -> u8 {
        self.health.score()
    }

    /// What the node has done and dropped so far, and how full it is.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            health: self.health(),
            members_live: self.members_live(),
            members_lost: self.members.lost_len(),
            updates_queued: self.updates.len(),
            broadcasts_queued: self.broadcasts.len(),
            streams_open: self.streams.len(),
            ..self.stats.clone()
        }
    }

    /// The configuration that the node was created with, with what commands have changed in it
    /// since: the keyring, whether it must be used, and the labels.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The largest payload of an ack, in bytes.
    #[must_use]
    pub fn ack_payload_size_max(&self) -> usize {
        self.config.message_max() - self.ack_overhead()
    }

    /// The largest payload of [`send`](Node::send), in bytes.
    #[must_use]
    pub fn message_size_max(&self) -> usize {
        self.config.message_max() - self.user_message_overhead()
    }

    /// The largest payload of [`broadcast`](Node::broadcast), in bytes.
    #[must_use]
    pub fn broadcast_size_max(&self) -> usize {
        self.config.message_max() - self.broadcast_overhead()
    }

    // What the parts of the node share.

    /// The node's time.
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn emit(&mut self, event: Event) {
        if (self.config.breaks(Sabotage::HidesFailures) && matches!(event, Event::Failed { .. }))
            || (self.config.breaks(Sabotage::HidesUpdates)
                && matches!(event, Event::Updated { .. }))
        {
            return;
        }
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// (Re)starts the recurring timers, each after a random part of its interval, so that nodes
    /// started together do not act together.
    pub(crate) fn start_timers(&mut self) {
        let now = self.now();
        let first_probe = self.random.delay(self.config.probe_interval);
        self.timers.set(Timer::Probe, now + first_probe);
        let first_sync = self.random.delay(self.config.push_pull_interval);
        if !self.config.push_pull_interval.is_zero() {
            self.timers.set(Timer::PushPull, now + first_sync);
        }
    }

    /// Moves the node's time on. Every command and input begins with this, so that a stall is
    /// noticed before anything that arrived during it is judged.
    fn advance(&mut self, now: Instant) {
        // Nothing was due when deadlines were last kept, so a deadline cannot have been missed by
        // more than the time since then. Spares looking for the deadline on almost every packet.
        let tolerance = self.config.lateness.then_some(self.config.probe_interval);
        let due = if self.now() + self.clock.until(now) - self.kept_deadlines_at
            > self.config.probe_interval
        {
            self.next_deadline()
        } else {
            None
        };
        if let Some(by) = self.clock.advance(now, due, tolerance) {
            self.stats.stalls += 1;
            self.emit(Event::Late { by });
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let timers = self.timers.next();
        let suspicion = self.suspicions.next().map(|(at, _)| at);
        let farewell = self.next_farewell();
        let last_call = self.suspicions.next_last_call();
        let candidate = self.candidates.next_deadline();
        let stream = self.streams.next_deadline();
        let probe = self.probes.next_deadline();
        [timers, suspicion, farewell, last_call, candidate, stream, probe]
            .into_iter()
            .flatten()
            .min()
    }

    fn keep_deadlines(&mut self) {
        let now = self.now();
        self.keep_ping_deadlines(now);
        self.keep_stream_deadlines(now);
        if self.timers.take_due(now, Timer::ProbeTimeout) {
            self.ask_for_help();
        }
        if self.timers.take_due(now, Timer::Probe) {
            self.end_probe_period();
        }
        self.keep_candidate_deadlines(now);
        self.keep_suspicion_deadlines(now);
        self.keep_last_calls(now);
        if self.timers.take_due(now, Timer::Gossip) {
            self.gossip();
        }
        if self.timers.take_due(now, Timer::PushPull) {
            self.start_push_pull();
        }
        if self.timers.take_due(now, Timer::Leave) {
            self.finish_leave();
        }
        self.bid_farewell(now);
    }
}

/// Room for this many outputs is kept. A join can give out one for each of 100,000 members at once,
/// whose memory is given back once they were taken.
const OUTPUTS_KEPT: usize = 256;

/// The check that every payload of a command goes through.
pub(crate) fn at_most(size: usize, max: usize) -> Result<(), CommandError> {
    if size > max { Err(CommandError::TooLarge { size, max }) } else { Ok(()) }
}
