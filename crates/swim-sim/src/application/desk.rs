//! The desk between an application and its world: requests one way, input the other way.

use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Instant;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use swim_core::{ConnectionError, StreamId};
use swim_driver::ResolveId;

use crate::connection::{Arrival, ConnectionId, Side};

/// The first number of an application's streams and lookups, which no node reaches. A driver's
/// links have numbers from twice this on.
const FIRST: u64 = 1 << 62;

/// The ports assigned to a listener that asks for port 0.
const ANY_PORT: core::ops::RangeInclusive<u16> = 49_152..=65_535;

/// How many connections wait to be accepted at one port; further ones are reset.
const BACKLOG: usize = 256;

/// How many unread bytes a stream buffers; further data waits in the network.
const UNREAD_MAX: usize = 64 << 10;

/// Whether a stream belongs to an application and not to its node.
pub(crate) fn is_of_application(id: StreamId) -> bool {
    (FIRST..FIRST * 2).contains(&id.0)
}

/// A request of an application to its world.
#[derive(Debug)]
pub(crate) enum Want {
    Connect {
        id: StreamId,
        to: SocketAddr,
    },
    Write {
        id: StreamId,
        bytes: Bytes,
    },
    Finish {
        id: StreamId,
    },
    /// It dropped a connection after it had read everything.
    Close {
        id: StreamId,
    },
    /// It dropped a connection with unread data, or before it was open.
    Abort {
        id: StreamId,
    },
    /// It has read, so there is room for the data that waits on this lane.
    Resume {
        lane: (ConnectionId, Side),
    },
    Resolve {
        id: ResolveId,
        host: String,
        port: u16,
    },
}

/// The desk of one process. The world and the application use it in turn.
#[derive(Debug)]
pub(crate) struct Desk {
    address: SocketAddr,
    /// The reading of the host's clock in this turn.
    now: Instant,
    next_id: u64,
    timers: BTreeMap<(Instant, u64), Waker>,
    random: ChaCha8Rng,
    spawned: Vec<Spawned>,
    wants: VecDeque<Want>,
    ends: BTreeMap<StreamId, End>,
    ports: BTreeMap<u16, Port>,
    lookups: BTreeMap<ResolveId, Lookup>,
}

/// A task to start.
pub(crate) struct Spawned(pub(crate) Pin<Box<dyn Future<Output = ()> + Send>>);

/// One end of a connection.
#[derive(Debug, Default)]
struct End {
    opened: bool,
    unread: VecDeque<Bytes>,
    unread_bytes: usize,
    /// The peer has finished sending.
    finished: bool,
    failed: Option<ConnectionError>,
    /// The last write has not left yet.
    writing: bool,
    /// This side has finished sending.
    closed: bool,
    /// The lane whose data waits for room.
    held: Option<(ConnectionId, Side)>,
    reader: Option<Waker>,
    /// Waits for the connection to open, then for the last write to leave.
    writer: Option<Waker>,
}

/// A port on which the application listens.
#[derive(Debug, Default)]
struct Port {
    backlog: VecDeque<(StreamId, SocketAddr)>,
    acceptor: Option<Waker>,
}

#[derive(Debug, Default)]
struct Lookup {
    result: Option<Result<Vec<SocketAddr>, String>>,
    waker: Option<Waker>,
}

