//! A member on the sockets of the standard library, in one thread, without a runtime. It polls its
//! connections every 5 ms.
//!
//! ```sh
//! cargo run -p std-loop -- NAME BIND [SEED]...
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::net::{ToSocketAddrs, UdpSocket};
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use signal_hook::consts::TERM_SIGNALS;
use swim_driver::{Action, Driver, Inbox, Input, Io, Notice, Options};
use swim_sockets::{Connections, Sockets};

/// How long the loop waits for a datagram before it polls its connections.
const LOOK: Duration = Duration::from_millis(5);

fn main() {
    if let Err(e) = run() {
        eprintln!("error: {e}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(bind)) = (arguments.next(), arguments.next()) else {
        return Err("usage: std-loop NAME BIND [SEED]...".into());
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

    let mut member = Member {
        datagrams: sockets.datagrams,
        waiting: VecDeque::new(),
        inbox: driver.inbox(),
        connections: Connections::default(),
        buffer: vec![0; 1 << 16],
        stream_buffer: vec![0; 1 << 16],
        datagrams_first: false,
    };
    // The loop polls the leave again without a waker.
    let (mut leaving, mut cx) = (None, Context::from_waker(Waker::noop()));
    loop {
        member.wait(driver.poll_timeout())?;
        while let Ok((socket, from)) = sockets.listener.accept() {
            if let Ok(id) = driver.handle_accept(Instant::now(), from) {
                member.connections.accept(id, socket);
            }
        }
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
        }
    }
}

/// How long the leave may take.
const LEAVE_MAX: Duration = Duration::from_secs(5);

struct Member {
    datagrams: UdpSocket,
    /// The results of name lookups.
    waiting: VecDeque<Input<'static>>,
    inbox: Inbox,
    connections: Connections,
    buffer: Vec<u8>,
    stream_buffer: Vec<u8>,
    datagrams_first: bool,
}

impl Member {
    /// Waits for a datagram, until `due` at most, and never longer than [`LOOK`].
    fn wait(&self, due: Option<Instant>) -> std::io::Result<()> {
        let left = due.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()));
        self.datagrams.set_nonblocking(false)?;
        // A socket does not accept a timeout of zero.
        self.datagrams.set_read_timeout(Some(left.clamp(Duration::from_micros(1), LOOK)))?;
        // The turn checks for a datagram itself.
        let _ = self.datagrams.peek_from(&mut [0]);
        self.datagrams.set_nonblocking(true)
    }
}

impl Io for Member {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        let now = Instant::now();
        if let Some(input) = self.waiting.pop_front() {
            return Some((now, input));
        }
        if let Some(command) = self.inbox.try_next() {
            return Some((now, Input::Command(command)));
        }
        // Alternates, so that a flood of datagrams does not starve the connections.
        self.datagrams_first = !self.datagrams_first;
        if self.datagrams_first
            && let Ok((len, from)) = self.datagrams.recv_from(&mut self.buffer)
        {
            return Some((now, Input::Datagram { from, payload: &self.buffer[..len] }));
        }
        if let Some((id, news)) = self.connections.news(&mut self.stream_buffer) {
            return Some((now, Input::Stream { id, news }));
        }
        let (len, from) = self.datagrams.recv_from(&mut self.buffer).ok()?;
        Some((now, Input::Datagram { from, payload: &self.buffer[..len] }))
    }

    fn perform(&mut self, action: Action) {
        match self.connections.perform(action) {
            // A datagram that cannot be sent is lost.
            Some(Action::Send { to, payload }) => drop(self.datagrams.send_to(&payload, to)),
            Some(Action::Resolve { id, host, port }) => {
                // This blocks. A loop with host names as seeds should resolve them in a thread.
                let addresses = (host, port).to_socket_addrs();
                let result = addresses.map(Iterator::collect).map_err(|error| error.to_string());
                self.waiting.push_back(Input::Resolved { id, result });
            }
            _ => {}
        }
    }
}
