//! The driver: a node and its surroundings, without sockets and without a runtime.

mod carrying;
mod joining;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use swim_core::{
    Answer, ConnectionError, Event, Failure, Hooks, Instant as CoreInstant, NoHooks, Node, Output,
    Refused, RequestId, Status, StreamId, StreamInput, StreamOp,
};

use crate::action::{Action, Input, Io, StreamNews};
use crate::advertise::{canonical, hides};
use crate::carrier::Carrier;
use crate::cluster::Cluster;
use crate::command::{Ask, Command, Inbox, Joined, Reply};
use crate::error::{BindError, Error};
use crate::events::Events;
use crate::joins::{JoinFor, Joins};
use crate::leaving::{Departure, Leaving};
use crate::links::Links;
use crate::log;
use crate::options::Options;
use crate::replies::{JoinAnswer, Pending, Replies};
use crate::runtime_handle::RuntimeHandle;
use crate::seeds::Seeds;
use crate::settling::Settling;
use crate::streams::Streams;
use crate::system_clock::SystemClock;
use crate::view::Publisher;

/// How many inputs a turn takes before it looks at its timers.
///
/// After a stall, packets that arrived meanwhile wait in the socket. They should be read before a
/// member is suspected of silence. A receive buffer of Linux's default size holds 256 of the
/// smallest datagrams, so one turn takes all of them, and input from streams too. The number is
/// limited because a flood must not stop the clock: this many inputs take a few milliseconds. For
/// larger buffers, the core's allowance for lateness
/// ([`Config::lateness`](crate::Config::lateness)) covers the rest.
pub const INPUTS_PER_TURN_MAX: usize = 512;

/// A node with its clock, streams, seeds, waiting callers and published members. Does no I/O.
///
/// The inputs are [`handle`](Driver::handle), [`handle_accept`](Driver::handle_accept) and
/// [`handle_timeout`](Driver::handle_timeout); the outputs are [`poll_action`](Driver::poll_action)
/// and [`poll_timeout`](Driver::poll_timeout). An adapter calls [`turn`](Driver::turn), which calls
/// them in the right order, and waits in between.
///
/// Dropping the driver stops the node: waiting commands return [`Error::Stopped`], and all
/// [`Events`](crate::Events) end.
///
/// ```
/// use std::time::Instant;
/// use swim_driver::{Action, Driver, Input, Io, Options};
///
/// /// An adapter without a network: no input arrives, and output is only printed.
/// struct Nowhere;
///
/// impl Io for Nowhere {
///     fn take(&mut self) -> Option<(Instant, Input<'_>)> {
///         None
///     }
///     fn perform(&mut self, action: Action) {
///         println!("{action:?}");
///     }
/// }
///
/// let options = Options::local("a".parse()?);
/// let bound = "127.0.0.1:7946".parse()?; // where the adapter's sockets were bound
/// let mut driver = Driver::new(&options, bound, [7; 32], Instant::now())?;
/// let cluster = driver.cluster();
///
/// driver.turn(Instant::now(), &mut Nowhere);
/// assert_eq!(cluster.members().len(), 1);
/// // ... wait for input or for `driver.poll_timeout()`, and so on.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Driver {
    node: Node,
    clock: SystemClock,
    bound: SocketAddr,
    streams: Streams,
    /// Carry the packets; `None` if packets are datagrams.
    links: Option<Links>,
    replies: Replies,
    leaving: Leaving,
    joins: Joins,
    seeds: Seeds,
    settling: Settling,
    publisher: Publisher,
    commands: (Sender<Command>, Receiver<Command>),
    /// For the application; see [`set_runtime`](Driver::set_runtime).
    runtime: Option<RuntimeHandle>,
    actions: VecDeque<Action>,
    /// Kept for their buffers; empty between calls.
    events: Vec<Event>,
    answers: Vec<(RequestId, Result<Answer, Failure>)>,
}

impl Driver {
    /// Creates a node whose adapter listens on `bound`.
    ///
    /// `seed` is 32 random bytes from the operating system. The first [`turn`](Driver::turn) is due
    /// at once.
    ///
    /// # Errors
    ///
    /// [`BindError`] if a setting cannot work.
    pub fn new(
        options: &Options,
        bound: SocketAddr,
        seed: [u8; 32],
        now: Instant,
    ) -> Result<Driver, BindError> {
        Driver::with_hooks(options, Box::new(NoHooks), bound, seed, now)
    }