impl Desk {
    /// The desk of a process at this address, with the seed of its node.
    pub(crate) fn new(address: SocketAddr, seed: [u8; 32], now: Instant) -> Self {
        // A stream of the generator that neither the core nor the driver uses.
        let mut random = ChaCha8Rng::from_seed(seed);
        random.set_stream(2);
        Desk {
            address,
            now,
            next_id: FIRST,
            timers: BTreeMap::new(),
            random,
            spawned: Vec::new(),
            wants: VecDeque::new(),
            ends: BTreeMap::new(),
            ports: BTreeMap::new(),
            lookups: BTreeMap::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Time, tasks and randomness.
impl Desk {
    /// Begins a turn. Returns the wakers of timers that are due.
    pub(crate) fn begin_turn(&mut self, now: Instant) -> Vec<Waker> {
        self.now = now;
        let later = self.timers.split_off(&(now, u64::MAX));
        core::mem::replace(&mut self.timers, later).into_values().collect()
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// When the first timer fires.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Numbers a timer: the order among timers of the same time.
    pub(crate) fn new_timer(&mut self) -> u64 {
        self.number()
    }

    pub(crate) fn set_timer(&mut self, at: Instant, number: u64, waker: Waker) {
        self.timers.insert((at, number), waker);
    }

    pub(crate) fn cancel_timer(&mut self, at: Instant, number: u64) {
        self.timers.remove(&(at, number));
    }

    pub(crate) fn spawn(&mut self, task: Spawned) {
        self.spawned.push(task);
    }

    pub(crate) fn take_spawned(&mut self) -> Vec<Spawned> {
        core::mem::take(&mut self.spawned)
    }

    pub(crate) fn fill_random(&mut self, bytes: &mut [u8]) {
        self.random.fill_bytes(bytes);
    }

    pub(crate) fn take_want(&mut self) -> Option<Want> {
        self.wants.pop_front()
    }
}

/// Names.
impl Desk {
    pub(crate) fn resolve(&mut self, host: String, port: u16) -> ResolveId {
        let id = ResolveId(self.number());
        self.lookups.insert(id, Lookup::default());
        self.wants.push_back(Want::Resolve { id, host, port });
        id
    }

    pub(crate) fn poll_resolved(
        &mut self,
        id: ResolveId,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Vec<SocketAddr>>> {
        let Some(lookup) = self.lookups.get_mut(&id) else { return Poll::Pending };
        let Some(result) = lookup.result.take() else {
            lookup.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        self.lookups.remove(&id);
        Poll::Ready(result.map_err(io::Error::other))
    }

    /// Stores the result of a lookup. False if the lookup is not the application's.
    pub(crate) fn resolved(
        &mut self,
        id: ResolveId,
        result: &Result<Vec<SocketAddr>, String>,
    ) -> bool {
        if id.0 < FIRST {
            return false;
        }
        if let Some(lookup) = self.lookups.get_mut(&id) {
            lookup.result = Some(result.clone());
            wake(&mut lookup.waker);
        }
        true
    }
}

/// Ports.
impl Desk {
    /// Listens at a port of this host.
    pub(crate) fn listen(&mut self, on: SocketAddr) -> io::Result<SocketAddr> {
        if !(on.ip() == self.address.ip() || on.ip().is_unspecified() || on.ip().is_loopback()) {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let is_free = |port: &u16| *port != self.address.port() && !self.ports.contains_key(port);
        let port = match on.port() {
            0 => ANY_PORT.into_iter().find(is_free),
            port => Some(port).filter(is_free),
        };
        let port = port.ok_or(io::ErrorKind::AddrInUse)?;
        self.ports.insert(port, Port::default());
        Ok(SocketAddr::new(self.address.ip(), port))
    }

    pub(crate) fn listens(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }

    pub(crate) fn stop_listening(&mut self, port: u16) {
        for (id, _) in self.ports.remove(&port).map(|port| port.backlog).unwrap_or_default() {
            self.forget(id);
        }
    }

    /// Queues a connection to a port. `None` if nothing listens there or the backlog is full.
    pub(crate) fn offer(&mut self, port: u16, from: SocketAddr) -> Option<StreamId> {
        let id = StreamId(self.number());
        let listened = self.ports.get_mut(&port)?;
        if listened.backlog.len() >= BACKLOG {
            return None;
        }
        listened.backlog.push_back((id, from));
        wake(&mut listened.acceptor);
        self.ends.insert(id, End { opened: true, ..End::default() });
        Some(id)
    }

    pub(crate) fn poll_accept(
        &mut self,
        port: u16,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(StreamId, SocketAddr)>> {
        let Some(listened) = self.ports.get_mut(&port) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if let Some(accepted) = listened.backlog.pop_front() {
            return Poll::Ready(Ok(accepted));
        }
        listened.acceptor = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Connections, as the application uses them.
impl Desk {
    pub(crate) fn connect(&mut self, to: SocketAddr) -> StreamId {
        let id = StreamId(self.number());
        // Loopback is this host.
        let ip = if to.ip().is_loopback() { self.address.ip() } else { to.ip() };
        self.ends.insert(id, End::default());
        self.wants.push_back(Want::Connect { id, to: SocketAddr::new(ip, to.port()) });
        id
    }

    pub(crate) fn poll_opened(
        &mut self,
        id: StreamId,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let end = self.end(id)?;
        if let Some(error) = end.failed {
            return Poll::Ready(Err(as_io(error)));
        }
        if end.opened {
            return Poll::Ready(Ok(()));
        }
        end.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn poll_read(
        &mut self,
        id: StreamId,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let end = self.end(id)?;
        let Some(first) = end.unread.front_mut() else {
            if end.finished {
                return Poll::Ready(Ok(0));
            }
            if let Some(error) = end.failed {
                return Poll::Ready(Err(as_io(error)));
            }
            end.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let len = first.len().min(buffer.len());
        buffer[..len].copy_from_slice(&first.split_to(len));
        if first.is_empty() {
            end.unread.pop_front();
        }
        end.unread_bytes -= len;
        if let Some(lane) = end.held.take_if(|_| end.unread_bytes < UNREAD_MAX) {
            self.wants.push_back(Want::Resume { lane });
        }
        Poll::Ready(Ok(len))
    }

    pub(crate) fn poll_write(
        &mut self,
        id: StreamId,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        /// The most per write, because it is copied.
        const PIECE: usize = 64 << 10;
        let end = self.end(id)?;
        if let Some(error) = end.failed {
            return Poll::Ready(Err(as_io(error)));
        }
        if end.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if end.writing {
            end.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = bytes.len().min(PIECE);
        if len > 0 {
            end.writing = true;
            self.wants.push_back(Want::Write { id, bytes: Bytes::copy_from_slice(&bytes[..len]) });
        }
        Poll::Ready(Ok(len))
    }

    /// Finishes sending on a connection. Earlier writes still arrive.
    pub(crate) fn finish(&mut self, id: StreamId) -> io::Result<()> {
        let end = self.end(id)?;
        if end.failed.is_none() && !core::mem::replace(&mut end.closed, true) {
            self.wants.push_back(Want::Finish { id });
        }
        Ok(())
    }

    /// Drops a connection. With unread data, or before it is open, the connection is aborted.
    /// Otherwise the peer reads everything, then the end.
    pub(crate) fn forget(&mut self, id: StreamId) {
        let Some(end) = self.ends.remove(&id) else { return };
        if end.failed.is_some() {
            return;
        }
        let clean = end.opened && end.unread.is_empty() && end.held.is_none();
        if !clean {
            return self.wants.push_back(Want::Abort { id });
        }
        if !end.closed {
            self.wants.push_back(Want::Finish { id });
        }
        self.wants.push_back(Want::Close { id });
    }

    fn end(&mut self, id: StreamId) -> io::Result<&mut End> {
        self.ends.get_mut(&id).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// Connections, as the world serves them.
pub(crate) struct Ends<'a>(pub(crate) &'a mut Desk);

impl Ends<'_> {
    /// Whether there is room for more data; if not, `lane` is held until there is.
    pub(crate) fn has_room(&mut self, id: StreamId, lane: (ConnectionId, Side)) -> bool {
        let Some(end) = self.0.ends.get_mut(&id) else { return true };
        let has_room = end.unread_bytes < UNREAD_MAX;
        if !has_room {
            end.held = Some(lane);
        }
        has_room
    }

    pub(crate) fn arrive(&mut self, id: StreamId, arrival: Arrival) {
        let Some(end) = self.0.ends.get_mut(&id) else { return };
        let (opened, failed) =
            (matches!(arrival, Arrival::Opened), matches!(arrival, Arrival::Failed(_)));
        match arrival {
            Arrival::Opened => end.opened = true,
            Arrival::Data(bytes) => {
                end.unread_bytes += bytes.len();
                end.unread.push_back(bytes);
            }
            Arrival::Finished => end.finished = true,
            Arrival::Failed(error) => end.failed = Some(error),
        }
        wake(&mut end.reader);
        if opened || failed {
            wake(&mut end.writer);
        }
    }

    /// The last write has left.
    pub(crate) fn written(&mut self, id: StreamId) {
        if let Some(end) = self.0.ends.get_mut(&id) {
            end.writing = false;
            wake(&mut end.writer);
        }
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

fn as_io(error: ConnectionError) -> io::Error {
    let kind = match error {
        ConnectionError::Refused => io::ErrorKind::ConnectionRefused,
        ConnectionError::Unreachable => io::ErrorKind::HostUnreachable,
        ConnectionError::TimedOut => io::ErrorKind::TimedOut,
        ConnectionError::Reset => io::ErrorKind::ConnectionReset,
        other => return io::Error::other(other),
    };
    io::Error::new(kind, error)
}

impl core::fmt::Debug for Spawned {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Spawned")
    }
}
