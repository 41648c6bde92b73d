//! Runs a node on any runtime and transport: gives the driver a turn when anything happened.

mod buffers;
mod connection;
mod connections;
mod datagrams;
mod names;
mod report;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_channel::Receiver;
use futures_core::Stream;

use crate::action::{Action, Input, Io, StreamNews};
use crate::command::Inbox;
use crate::driver::Driver;
use crate::engine::connections::Connections;
use crate::engine::datagrams::Datagrams;
use crate::engine::names::Names;
use crate::engine::report::{News, Report};
use crate::runtime::{Runtime, Timer};
use crate::transport::Transport;

/// The pause after a failed accept: without file descriptors the next would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections are accepted before the node takes a turn.
const ACCEPTS_PER_TURN_MAX: usize = 16;

/// A turn later than this was delayed by more than scheduling.
const LATE: Duration = Duration::from_millis(50);

/// The number of input sources: datagrams, reports, commands.
const SOURCES: usize = 3;

/// The transport of a node, and the tasks that serve its connections.
pub(crate) struct Engine<T, R: Runtime> {
    runtime: R,
    transport: T,
    timer: R::Timer,
    datagrams: Datagrams<R::Timer>,
    accepting: Accepting<R::Timer>,
    connections: Connections<R>,
    names: Names<R>,
    reports: Pin<Box<Receiver<Report>>>,
    inbox: Inbox,
    /// The source to ask next for input.
    source: usize,
    /// The report that the turn is handling.
    report: Option<Report>,
}

impl<T: Transport, R: Runtime> Engine<T, R> {
    pub(crate) fn new(runtime: R, transport: T, inbox: Inbox) -> Self {
        let (reporting, reports) = report::queue();
        Engine {
            timer: runtime.timer(),
            datagrams: Datagrams::new(runtime.timer()),
            accepting: Accepting { after: None, pause: runtime.timer() },
            connections: Connections::new(runtime.clone(), reporting.clone()),
            names: Names::new(runtime.clone(), reporting),
            runtime,
            transport,
            reports: Box::pin(reports),
            inbox,
            source: 0,
            report: None,
        }
    }

    /// Runs the node until `until` resolves. Then the transport is closed and all tasks have ended.
    pub(crate) async fn run<F: Future>(mut self, mut driver: Driver, until: F) -> F::Output {
        let output = {
            let (mut serving, mut until) = (pin!(self.serve(&mut driver)), pin!(until));
            // In this order, so that a waiting command is answered before the end.
            poll_fn(|cx| match serving.as_mut().poll(cx) {
                Poll::Ready(never) => match never {},
                Poll::Pending => until.as_mut().poll(cx),
            })
            .await
        };
        // Answers waiting callers, and ends the subscriptions.
        drop(driver);
        self.close().await;
        output
    }

    async fn serve(&mut self, driver: &mut Driver) -> Infallible {
        loop {
            poll_fn(|cx| self.poll_until_busy(cx, driver)).await;
            // Lets the connection tasks run.
            self.runtime.yield_now().await;
            // Handles what arrived meanwhile before an overdue timer fires.
            poll_fn(|cx| {
                self.turn(cx, driver);
                Poll::Ready(())
            })
            .await;
        }
    }

    /// Takes turns while there is anything to do. Ready when other tasks must run before the next
    /// turn: more input waits than one turn takes, or the turn is late and the runtime must first
    /// poll the system for arrivals.
    fn poll_until_busy(&mut self, cx: &mut Context<'_>, driver: &mut Driver) -> Poll<()> {
        loop {
            if driver.poll_timeout().is_some_and(|due| self.runtime.now() > due + LATE) {
                return Poll::Ready(());
            }
            if self.turn(cx, driver) {
                return Poll::Ready(());
            }
            match driver.poll_timeout() {
                Some(due) if self.timer.poll_at(cx, due).is_ready() => {}
                _ => return Poll::Pending,
            }
        }
    }

    /// Takes one turn. True if more may be waiting.
    fn turn(&mut self, cx: &mut Context<'_>, driver: &mut Driver) -> bool {
        let now = self.runtime.now();
        self.datagrams.flush(cx, &mut self.transport);
        let more = self.accept(cx, driver, now);
        let mut turn = Turn { engine: self, cx, datagrams_taken: false };
        let more = driver.turn(now, &mut turn) || more;
        self.report = None;
        more
    }

    fn accept(&mut self, cx: &mut Context<'_>, driver: &mut Driver, now: Instant) -> bool {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            match self.accepting.poll(cx, &self.runtime, &mut self.transport) {
                Poll::Ready((stream, from)) => {
                    if let Ok(id) = driver.handle_accept(now, from) {
                        self.connections.serve::<T>(id, stream);
                    }
                }
                Poll::Pending => return false,
            }
        }
        true
    }

    /// Ends all tasks, and waits until they have ended. The system's lookups go on by themselves.
    async fn close(self) {
        let Engine { connections, names, mut reports, .. } = self;
        drop((connections, names));
        while poll_fn(|cx| reports.as_mut().poll_next(cx)).await.is_some() {}
    }
}

