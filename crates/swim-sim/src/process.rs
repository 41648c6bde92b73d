//! The process of a host: a bare node, or a driver with its sockets and its application.

use core::net::SocketAddr;
use core::task::Waker;
use std::collections::VecDeque;

use swim_core::{Instant, Node};
use swim_driver::{
    BindError, Cluster, Command, Driver, Events, Hooks, Inbox, Options, RuntimeHandle,
};

use crate::application::{Desk, Executor, VirtualRuntime};
use crate::connection::ConnectionId;

/// What runs on a host.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "bare nodes are the common case, and in place")]
pub(crate) enum Process {
    /// A node, given everything the instant it happens.
    Node(Node),
    /// A driver, which takes turns.
    Driver(Box<DriverProcess>),
}

impl Process {
    pub(crate) fn node(&self) -> &Node {
        match self {
            Process::Node(node) => node,
            Process::Driver(process) => process.driver.node(),
        }
    }

    /// When it wants to be woken, by its host's clock.
    pub(crate) fn due(&self) -> Option<Instant> {
        match self {
            Process::Node(node) => node.poll_timeout(),
            Process::Driver(process) => process.due(),
        }
    }
}

/// A driver and what surrounds it.
#[derive(Debug)]
pub(crate) struct DriverProcess {
    pub(crate) driver: Driver,
    pub(crate) cluster: Cluster,
    /// All events, for the records.
    pub(crate) events: Events,
    pub(crate) sockets: Sockets,
    pub(crate) runtime: VirtualRuntime,
    pub(crate) executor: Executor,
    /// When it is to run next, if anything has called it.
    pub(crate) called: Option<Instant>,
    /// What the host's clock shows as 0. Drivers take the time from the standard library, whose
    /// instants have no origin of their own.
    origin: std::time::Instant,
}

/// What waits for a driver besides what waits at its host.
#[derive(Debug)]
pub(crate) struct Sockets {
    inbox: Inbox,
    /// Taken from the inbox to see whether there is one.
    command: Option<Command>,
    /// The connections that wait to be accepted.
    pub(crate) backlog: VecDeque<ConnectionId>,
}

impl Sockets {
    /// The next command of the application.
    pub(crate) fn command(&mut self) -> Option<Command> {
        self.command.take().or_else(|| self.inbox.try_next())
    }

    /// Whether a command or a connection waits.
    pub(crate) fn has_some(&mut self) -> bool {
        if self.command.is_none() {
            self.command = self.inbox.try_next();
        }
        self.command.is_some() || !self.backlog.is_empty()
    }
}

impl DriverProcess {
    /// Starts a driver; `now` is what its host's clock shows, counted from `origin`.
    pub(crate) fn start(
        options: &Options,
        hooks: Option<Box<dyn Hooks>>,
        bound: SocketAddr,
        seed: [u8; 32],
        (origin, now): (std::time::Instant, Instant),
    ) -> Result<Self, BindError> {
        let now = origin + now.since_origin();
        let mut driver = match hooks {
            Some(hooks) => Driver::with_hooks(options, hooks, bound, seed, now)?,
            None => Driver::new(options, bound, seed, now)?,
        };
        let inbox = driver.inbox();
        let executor = Executor::new();
        let runtime = VirtualRuntime::new(Desk::new(bound, seed, now), executor.guard());
        driver.set_runtime(RuntimeHandle::new(runtime.clone()));
        Ok(DriverProcess {
            cluster: driver.cluster(),
            events: driver.subscribe_without_limit(),
            sockets: Sockets { inbox, command: None, backlog: VecDeque::new() },
            driver,
            runtime,
            executor,
            called: None,
            origin,
        })
    }

    /// What the host's clock shows, as its driver is told it.
    pub(crate) fn time(&self, reading: Instant) -> std::time::Instant {
        self.origin + reading.since_origin()
    }

    /// Begins a turn at this time: tasks that waited for it are woken.
    pub(crate) fn begin_turn(&mut self, now: std::time::Instant) {
        let due = self.runtime.desk().begin_turn(now);
        due.into_iter().for_each(Waker::wake);
    }

    /// Ends the process: its application is gone, and what the test asked of it is answered.
    pub(crate) fn end(mut self) -> VecDeque<ConnectionId> {
        self.executor.drop_application();
        drop(self.driver);
        self.executor.end();
        self.sockets.backlog
    }

    fn due(&self) -> Option<Instant> {
        let timer = self.runtime.desk().next_timer();
        let due = self.driver.poll_timeout().into_iter().chain(timer).min()?;
        Some(Instant::ORIGIN + due.saturating_duration_since(self.origin))
    }
}

/// An instant for drivers to count from. The standard library has no other way to make one.
pub(crate) fn any_instant() -> std::time::Instant {
    std::time::Instant::now() // Any will do: only what passes since then counts.
}
