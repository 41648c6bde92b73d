//! The sockets that mio waits for.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use swim_driver::StreamId;
use swim_sockets::{Connections, Waits};

/// One token for all sockets: each wakes the same turn, which checks all of them.
const ANY: Token = Token(0);

/// The sockets that mio waits for.
pub(crate) struct Registry {
    poll: Poll,
    events: Events,
    /// The registered connections, with the readiness that each waits for.
    known: BTreeMap<StreamId, (RawFd, Waits)>,
}

impl Registry {
    pub(crate) fn new(datagrams: &UdpSocket, listener: &TcpListener) -> io::Result<Self> {
        let poll = Poll::new()?;
        for socket in [datagrams.as_raw_fd(), listener.as_raw_fd()] {
            poll.registry().register(&mut SourceFd(&socket), ANY, Interest::READABLE)?;
        }
        Ok(Registry { poll, events: Events::with_capacity(256), known: BTreeMap::new() })
    }

    /// Registers new and changed connections. Closed ones are removed by the system.
    pub(crate) fn update(&mut self, connections: &Connections) -> io::Result<()> {
        let mut open = BTreeMap::new();
        for (id, socket, waits) in connections.sockets() {
            let now = (socket.as_raw_fd(), waits);
            open.insert(id, now);
            let (source, interest) = (&mut SourceFd(&now.0), interest(waits));
            let registry = self.poll.registry();
            match self.known.get(&id) {
                Some(&before) if before == now => {}
                Some(_) => registry.reregister(source, ANY, interest)?,
                None => registry.register(source, ANY, interest)?,
            }
        }
        self.known = open;
        Ok(())
    }

    /// Waits until a socket is ready, at most for `limit`.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, limit) {
            // A signal arrived.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            polled => polled,
        }
    }
}

fn interest(waits: Waits) -> Interest {
    match waits {
        Waits::Writable => Interest::READABLE | Interest::WRITABLE,
        _ => Interest::READABLE,
    }
}
