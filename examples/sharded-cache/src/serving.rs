//! Serves connections, within limits on their number and time.
//!
//! A connection is *new* until its first line, for at most 1 s. A forwarded request or a key that
//! is handed over makes it a node's connection, anything else a client's. Each kind has its own
//! places, so that clients cannot keep nodes out.

use std::net::IpAddr;
use std::time::Duration;

use example_lines::{LineError, Lines, NoPlace, Place, Places};
use futures_lite::io::{copy, sink, split};
use futures_lite::{AsyncRead, AsyncWriteExt};
use swim_driver::{Connection, Elapsed};

use crate::cache::Node;
use crate::request::Request;
use crate::settings::LINE_SIZE_MAX;

/// Connections of clients at a time, in total and from one address. Each takes a descriptor and a
/// line.
const CLIENTS_MAX: usize = 512;
const CLIENTS_OF_ADDRESS_MAX: usize = 256;

/// The same for nodes, which open a connection for each request that they forward.
const NODES_MAX: usize = 512;
const NODES_OF_ADDRESS_MAX: usize = 256;

/// The same for new connections.
const NEW_MAX: usize = 256;
const NEW_OF_ADDRESS_MAX: usize = 128;

/// Refused connections that get an `ERR` line at a time. Further ones are closed without an answer,
/// as each takes a descriptor meanwhile.
const REFUSALS_MAX: usize = 32;

/// How long a silent connection counts as new. Then it counts as a client's: nodes write as soon as
/// they are connected.
const NEW_TIME_MAX: Duration = Duration::from_secs(1);

/// Longest idle time of a client, and longest time for a write to it. Meanwhile it takes a place.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(60);

/// The same for nodes, which send all requests at once and read the answers.
const NODE_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest time for the end of a connection.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(1);

/// The places for each kind of connection.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    new: Places,
    clients: Places,
    nodes: Places,
    refusals: Places,
}

impl Room {
    pub(crate) fn new() -> Self {
        Room {
            new: Places::new(NEW_MAX, NEW_OF_ADDRESS_MAX),
            clients: Places::new(CLIENTS_MAX, CLIENTS_OF_ADDRESS_MAX),
            nodes: Places::new(NODES_MAX, NODES_OF_ADDRESS_MAX),
            refusals: Places::new(REFUSALS_MAX, REFUSALS_MAX),
        }
    }

    /// Admits a new connection to be served or, if a limit is reached, to be refused with an `ERR`
    /// line. Returns `None` if too many connections are being refused already.
    pub(crate) fn admit(&self, from: IpAddr) -> Option<Admitted> {
        match self.take(Role::New, from) {
            Ok(place) => Some(Admitted { from, refused: None, place }),
            Err(no_place) => {
                let place = self.refusals.take(from).ok()?;
                Some(Admitted { from, refused: Some(no_place), place })
            }
        }
    }

    fn take(&self, role: Role, from: IpAddr) -> Result<Place, NoPlace> {
        match role {
            Role::New => self.new.take(from),
            Role::Client => self.clients.take(from),
            Role::Node => self.nodes.take(from),
        }
    }
}

/// A connection with a place, to be served or to be refused with an `ERR` line.
pub(crate) struct Admitted {
    from: IpAddr,
    refused: Option<NoPlace>,
    place: Place,
}

/// The kind of peer at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    New,
    Client,
    Node,
}

impl Role {
    /// Returns the longest silence allowed.
    fn time_max(self) -> Duration {
        match self {
            Role::New => NEW_TIME_MAX,
            Role::Client => CLIENT_TIME_MAX,
            Role::Node => NODE_TIME_MAX,
        }
    }

    /// Returns the role of a connection that sends this request.
    fn of(request: &Request) -> Self {
        match request {
            Request::Forwarded(_) | Request::Take { .. } => Role::Node,
            _ => Role::Client,
        }
    }