    /// Like [`new`](Driver::new), for a node with `hooks`.
    ///
    /// Hooks run within a turn, so they must neither block nor wait for a command of a [`Cluster`].
    /// They may call its functions that do not wait, such as [`members`](Cluster::members), and see
    /// the state before the current input. A hook that panics unwinds through the turn; do not use
    /// the driver after that.
    ///
    /// # Errors
    ///
    /// As for [`new`](Driver::new).
    ///
    /// ```
    /// use std::time::Instant;
    /// use swim_driver::{Driver, Hooks, MemberRef, Options};
    ///
    /// /// Admits members whose metadata names this zone.
    /// #[derive(Debug)]
    /// struct OneZone;
    ///
    /// impl Hooks for OneZone {
    ///     fn admit(&mut self, member: &MemberRef<'_>) -> bool {
    ///         member.meta.starts_with(b"zone=a")
    ///     }
    /// }
    ///
    /// let options = Options::local("a".parse()?);
    /// let bound = "127.0.0.1:7946".parse()?;
    /// let driver =
    ///     Driver::with_hooks(&options, Box::new(OneZone), bound, [7; 32], Instant::now())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_hooks(
        options: &Options,
        hooks: Box<dyn Hooks>,
        bound: SocketAddr,
        seed: [u8; 32],
        now: Instant,
    ) -> Result<Driver, BindError> {
        let seeds = options.parsed_seeds()?;
        let config = options.bound_config(bound)?;
        let stream_timeout = config.stream_timeout;
        let links = match options.transport {
            Carrier::Streams => Some(Links::new(&config, options.links_max, options.link_age_max)),
            Carrier::Datagrams => None,
        };
        let node = Node::with_hooks(config, hooks, seed, CoreInstant::ORIGIN)?;
        // A stream of the generator of its own: independent of the core's draws.
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(1);
        let publisher = Publisher::new(&node, bound, options);
        let local = node.local();
        tracing::info!(
            target: "swim", node = %local.name, %bound, advertise = %local.address,
            incarnation = %local.incarnation, seeds = ?options.seeds, "node started"
        );
        if hides(bound, local.address) {
            tracing::warn!(
                target: "swim", node = %local.name, %bound, advertise = %local.address,
                "the node announces a loopback address, and only this machine can reach it there: \
                 set advertise to an address that peers can reach, or bind to loopback"
            );
        }
        Ok(Driver {
            publisher,
            node,
            clock: SystemClock::new(now),
            bound,
            streams: Streams::new(options.write_buffer_max, stream_timeout),
            links,
            replies: Replies::default(),
            leaving: Leaving::default(),
            joins: Joins::new(options.join_parallel_max),
            seeds: Seeds::new(seeds, rng),
            settling: Settling::new(CoreInstant::ORIGIN),
            commands: async_channel::bounded(options.commands_max.max(1)),
            runtime: None,
            actions: VecDeque::new(),
            events: Vec::new(),
            answers: Vec::new(),
        })
    }

    /// Takes one turn: handles a bounded number of waiting inputs, then the timers.
    ///
    /// Each packet on a link counts as one input. Actions are performed as they arise.
    ///
    /// `now` is the time before the first input is taken. So everything that arrived before `now`
    /// is handled before a timer that is due at `now` fires. An ack that waited in the socket while
    /// the process was stopped never causes a suspicion. Each input counts at the time at which it
    /// was [taken](Io::take), so a ping and its ack in one turn still have a round trip.
    ///
    /// Returns true if more may be waiting. Then let other tasks run, and take the next turn
    /// without waiting.
    pub fn turn(&mut self, now: Instant, io: &mut impl Io) -> bool {
        // Even without input: a changed clock must be noticed before a timer is compared with it.
        self.clock.read(now);
        // Before the inputs too: afterwards an overdue timer may appear due only at the last input.
        let was_due = self.is_due(now);
        let mut taken = 0;
        let mut at = now;
        while taken < INPUTS_PER_TURN_MAX {
            let Some((time, input)) = io.take() else { break };
            // Never back within a turn: the time between would count twice.
            at = at.max(time);
            let packets = self.packets_of_links();
            self.handle(at, input);
            self.perform(io);
            taken += 1 + self.packets_of_links().wrapping_sub(packets);
        }
        if was_due || self.is_due(now) {
            self.handle_timeout(at);
        }
        self.perform(io);
        taken >= INPUTS_PER_TURN_MAX
    }

    fn is_due(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Handles one input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let now = self.clock.read(now);
        match input {
            Input::Datagram { from, payload } => {
                self.node.handle_packet(now, canonical(from), payload);
            }
            Input::Stream { id, news } => self.handle_stream(now, id, news),
            Input::Resolved { id, result } => {
                let addresses = result.map(|addresses| self.usable(addresses));
                if let Some((join, seed, addresses)) =
                    self.joins.resolved(id, addresses, &mut self.actions)
                {
                    self.add_addresses(join, &seed, addresses);
                    self.advance_join(now, join);
                }
            }
            Input::Command(Command(ask)) => self.handle_command(now, ask),
        }
        self.settle(now);
    }

    /// Handles a connection that a peer opened.
    ///
    /// The adapter reports its news under the returned id.
    ///
    /// # Errors
    ///
    /// [`Refused`]: the adapter closes the connection.
    pub fn handle_accept(&mut self, now: Instant, from: SocketAddr) -> Result<StreamId, Refused> {
        let now = self.clock.read(now);
        let accepted = self.node.handle_accept(now, canonical(from));
        match accepted {
            Ok(id) => {
                self.streams.accepted(id);
                if let Some(links) = &mut self.links {
                    links.accepted(id, canonical(from));
                }
            }
            Err(refused) => {
                let node = self.publisher.name();
                tracing::debug!(target: "swim", %node, %from, %refused, "connection refused");
            }
        }
        self.settle(now);
        accepted
    }

    /// Does everything that is due. Safe to call early, late, or twice.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.read(now);
        self.node.handle_timeout(now);
        self.streams.give_up(now, &mut self.actions);
        if let Some(links) = &mut self.links {
            links.handle_timeout(now, &mut self.actions);
        }
        self.settle(now);
        self.leaving.expire(now);
        if self.node.status() == Status::Running {
            for seed in self.seeds.attempts(now) {
                let purpose = JoinFor::Seed(seed.clone());
                self.start_join(now, vec![seed], purpose);
            }
            self.settle(now);
        }
    }

    /// Returns the next action for the adapter.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When the next turn is due if no input comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let seeds = match self.node.status() {
            Status::Running => self.seeds.deadline(),
            Status::Leaving | Status::Left => None,
        };
        let links = self.links.as_ref().and_then(Links::deadline);
        let own = [self.leaving.deadline(), self.streams.deadline(), links, seeds];
        self.clock.system(own.into_iter().flatten().chain(self.node.poll_timeout()).min()?)
    }

    /// A handle for the application. To miss no event, subscribe before the first turn.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.publisher.view(), self.commands.0.clone(), self.runtime.clone())
    }

    /// Gives this runtime to all application handles made from now on; see [`Cluster::runtime`].
    ///
    /// The driver itself does not use it.
    pub fn set_runtime(&mut self, runtime: RuntimeHandle) {
        self.runtime = Some(runtime);
    }

    /// The queue of commands from all handles, for the adapter.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox::new(self.commands.1.clone())
    }

    /// The core node, to inspect its members, settings and counters.
    ///
    /// For test harnesses that check invariants between turns. Applications use their [`Cluster`].
    ///
    /// ```
    /// use std::time::Instant;
    /// use swim_driver::{Driver, Options};
    ///
    /// let options = Options::local("a".parse()?);
    /// let driver = Driver::new(&options, "127.0.0.1:7946".parse()?, [7; 32], Instant::now())?;
    /// assert_eq!(driver.node().members_live(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Subscribes to every event from now on, without the limits of [`Options`].
    ///
    /// For adapters and harnesses that read all waiting events after every turn. Use
    /// [`subscribe`](Cluster::subscribe) elsewhere: here unread events pile up without limit.
    ///
    /// ```
    /// use std::time::Instant;
    /// use swim_driver::{Driver, Options};
    ///
    /// let options = Options::local("a".parse()?);
    /// let driver = Driver::new(&options, "127.0.0.1:7946".parse()?, [7; 32], Instant::now())?;
    /// let mut events = driver.subscribe_without_limit();
    /// assert_eq!(events.try_next(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn subscribe_without_limit(&self) -> Events {
        self.publisher.view().subscribe_up_to(usize::MAX, usize::MAX).1
    }

    fn perform(&mut self, io: &mut impl Io) {
        while let Some(action) = self.poll_action() {
            io.perform(action);
        }
    }

    fn handle_stream(&mut self, now: CoreInstant, id: StreamId, news: StreamNews<'_>) {
        if self.handle_link(now, id, news) {
            return;
        }
        let (known, input) = match news {
            StreamNews::Opened => (self.streams.opened(id, &mut self.actions), StreamInput::Opened),
            StreamNews::Certified(names) => {
                (self.streams.is_known(id), StreamInput::Certified(names))
            }
            StreamNews::Data(bytes) => (self.streams.is_known(id), StreamInput::Data(bytes)),
            StreamNews::Finished => (self.streams.is_known(id), StreamInput::Finished),
            StreamNews::Failed(error) => (self.streams.failed(id), StreamInput::Failed(error)),
            StreamNews::Written => {
                self.streams.written(now, id, &mut self.actions);
                return;
            }
        };
        if known {
            self.node.handle_stream(now, id, input);
        }
    }

    fn handle_command(&mut self, now: CoreInstant, ask: Ask) {
        let node = &mut self.node;
        match ask {
            Ask::Join { seeds, reply } => self.handle_join(now, seeds, reply),
            Ask::AddSeed { seed, reply } => self.handle_add_seed(now, seed, reply),
            Ask::RemoveSeed { seed, reply } => self.handle_remove_seed(now, &seed, reply),
            Ask::Leave { timeout, reply } => self.handle_leave(now, now + timeout, reply),
            Ask::SetMeta { meta, reply } => {
                let asked = node.set_meta(now, meta);
                self.wait(asked, reply, Pending::Done);
            }
            Ask::Broadcast { key, payload, reply } => {
                let asked = node.broadcast_keyed(now, &key, &payload);
                self.wait(asked, reply, Pending::Done);
            }
            Ask::SendReliable { to, payload, reply } => {
                let asked = node.send_reliable(now, &to, &payload);
                self.wait(asked, reply, Pending::Done);
            }
            Ask::Ping { to, reply } => {
                let asked = node.ping(now, &to);
                self.wait(asked, reply, Pending::Pong);
            }
            Ask::Send { to, payload, reply } => answer(reply, node.send(now, &to, &payload)),
            Ask::Forget { name, reply } => answer(reply, node.forget(now, &name)),
            Ask::SetAckPayload { payload, reply } => {
                answer(reply, node.set_ack_payload(now, payload));
            }
            Ask::SetUserState { state, reply } => answer(reply, node.set_user_state(now, state)),
            Ask::InstallKey { key, reply } => answer(reply, node.install_key(now, key)),
            Ask::UseKey { key, reply } => answer(reply, node.use_key(now, &key)),
            Ask::RemoveKey { key, reply } => answer(reply, node.remove_key(now, &key)),
            Ask::Keys { reply } => {
                answer(reply, Ok::<_, Error>(node.config().keyring.keys().cloned().collect()));
            }
            Ask::SetEncryption { encryption, reply } => {
                answer(reply, node.set_encryption(now, encryption));
            }
            Ask::SetLabel { label, also, reply } => {
                answer(reply, node.set_label(now, label, also));
            }
            Ask::Stats { reply } => answer(reply, Ok::<_, Error>(node.stats())),
        }
    }

    /// A second leave joins the one under way.
    fn handle_leave(&mut self, now: CoreInstant, deadline: CoreInstant, reply: Reply<Departure>) {
        match self.node.status() {
            Status::Running => {
                let has_peers = self.node.members_live() > 1;
                match self.node.leave(now) {
                    Ok(request) => {
                        self.joins.stop();
                        self.leaving.begin(request, has_peers);
                        self.leaving.wait(reply, deadline);
                    }
                    Err(error) => answer(reply, Err::<Departure, _>(error)),
                }
            }
            Status::Leaving => self.leaving.wait(reply, deadline),
            Status::Left => answer(reply, self.leaving.outcome()),
        }
    }

    /// Has a caller wait for a request that the core took, or answers it that the core refused.
    fn wait<T>(
        &mut self,
        asked: Result<RequestId, swim_core::CommandError>,
        reply: Reply<T>,
        pending: impl FnOnce(Reply<T>) -> Pending,
    ) {
        match asked {
            Ok(request) => self.replies.wait(request, pending(reply)),
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Passes on everything that the node put out: packets and streams to the adapter, events to
    /// subscribers, and then, once the published members are up to date, answers to callers.
    fn settle(&mut self, now: CoreInstant) {
        loop {
            self.collect(now, None);
            for event in &self.events {
                log::record(self.publisher.name(), event);
            }
            self.settling.note_events(now, &self.events);
            let is_settled = self.settling.is_settled(now, &self.node, &self.joins, &self.seeds);
            self.publisher.publish(&self.node, is_settled, &mut self.events);
            if self.answers.is_empty() {
                break;
            }
            for (request, result) in std::mem::take(&mut self.answers) {
                self.pass_on(now, request, result);
            }
        }
        self.seeds.observe(now, self.node.members_live());
    }

    /// Takes everything that the node put out. Returns the last stream that it opened, if any.
    ///
    /// The core keeps addresses without a scope, as they travel. The address of a `join` is dialled
    /// with the scope that the caller gave.
    fn collect(&mut self, now: CoreInstant, join: Option<SocketAddr>) -> Option<StreamId> {
        let mut opened = None;
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Packet { to, payload, kind } => self.send(now, to, payload, kind),
                Output::Stream { id, mut op } => {
                    match &mut op {
                        StreamOp::Open { to } => {
                            opened = Some(id);
                            *to = join.filter(|join| is_same_but_scope(*join, *to)).unwrap_or(*to);
                        }
                        StreamOp::Close | StreamOp::Abort => self.forget_undecided(id),
                        StreamOp::Send(_) | StreamOp::Finish => {}
                    }
                    if let Some(aborted) = self.streams.apply(now, id, op, &mut self.actions) {
                        let node = self.publisher.name();
                        tracing::debug!(
                            target: "swim", %node, stream = aborted.0,
                            "stream aborted: too much waits for a peer that does not read"
                        );
                        let failed = StreamInput::Failed(ConnectionError::Local);
                        self.node.handle_stream(now, aborted, failed);
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::Answer { request, result } => self.answers.push((request, result)),
            }
        }
        opened
    }

    fn pass_on(&mut self, now: CoreInstant, request: RequestId, result: Result<Answer, Failure>) {
        if self.leaving.answered(request, result.as_ref().map(|_| ())) {
            return;
        }
        let Some(JoinAnswer { join, result }) = self.replies.answer(request, result) else {
            return;
        };
        let result = match result {
            Ok(Answer::Joined { contact, members }) => Ok(Joined { contact, members }),
            Ok(other) => {
                debug_assert!(false, "a join was answered with {other:?}");
                return;
            }
            Err(failure) => Err(failure),
        };
        self.joins.answered(join, request, result);
        self.advance_join(now, join);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The queue exists as long as any handle does, so waiting commands must be dropped here to
        // answer their callers.
        self.commands.1.close();
        while self.commands.1.try_recv().is_ok() {}
        tracing::info!(target: "swim", node = %self.publisher.name(), "node stopped");
    }
}

/// Sends a caller its result. It may have stopped waiting.
fn answer<T, E: Into<Error>>(reply: Reply<T>, result: Result<T, E>) {
    drop(reply.send(result.map_err(Into::into)));
}

/// Whether two addresses differ at most in their scope.
fn is_same_but_scope(one: SocketAddr, other: SocketAddr) -> bool {
    (one.ip(), one.port()) == (other.ip(), other.port())
}

/// An IPv6 socket takes IPv4 addresses only in their mapped form.
fn socket_form(bound: SocketAddr, to: SocketAddr) -> SocketAddr {
    match (bound, to) {
        (SocketAddr::V6(_), SocketAddr::V4(v4)) => {
            SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
        }
        _ => to,
    }
}
