//! The await points: waits for anything to happen, and then has the driver take its turn.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use swim_driver::{Action, Command, Driver, Inbox, Input, Io, StreamNews};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{self, sleep_until};

use crate::connections::Connections;
use crate::datagrams::Datagrams;
use crate::report::{News, REPORTS_MAX, Report};
use crate::resolver::Resolver;
use crate::sockets::Sockets;

/// The wait after a failed accept: without file descriptors the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A turn that comes this late has been held up by more than scheduling.
const LATE: Duration = Duration::from_millis(50);

/// The sockets of a node, and the tasks that serve them.
#[derive(Debug)]
pub(crate) struct Adapter {
    datagrams: Datagrams,
    listener: TcpListener,
    /// Set while connections cannot be accepted: when to try again.
    accept_after: Option<time::Instant>,
    connections: Connections,
    resolver: Resolver,
    reports: mpsc::Receiver<Report>,
    inbox: Inbox,
    /// Whose turn it is to be asked for input.
    source: usize,
    /// The socket had no more datagrams in this turn; asking the system again has its price.
    datagrams_taken: bool,

    // What ended the last wait, until the turn takes it.
    accepted: Option<(TcpStream, SocketAddr)>,
    report: Option<Report>,
    command: Option<Command>,
    /// The bytes that the turn is looking at.
    data: Bytes,
}

impl Adapter {
    pub(crate) fn new(sockets: Sockets, inbox: Inbox) -> io::Result<Self> {
        let (reporting, reports) = mpsc::channel(REPORTS_MAX);
        Ok(Adapter {
            datagrams: Datagrams::new(sockets.datagrams)?,
            listener: TcpListener::from_std(sockets.listener)?,
            accept_after: None,
            datagrams_taken: false,
            connections: Connections::new(reporting.clone()),
            resolver: Resolver::new(reporting),
            reports,
            inbox,
            source: 0,
            accepted: None,
            report: None,
            command: None,
            data: Bytes::new(),
        })
    }

    /// Runs the node until `until` resolves. Then the sockets are closed, and all tasks have ended.
    pub(crate) async fn run<F: Future>(mut self, mut driver: Driver, until: F) -> F::Output {
        let output = tokio::select! {
            // In this order a command that waits is answered before the end.
            biased;
            never = self.serve(&mut driver) => match never {},
            output = until => output,
        };
        // Answers the callers that wait, and ends the subscriptions.
        drop(driver);
        self.connections.close().await;
        self.resolver.close().await;
        output
    }

    async fn serve(&mut self, driver: &mut Driver) -> Infallible {
        let mut more = false;
        loop {
            let due = if more { Some(now()) } else { driver.poll_timeout() };
            self.wait(due).await;
            // Lets the tasks of connections run. Before a turn that comes late, also lets the
            // runtime ask the system what arrived meanwhile.
            if more || due.is_some_and(|due| now() > due + LATE) {
                yield_now().await;
            }
            more = self.turn(driver);
        }
    }

    fn turn(&mut self, driver: &mut Driver) -> bool {
        let now = now();
        if let Some((socket, from)) = self.accepted.take()
            && let Ok(id) = driver.handle_accept(now, from)
        {
            self.connections.serve(id, socket);
        }
        self.datagrams_taken = false;
        let more = driver.turn(now, self);
        self.connections.reap();
        more
    }

    async fn wait(&mut self, due: Option<Instant>) {
        tokio::select! {
            () = self.datagrams.readable() => {}
            () = self.datagrams.writable() => self.datagrams.flush(),
            accepted = accept(&self.listener, self.accept_after) => self.accepted(accepted),
            Some(report) = self.reports.recv() => self.report = Some(report),
            Some(command) = self.inbox.next() => self.command = Some(command),
            () = sleep_to(due) => {}
        }
    }

    fn accepted(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok(accepted) => {
                self.accepted = Some(accepted);
                self.accept_after = None;
            }
            Err(error) => {
                if self.accept_after.is_none() {
                    tracing::warn!(target: "swim", %error, "connections cannot be accepted");
                }
                self.accept_after = Some(time::Instant::now() + ACCEPT_PAUSE);
            }
        }
    }

    fn next_report(&mut self) -> Option<Report> {
        self.report.take().or_else(|| self.reports.try_recv().ok())
    }

    fn next_command(&mut self) -> Option<Command> {
        self.command.take().or_else(|| self.inbox.try_next())
    }
}

impl Io for Adapter {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        const SOURCES: usize = 3;
        for _ in 0..SOURCES {
            self.source = (self.source + 1) % SOURCES;
            match self.source {
                0 if self.datagrams_taken => {}
                0 => match self.datagrams.receive() {
                    Some((from, len)) => {
                        let payload = self.datagrams.received(len);
                        return Some((now(), Input::Datagram { from, payload }));
                    }
                    None => self.datagrams_taken = true,
                },
                1 => match self.next_report() {
                    Some(Report::Stream(id, News::Data(data))) => {
                        self.data = data;
                        let news = StreamNews::Data(&self.data);
                        return Some((now(), Input::Stream { id, news }));
                    }
                    Some(Report::Stream(id, news)) => {
                        let news = news.without_data();
                        return Some((now(), Input::Stream { id, news }));
                    }
                    Some(Report::Resolved(id, result)) => {
                        return Some((now(), Input::Resolved { id, result }));
                    }
                    None => {}
                },
                _ => {
                    if let Some(command) = self.next_command() {
                        return Some((now(), Input::Command(command)));
                    }
                }
            }
        }
        None
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send { to, payload } => self.datagrams.send(to, payload),
            Action::Dial { id, to, timeout } => self.connections.dial(id, to, timeout),
            Action::Write { id, bytes } => self.connections.write(id, bytes),
            Action::Finish { id } => self.connections.finish(id),
            Action::Abort { id } => self.connections.abort(id),
            Action::Resolve { id, host, port } => self.resolver.resolve(id, host, port),
        }
    }
}

/// The runtime's time, by which it also sleeps: a test may have paused it.
pub(crate) fn now() -> Instant {
    time::Instant::now().into_std()
}

async fn accept(
    listener: &TcpListener,
    after: Option<time::Instant>,
) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(after) = after {
        sleep_until(after).await;
    }
    listener.accept().await
}

async fn sleep_to(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => pending().await,
    }
}
