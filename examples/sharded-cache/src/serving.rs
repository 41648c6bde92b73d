//! Serving connections: which place each takes, and how long it may keep it.

use std::net::IpAddr;
use std::time::Duration;

use example_lines::{LineError, Lines, NoPlace, Place, Places};
use futures_lite::io::{copy, sink, split};
use futures_lite::{AsyncRead, AsyncWriteExt};
use swim_driver::{Connection, Elapsed};

use crate::cache::Node;
use crate::request::Request;
use crate::settings::LINE_SIZE_MAX;

/// How many connections of clients are open at once, and of these from one address. Each takes a
/// descriptor and a line.
const CLIENTS_MAX: usize = 512;
const CLIENTS_OF_ADDRESS_MAX: usize = 256;

/// The same for nodes, which have a connection for each request that they forward. Clients take
/// none of these places, so that they cannot keep a node from its keys.
const NODES_MAX: usize = 512;
const NODES_OF_ADDRESS_MAX: usize = 256;

/// The same for connections that have said nothing yet, and so may be either.
const NEW_MAX: usize = 256;
const NEW_OF_ADDRESS_MAX: usize = 128;

/// How many connections without a place are told so at once. Those beyond these are closed without
/// a word, as each takes a descriptor meanwhile.
const REFUSALS_MAX: usize = 32;

/// How long a connection that says nothing counts as new. Then it counts as a client's: nodes write
/// as soon as they are connected.
const NEW_TIME_MAX: Duration = Duration::from_secs(1);

/// How long a client may be idle, and how long a write to it may take: it takes a place meanwhile.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(60);

/// The same for nodes, which write all that they have to say at once, and read the answers.
const NODE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long the end of a connection may take.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(1);

/// The places for connections.
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

    /// A place for a new connection, or what it is told, unless too many are told so already.
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

/// A connection that has a place, if only to be told that it has none.
pub(crate) struct Admitted {
    from: IpAddr,
    refused: Option<NoPlace>,
    place: Place,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    New,
    Client,
    Node,
}

impl Role {
    /// How long it may say nothing.
    fn time_max(self) -> Duration {
        match self {
            Role::New => NEW_TIME_MAX,
            Role::Client => CLIENT_TIME_MAX,
            Role::Node => NODE_TIME_MAX,
        }
    }

    /// The role in which a connection asks this.
    fn of(request: &Request) -> Self {
        match request {
            Request::Forwarded(_) | Request::Take { .. } => Role::Node,
            _ => Role::Client,
        }
    }

    /// Whose limit is reached, for a connection in this role.
    fn refusal(self, node: &str, no_place: NoPlace) -> String {
        let (whom, advice) = match self {
            Role::New => ("newcomers", "try again"),
            Role::Client => ("clients", "use another node"),
            Role::Node => ("other nodes", "try again"),
        };
        format!("ERR node {node} serves {whom} on {no_place}: {advice}")
    }
}

/// What to do after a line.
enum Next {
    /// Answer, and go on.
    Answer(String),
    /// Answer, and close.
    Close(String),
    /// It is no new connection any more.
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
            // A connection that is dropped with something unread may take the last line with it.
            copy(lines.into_reader(), sink()).await
        };
        let _ = self.runtime.timeout(CLOSING_TIME_MAX, closing).await;
    }
}

/// A connection that is served.
struct Served<'a> {
    node: &'a Node,
    from: IpAddr,
    role: Role,
    /// That of the role.
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

    /// Takes a place of this role, and gives up the one it has. Fails with the answer.
    fn become_one(&mut self, role: Role) -> Result<(), String> {
        if role != self.role {
            let place = self.node.room.take(role, self.from);
            self.place = place.map_err(|no_place| role.refusal(&self.node.word, no_place))?;
            self.role = role;
        }
        Ok(())
    }
}