/// The connections that peers open.
#[derive(Debug)]
struct Accepting<M> {
    /// Set while accepting fails: when to try again.
    after: Option<Instant>,
    pause: M,
}

impl<M: Timer> Accepting<M> {
    fn poll<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        runtime: &impl Runtime,
        transport: &mut T,
    ) -> Poll<(T::Stream, SocketAddr)> {
        loop {
            if let Some(after) = self.after
                && self.pause.poll_at(cx, after).is_pending()
            {
                return Poll::Pending;
            }
            match transport.poll_accept(cx) {
                Poll::Ready(Ok(accepted)) => {
                    self.after = None;
                    return Poll::Ready(accepted);
                }
                Poll::Ready(Err(error)) => {
                    if self.after.is_none() {
                        tracing::warn!(target: "swim", %error, "cannot accept connections");
                    }
                    self.after = Some(runtime.now() + ACCEPT_PAUSE);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// The driver's view of the engine in one turn.
struct Turn<'a, 'c, T, R: Runtime> {
    engine: &'a mut Engine<T, R>,
    cx: &'a mut Context<'c>,
    /// All waiting datagrams are taken; asking the system again in this turn would cost a call.
    datagrams_taken: bool,
}

impl<T: Transport, R: Runtime> Io for Turn<'_, '_, T, R> {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        for _ in 0..SOURCES {
            let source = self.engine.source;
            self.engine.source = (source + 1) % SOURCES;
            match source {
                0 if self.datagrams_taken => {}
                0 => {
                    let Engine { datagrams, runtime, transport, .. } = &mut *self.engine;
                    match datagrams.poll_receive(self.cx, runtime, transport) {
                        Poll::Ready((from, len)) => {
                            let now = runtime.now();
                            let payload = self.engine.datagrams.received(len);
                            return Some((now, Input::Datagram { from, payload }));
                        }
                        Poll::Pending => self.datagrams_taken = true,
                    }
                }
                1 => {
                    if self.next_report() {
                        let now = self.engine.runtime.now();
                        return self.engine.report.as_mut().and_then(|report| told(now, report));
                    }
                }
                _ => {
                    if let Poll::Ready(Some(command)) = self.engine.inbox.poll_next(self.cx) {
                        return Some((self.engine.runtime.now(), Input::Command(command)));
                    }
                }
            }
        }
        None
    }

    fn perform(&mut self, action: Action) {
        let Engine { datagrams, transport, connections, names, .. } = &mut *self.engine;
        match action {
            Action::Send { to, payload } => datagrams.send(self.cx, transport, to, payload),
            Action::Dial { id, to, timeout, purpose } => {
                connections.dial(id, transport, (to, purpose), timeout);
            }
            Action::Write { id, bytes } => connections.write(id, bytes),
            Action::Finish { id } => connections.finish(id),
            Action::Abort { id } => connections.end(id),
            Action::Resolve { id, host, port } => names.resolve(id, host, port),
        }
    }
}

impl<T: Transport, R: Runtime> Turn<'_, '_, T, R> {
    /// Takes the next report for the driver. False if there is none.
    fn next_report(&mut self) -> bool {
        // Frees the buffer of the last report.
        self.engine.report = None;
        while let Poll::Ready(Some(report)) = self.engine.reports.as_mut().poll_next(self.cx) {
            match report {
                Report::Ended(id) => {
                    self.engine.connections.end(id);
                    continue;
                }
                Report::Resolved(id, _) => self.engine.names.end(id),
                Report::Stream(..) => {}
            }
            self.engine.report = Some(report);
            return true;
        }
        false
    }
}

/// Converts a report into an input of the driver.
fn told(now: Instant, report: &mut Report) -> Option<(Instant, Input<'_>)> {
    let input = match report {
        Report::Stream(id, news) => {
            let news = match news {
                News::Opened => StreamNews::Opened,
                News::Certified(names) => StreamNews::Certified(names),
                News::Data(data) => StreamNews::Data(data.bytes()),
                News::Written => StreamNews::Written,
                News::Finished => StreamNews::Finished,
                News::Failed(error) => StreamNews::Failed(*error),
            };
            Input::Stream { id: *id, news }
        }
        Report::Resolved(id, result) => {
            let result = std::mem::replace(result, Ok(Vec::new()));
            Input::Resolved { id: *id, result }
        }
        Report::Ended(_) => return None,
    };
    Some((now, input))
}
