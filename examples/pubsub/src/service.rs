//! The service beside a node: what it listens on, whom it links to, and how it leaves.

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

/// How many connections of peers are open at once, and of these from one address. Each takes a
/// descriptor and a buffer.
const INTAKES_MAX: usize = 1024;
const INTAKES_OF_ADDRESS_MAX: usize = 512;

/// How long a node that leaves waits until its peers have what it took; with [`LEAVE_TIME_MAX`]
/// less than five seconds.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

/// How long the leave itself may take.
const LEAVE_TIME_MAX: Duration = Duration::from_millis(2500);

/// How long to wait when no connection can be accepted: descriptors have run out.
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
    /// Listens for peers and clients, on the address of the node. Nobody is served before
    /// [`run`](PubSub::run).
    ///
    /// # Errors
    ///
    /// [`StartError`] if a port cannot be had.
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

    /// The addresses at which it listens.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Serves clients and peers until `stop` resolves. Then it takes nothing more, ends its
    /// clients, gives its peers what they do not have yet, and leaves the cluster: within 5 s.
    ///
    /// # Errors
    ///
    /// The node stopped, or its tags have no room for those of the service.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Departure, Error> {
        let PubSub { cluster, runtime, hub, room, data, clients, ports } = self;
        let mut tags = Tags::of(&cluster.local()).unwrap_or_default();
        tags.insert(DATA_PORT, ports.data.port().to_string());
        tags.insert(CLIENT_PORT, ports.clients.port().to_string());
        tags.insert(LIFE, hub.state().life.to_string());
        cluster.set_tags(&tags).await?;
        // Closed when this future ends, and all that it spawned ends with it.
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

/// The parts that all tasks of a running service need.
struct Serving {
    cluster: Cluster,
    runtime: RuntimeHandle,
    hub: Hub,
    room: Room,
    ended: Receiver<()>,
}

impl Serving {
    /// Links to the live members, for as long as the node runs.
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

    /// Links to a member that announces where it takes links.
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

    /// This future, until the service ends.
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

    /// Gives the peers what they do not have yet, and leaves.
    async fn leave(&self) -> Result<Departure, Error> {
        /// How often is looked whether they have it.
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        self.hub.state().leave();
        let drained = async {
            while !self.hub.state().is_drained() {
                self.runtime.sleep(LOOK_EVERY).await;
            }
        };
        // A peer that does not have it by then tells its subscribers of a gap.
        let _ = self.runtime.timeout(DRAIN_TIME_MAX, drained).await;
        self.cluster.leave(LEAVE_TIME_MAX).await
    }
}

/// The life of a member, and the address at which it takes links.
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

/// Why a service cannot start: a port cannot be had.
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
