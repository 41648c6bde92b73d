//! The connections for an event loop of your own.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::ops::Bound;
use std::time::Instant;

use socket2::Socket;
use swim_driver::{Action, StreamId, StreamNews};

use crate::polled::Connection;

/// The TCP connections of a node in an event loop of your own.
///
/// Carries out the driver's actions on them, and reports their news. It never waits. The loop calls
/// it at each turn, after waiting for its [sockets](Connections::sockets) or for a few
/// milliseconds.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use swim_driver::{Action, StreamId, StreamNews};
/// use swim_sockets::Connections;
///
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let peer = TcpStream::connect(listener.local_addr()?)?;
/// let mut connections = Connections::default();
/// let (stream, _) = listener.accept()?;
/// connections.accept(StreamId(1), stream);
/// connections.perform(Action::Write { id: StreamId(1), bytes: "hello".into() });
/// let mut buffer = vec![0; 1 << 16];
/// assert_eq!(connections.news(&mut buffer), Some((StreamId(1), StreamNews::Written)));
/// # drop(peer);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Connections {
    table: BTreeMap<StreamId, Connection>,
    /// The last one asked, since they take turns.
    last: Option<StreamId>,
}

impl Connections {
    /// Adds a connection that a peer opened, under the driver's id.
    pub fn accept(&mut self, id: StreamId, stream: TcpStream) {
        let socket = stream.set_nonblocking(true).map(|()| Socket::from(stream));
        self.table.insert(id, Connection::accepted(socket));
    }

    /// Carries out an action on a connection.
    ///
    /// Returns the other actions: [`Action::Send`] and [`Action::Resolve`].
    pub fn perform(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Dial { id, to, timeout, purpose } => {
                let limit = Instant::now() + timeout;
                self.table.insert(id, Connection::dial(to, purpose, limit));
            }
            Action::Write { id, bytes } => {
                if let Some(connection) = self.table.get_mut(&id) {
                    connection.write(bytes);
                }
            }
            Action::Finish { id } => {
                if let Some(connection) = self.table.get_mut(&id) {
                    connection.finish();
                }
            }
            Action::Abort { id } => drop(self.table.remove(&id)),
            other @ (Action::Send { .. } | Action::Resolve { .. }) => return Some(other),
        }
        None
    }

    /// Returns the next news of any connection; received bytes are in `buffer`.
    ///
    /// Drops connections that have ended. Asks the system about each connection, which is fine for
    /// some hundreds.
    pub fn news<'a>(&mut self, buffer: &'a mut [u8]) -> Option<(StreamId, StreamNews<'a>)> {
        for _ in 0..self.table.len() {
            let later = (self.last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
            let next = self.table.range(later).next().or_else(|| self.table.iter().next());
            let id = *next?.0;
            self.last = Some(id);
            let Some(connection) = self.table.get_mut(&id) else { continue };
            if let Some((news, len)) = connection.news(buffer) {
                let news = if len > 0 { StreamNews::Data(&buffer[..len]) } else { news };
                return Some((id, news));
            }
            if connection.is_over() {
                self.table.remove(&id);
            }
        }
        None
    }

    /// The sockets to wait for: until readable.
    ///
    /// For [`Waits::Writable`](Waits::Writable), also until writable.
    pub fn sockets(&self) -> impl Iterator<Item = (StreamId, &Socket, Waits)> {
        self.table
            .iter()
            .filter_map(|(id, connection)| Some((*id, connection.socket()?, connection.waits())))
    }

    /// When to give up a dial: the loop must take a turn by then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.table.values().filter_map(Connection::deadline).min()
    }
}

/// The condition that a connection waits for, besides incoming bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waits {
    /// Nothing.
    Readable,
    /// To be connected, or to be writable.
    Writable,
}

/// Errors are reported by [`Connections::news`], not at the call.
pub(crate) type Opened = io::Result<Socket>;