    /// Returns the `ERR` line that names the limit reached for this role.
    fn refusal(self, node: &str, no_place: NoPlace) -> String {
        let (whom, advice) = match self {
            Role::New => ("newcomers", "try again"),
            Role::Client => ("clients", "use another node"),
            Role::Node => ("other nodes", "try again"),
        };
        format!("ERR node {node} serves {whom} on {no_place}: {advice}")
    }
}

/// The next step after a line.
enum Next {
    /// Answer, and go on.
    Answer(String),
    /// Answer, and close.
    Close(String),
    /// The connection became a client's: wait for its first line.
    Wait,
    /// The connection has ended.
    End,
}

impl Node {
    /// Serves a connection of a client or a node until it ends.
    pub(crate) async fn serve(&self, connection: Connection, admitted: Admitted) {
        let Admitted { from, refused, place } = admitted;
        let (reader, mut writer) = split(connection);
        let mut served = Served { node: self, from, role: Role::New, place };
        let mut lines = Lines::new(reader, LINE_SIZE_MAX);
        loop {
            let next = match refused {
                Some(no_place) => Next::Close(Role::New.refusal(&self.word, no_place)),
                None => served.next(&mut lines).await,
            };
            let (mut answer, goes_on) = match next {
                Next::Answer(answer) => (answer, true),
                Next::Close(answer) => (answer, false),
                Next::Wait => continue,
                Next::End => break,
            };
            answer.push('\n');
            let writing = writer.write_all(answer.as_bytes());
            let limit = match refused {
                Some(_) => CLOSING_TIME_MAX,
                None => served.role.time_max(),
            };
            let written = self.runtime.timeout(limit, writing).await;
            if !matches!(written, Ok(Ok(()))) || !goes_on {
                break;
            }
        }
        let closing = async {
            let _ = writer.close().await;
            // Read to the end: closing a socket with unread bytes may lose the last line on its
            // way.
            copy(lines.into_reader(), sink()).await
        };
        let _ = self.runtime.timeout(CLOSING_TIME_MAX, closing).await;
    }
}

/// A connection being served.
struct Served<'a> {
    node: &'a Node,
    from: IpAddr,
    role: Role,
    /// The place for this role.
    place: Place,
}

impl Served<'_> {
    async fn next<R: AsyncRead + Unpin>(&mut self, lines: &mut Lines<R>) -> Next {
        let line = self.node.runtime.timeout(self.role.time_max(), lines.next()).await;
        let request: Result<Request, _> = match line {
            Ok(Ok(Some(line))) => line.parse(),
            Ok(Err(LineError::NotText)) => Err("the line is not UTF-8"),
            Ok(Err(LineError::TooLong)) => {
                return Next::Close("ERR a line has at most 16384 bytes".into());
            }
            Ok(Ok(None) | Err(LineError::Broken(_))) => return Next::End,
            Err(Elapsed) if self.role == Role::New => {
                return self.become_one(Role::Client).err().map_or(Next::Wait, Next::Close);
            }
            Err(Elapsed) => {
                let seconds = self.role.time_max().as_secs();
                return Next::Close(format!("ERR the connection was idle for {seconds} s"));
            }
        };
        let role = request.as_ref().map_or(Role::Client, Role::of);
        if let Err(refusal) = self.become_one(role) {
            return Next::Close(refusal);
        }
        match request {
            Ok(Request::Quit) => Next::Close("BYE".into()),
            Ok(request) => Next::Answer(self.node.answer(&request).await),
            Err(error) => Next::Answer(format!("ERR {error}")),
        }
    }

    /// Changes to a role, with a place for it in exchange for the current one. Fails with the `ERR`
    /// line.
    fn become_one(&mut self, role: Role) -> Result<(), String> {
        if role != self.role {
            let place = self.node.room.take(role, self.from);
            self.place = place.map_err(|no_place| role.refusal(&self.node.word, no_place))?;
            self.role = role;
        }
        Ok(())
    }
}
