//! The service beside a node: its listeners, its links, and its leave.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::{fmt, io};

use async_channel::Receiver;
use example_lines::Places;
use futures_lite::future;
use swim_driver::{
    Change, Cluster, Connection, Departure, Error, Listener, Member, RuntimeHandle, Tags,
};

use crate::hub::Hub;
use crate::life::Life;
use crate::link::Link;
use crate::session::Room;
use crate::settings::Settings;
use crate::{intake, session};

/// The tag with the port for peers.
pub const DATA_PORT: &str = "data-port";

/// The tag with the port for clients.
pub const CLIENT_PORT: &str = "client-port";

/// The tag with the life of a node.
pub const LIFE: &str = "life";

/// Incoming links at a time, in total and from one address. Each takes a descriptor and a buffer.
const INTAKES_MAX: usize = 1024;
const INTAKES_OF_ADDRESS_MAX: usize = 512;

/// How long a leaving node waits for its peers to receive its messages. Together with
/// [`LEAVE_TIME_MAX`] it is less than 5 s.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// Longest time for the leave itself.
const LEAVE_TIME_MAX: Duration = Duration::from_millis(2500);

/// Pause after a failed accept: the process is out of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The addresses at which a node of the service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ports {
    /// For peers.
    pub data: SocketAddr,
    /// For clients.
    pub clients: SocketAddr,
}

/// The service beside a node of a cluster.
#[derive(Debug)]
pub struct PubSub {
    cluster: Cluster,
    runtime: RuntimeHandle,
    hub: Hub,
    room: Room,
    data: Listener,
    clients: Listener,
    ports: Ports,
}

impl PubSub {
    /// Listens for peers and clients on the node's address. Connections are served from
    /// [`run`](PubSub::run) on.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a port cannot be opened.
    pub fn start(cluster: Cluster, settings: &Settings) -> Result<Self, StartError> {
        let runtime = cluster.runtime();
        let ip = cluster.local_address().ip();
        let data = listen(&runtime, ip, settings.data_port, "--data-port")?;
        let clients = listen(&runtime, ip, settings.client_port, "--client-port")?;
        let ports = Ports { data: data.local_address(), clients: clients.local_address() };
        let hub = Hub::new(&cluster.local().name, Life(runtime.random()), settings);
        let room = Room::new(settings);
        Ok(PubSub { cluster, runtime, hub, room, data, clients, ports })
    }

    /// Returns the addresses at which the service listens.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Serves clients and peers until `stop` resolves, then leaves the cluster within 5 s.
    ///
    /// The leave ends the clients' connections and sends peers the messages that they do not have
    /// yet.
    ///
    /// # Errors
    ///
    /// The node stopped, its tags have no room for those of the service, or no peer received the
    /// leave.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Departure, Error> {
        let PubSub { cluster, runtime, hub, room, data, clients, ports } = self;
        let mut tags = Tags::of(&cluster.local()).unwrap_or_default();
        tags.insert(DATA_PORT, ports.data.port().to_string());
        tags.insert(CLIENT_PORT, ports.clients.port().to_string());
        tags.insert(LIFE, hub.state().life.to_string());
        cluster.set_tags(&tags).await?;
        // Closed when this future ends, which ends every task that it spawned.
        let (_running, ended) = async_channel::bounded(1);
        let service = Serving { cluster, runtime, hub, room, ended };
        let leaving = async {
            stop.await;
            service.leave().await
        };
        let following = async {
            service.follow().await;
            Err(Error::Stopped)
        };
        let accepting = future::zip(service.accept_peers(data), service.accept_clients(clients));
        let accepting = async {
            accepting.await;
            future::pending().await
        };
        future::or(leaving, future::or(following, accepting)).await
    }
}

/// The parts that the tasks of a running service share.
struct Serving {
    cluster: Cluster,
    runtime: RuntimeHandle,
    hub: Hub,
    room: Room,
    ended: Receiver<()>,
}

