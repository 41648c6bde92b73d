//! The loop.

use std::collections::VecDeque;
use std::error::Error;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use signal_hook::consts::TERM_SIGNALS;
use swim_driver::{Action, Driver, Inbox, Input, Io, Notice, Options};
use swim_sockets::{Connections, Sockets};

use crate::registry::Registry;

/// How long the leave may take.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// The most errors of the socket in a row, before the loop does other work.
const ERRORS_SKIPPED_MAX: usize = 64;

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(bind)) = (arguments.next(), arguments.next()) else {
        return Err("usage: mio-loop NAME BIND [SEED]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse()?;
    options.seeds = arguments.collect();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        signal_hook::flag::register(*signal, Arc::clone(&stop))?;
    }

    let sockets = Sockets::open(options.bind)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut driver = Driver::new(&options, sockets.bound, seed, Instant::now())?;
    let cluster = driver.cluster();
    let (_, mut events) = cluster.subscribe();
    println!("{} listens on {}", cluster.local().name, sockets.bound);

    let mut registry = Registry::new(&sockets.datagrams, &sockets.listener)?;
    let mut member = Member::new(sockets.datagrams, driver.inbox());
    let (mut leaving, mut cx) = (None, Context::from_waker(Waker::noop()));
    loop {
        registry.update(&member.connections)?;
        let due = driver.poll_timeout().into_iter().chain(member.connections.deadline()).min();
        registry.wait(due.map(|due| due.saturating_duration_since(Instant::now())))?;
        while let Ok((socket, from)) = sockets.listener.accept() {
            if let Ok(id) = driver.handle_accept(Instant::now(), from) {
                member.connections.accept(id, socket);
            }
        }
        // mio reports readiness once, so turns repeat until no input is left.
        while driver.turn(Instant::now(), &mut member) {}
        while let Some(notice) = events.try_next() {
            if let Notice::Event(event) = notice {
                println!("{event}");
            }
        }
        if stop.load(Ordering::Relaxed) {
            let leave = leaving.get_or_insert_with(|| Box::pin(cluster.leave(LEAVE_MAX)));
            if let Poll::Ready(departure) = leave.as_mut().poll(&mut cx) {
                println!("{}", departure?);
                return Ok(());
            }
            // The command of the leave waits for a turn.
            while driver.turn(Instant::now(), &mut member) {}
        }
    }
}

/// The sockets and inputs of the driver.
struct Member {
    datagrams: UdpSocket,
    connections: Connections,
    inbox: Inbox,
    /// The results of name lookups.
    resolved: VecDeque<Input<'static>>,
    datagram: Vec<u8>,
    piece: Vec<u8>,
    datagrams_first: bool,
}

impl Member {
    fn new(datagrams: UdpSocket, inbox: Inbox) -> Self {
        Member {
            datagrams,
            connections: Connections::default(),
            inbox,
            resolved: VecDeque::new(),
            datagram: vec![0; 1 << 16],
            piece: vec![0; 1 << 16],
            datagrams_first: false,
        }
    }
}

impl Io for Member {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        let now = Instant::now();
        if let Some(input) = self.resolved.pop_front() {
            return Some((now, input));
        }
        if let Some(command) = self.inbox.try_next() {
            return Some((now, Input::Command(command)));
        }
        // Alternates, so that a flood of datagrams does not starve the connections.
        self.datagrams_first = !self.datagrams_first;
        if self.datagrams_first
            && let Some((len, from)) = receive(&self.datagrams, &mut self.datagram)
        {
            return Some((now, Input::Datagram { from, payload: &self.datagram[..len] }));
        }
        if let Some((id, news)) = self.connections.news(&mut self.piece) {
            return Some((now, Input::Stream { id, news }));
        }
        let (len, from) = receive(&self.datagrams, &mut self.datagram)?;
        Some((now, Input::Datagram { from, payload: &self.datagram[..len] }))
    }

    fn perform(&mut self, action: Action) {
        match self.connections.perform(action) {
            // A datagram that cannot be sent is lost.
            Some(Action::Send { to, payload }) => drop(self.datagrams.send_to(&payload, to)),
            Some(Action::Resolve { id, host, port }) => {
                // This blocks. A loop with host names as seeds should resolve them in a thread.
                let addresses = (host, port).to_socket_addrs();
                let result = addresses.map(Iterator::collect).map_err(|error| error.to_string());
                self.resolved.push_back(Input::Resolved { id, result });
            }
            _ => {}
        }
    }
}

/// Returns the next datagram. Skips errors, since mio does not report the remaining ones again.
fn receive(datagrams: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    for _ in 0..ERRORS_SKIPPED_MAX {
        match datagrams.recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(_) => {}
        }
    }
    None
}
