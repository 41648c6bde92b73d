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

/// The process on a host.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "bare nodes are the common case, and in place")]
pub(crate) enum Process {
    /// A node, which gets all input at once.
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

/// A driver with its surroundings.
#[derive(Debug)]
pub(crate) struct DriverProcess {
    pub(crate) driver: Driver,
    pub(crate) cluster: Cluster,
    /// All events, for the records.
    pub(crate) events: Events,
    pub(crate) sockets: Sockets,
    pub(crate) runtime: VirtualRuntime,
    pub(crate) executor: Executor,
    /// When its next turn is, if one is scheduled.
    pub(crate) called: Option<Instant>,
    /// The standard library's time at which the host's clock shows 0. Drivers use that type, which
    /// has no origin of its own.
    origin: std::time::Instant,
}

/// Input that waits for a driver, in addition to that at its host.
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
    /// Starts a driver; `now` is the reading of its host's clock, counted from `origin`.
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

    /// Converts a reading of the host's clock into the driver's time.
    pub(crate) fn time(&self, reading: Instant) -> std::time::Instant {
        self.origin + reading.since_origin()
    }

    /// Begins a turn at this time, and wakes the tasks that waited for it.
    pub(crate) fn begin_turn(&mut self, now: std::time::Instant) {
        let due = self.runtime.desk().begin_turn(now);
        due.into_iter().for_each(Waker::wake);
    }

    /// Ends the process: drops its application, and answers calls of the test.
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