impl Serving {
    /// Keeps a link to each live member while the node runs.
    async fn follow(&self) {
        let mut watch = self.cluster.watch();
        while let Some(change) = watch.next().await {
            match &change {
                Change::Gone { member, .. } => self.hub.state().peer_gone(&member.name),
                Change::Replaced { member, .. } => {
                    self.hub.state().peer_gone(&member.name);
                    self.seen(member);
                }
                _ => self.seen(change.member()),
            }
        }
    }

    /// Starts a link to a member that announces the service in its tags.
    fn seen(&self, member: &Member) {
        let Some((life, address)) = place_of(member) else { return };
        if !self.hub.state().peer_seen(&member.name, life, address) {
            return;
        }
        let (hub, runtime, name) = (self.hub.clone(), self.runtime.clone(), member.name.clone());
        let link = Link { hub, runtime, name, life };
        let task = self.runtime.spawn(self.until_ended(link.keep()));
        if let Some(peer) = self.hub.state().peers.get_mut(&member.name) {
            peer.outgoing.task = Some(task);
        }
    }

    async fn accept_peers(&self, mut listener: Listener) {
        let places = Places::new(INTAKES_MAX, INTAKES_OF_ADDRESS_MAX);
        loop {
            let (connection, from) = self.accept(&mut listener).await;
            let Ok(place) = places.take(from.ip()) else { continue };
            let (hub, runtime) = (self.hub.clone(), self.runtime.clone());
            let serving = async move {
                intake::serve(hub, runtime, connection).await;
                drop(place);
            };
            self.runtime.spawn(self.until_ended(serving)).detach();
        }
    }

    async fn accept_clients(&self, mut listener: Listener) {
        loop {
            let (connection, from) = self.accept(&mut listener).await;
            let Some(admitted) = self.room.admit(from.ip()) else { continue };
            let (hub, runtime) = (self.hub.clone(), self.runtime.clone());
            let serving = session::serve(hub, runtime, connection, admitted);
            self.runtime.spawn(self.until_ended(serving)).detach();
        }
    }

    async fn accept(&self, listener: &mut Listener) -> (Connection, SocketAddr) {
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                Err(_) => self.runtime.sleep(ACCEPT_AGAIN).await,
            }
        }
    }

    /// Runs a future, and drops it when the service ends.
    fn until_ended(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let ended = self.ended.clone();
        let ends = async move {
            let _ = ended.recv().await;
        };
        future::or(future, ends)
    }

    /// Sends peers the messages that they do not have yet, and leaves.
    async fn leave(&self) -> Result<Departure, Error> {
        /// How often to check whether the peers have everything.
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        self.hub.state().leave();
        let drained = async {
            while !self.hub.state().is_drained() {
                self.runtime.sleep(LOOK_EVERY).await;
            }
        };
        // A peer that does not have everything by then reports a gap to its subscribers.
        let _ = self.runtime.timeout(DRAIN_TIME_MAX, drained).await;
        self.cluster.leave(LEAVE_TIME_MAX).await
    }
}

/// Returns a member's life, and the address at which it accepts links.
fn place_of(member: &Member) -> Option<(Life, SocketAddr)> {
    let tags = Tags::of(member)?;
    let port = tags.get(DATA_PORT)?.parse().ok()?;
    Some((tags.get(LIFE)?.parse().ok()?, SocketAddr::new(member.address.ip(), port)))
}

fn listen(
    runtime: &RuntimeHandle,
    ip: IpAddr,
    port: u16,
    flag: &'static str,
) -> Result<Listener, StartError> {
    let address = SocketAddr::new(ip, port);
    runtime.listen(address).map_err(|error| StartError { address, flag, error })
}

/// Why a service cannot start: a port cannot be opened.
#[derive(Debug)]
pub struct StartError {
    address: SocketAddr,
    flag: &'static str,
    error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StartError { address, flag, error } = self;
        match error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "port {} is in use on {}: stop the other process, or choose another port with \
                 {flag}",
                address.port(),
                address.ip()
            ),
            _ => write!(f, "cannot listen on {address}: {error}; see {flag}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
