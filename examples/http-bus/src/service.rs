//! The service of one node.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future;
use swim_driver::{Change, Cluster, Departure, Error, Events, Listener, Member, Tags, Watch};

use crate::api::Api;
use crate::bus::Peer;
use crate::settings::Settings;
use crate::shared::Shared;
use example_http::serve;

/// The tags by which members find each other: the HTTP port, and the life of the process in
/// hexadecimal.
const PORT_TAG: &str = "http-port";
const LIFE_TAG: &str = "http-life";

/// Longest time for a leaving node to hand on its messages, and then for the leave. Together they
/// stay below the 5 s that a supervisor should allow.
const HAND_ON_TIME_MAX: Duration = Duration::from_secs(2);
const LEAVE_TIME_MAX: Duration = Duration::from_millis(2500);

/// How long a leaving node waits for its readers to take their last line.
const LAST_LINE_TIME_MAX: Duration = Duration::from_secs(1);

/// Pause before tags that could not be announced are announced again.
const ANNOUNCE_PAUSE: Duration = Duration::from_secs(1);

/// Longest interval between removals of expired messages.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// The message bus of one node. Run it beside the node, on any runtime or in the simulator.
///
/// ```no_run
/// use http_bus::{Service, Settings};
/// use swim_tokio::Options;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stop = swim_tokio::stop_signal()?;
/// let service = Service::new(Settings::default())?;
/// let bound = swim_tokio::bind(Options::lan("a".parse()?)).await?;
/// bound.run(|cluster, events| service.run(cluster, events, stop)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Service {
    settings: Settings,
}

/// How a service ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended {
    /// Whether each kept message was handed to another member first.
    pub handed_on: bool,
    /// How the leave went.
    pub departure: Departure,
}

/// Why a service ended without being asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceError {
    /// The HTTP port cannot be opened.
    Listen {
        /// The address with the port.
        address: SocketAddr,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The name of the node cannot be part of a message's id.
    Name(String),
    /// The node has stopped, or its leave failed.
    Node(Error),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceError::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => {
                let (port, host) = (address.port(), address.ip());
                write!(
                    f,
                    "port {port} is in use on {host}: stop the other process, or choose another \
                     port with --http-port"
                )
            }
            ServiceError::Listen { address, error } => {
                write!(f, "cannot listen on {address} for HTTP: {error}")
            }
            ServiceError::Name(name) => write!(
                f,
                "the name {name:?} contains a slash or a control character, which message ids \
                 cannot contain: choose another --name"
            ),
            ServiceError::Node(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServiceError {}

impl Service {
    /// Makes a service with these settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`](crate::SettingsError) for a setting that cannot work.
    pub fn new(settings: Settings) -> Result<Self, crate::SettingsError> {
        settings.check()?;
        Ok(Service { settings })
    }

    /// Runs the service until `stop` resolves, then leaves the cluster within 5 s.
    ///
    /// Before the leave, the service stops publishing, ends its readers' streams with a last line,
    /// and hands on the messages that it keeps.
    ///
    /// # Errors
    ///
    /// [`ServiceError`]: the name or the port cannot be used, the node has stopped, or its leave
    /// failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the service and its tasks at once, without a leave.
    pub async fn run(
        self,
        cluster: Cluster,
        _events: Events,
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, ServiceError> {
        let runtime = cluster.runtime();
        if !Peer::is_name(cluster.local().name.as_str()) {
            return Err(ServiceError::Name(cluster.local().name.to_string()));
        }
        let address = SocketAddr::new(cluster.local_address().ip(), self.settings.http_port);
        let listener =
            runtime.listen(address).map_err(|error| ServiceError::Listen { address, error })?;
        let own = Peer::new(cluster.local().name.as_str(), runtime.random());
        let shared = Arc::new(Shared::new(runtime.clone(), self.settings, own.clone()));
        let running = Running { shared: Arc::clone(&shared) };
        let _announcing = runtime.spawn(announce(cluster.clone(), own, listener.local_address()));
        let work = running.work(listener, cluster.watch());
        let ending = async {
            stop.await;
            shared.stop();
            let settled = runtime.timeout(HAND_ON_TIME_MAX, shared.settled());
            let read_out = runtime.timeout(LAST_LINE_TIME_MAX, shared.read_out());
            // A reader that does not take its last line is closed without it.
            let (settled, _) = future::zip(settled, read_out).await;
            let departure = cluster.leave(LEAVE_TIME_MAX).await.map_err(ServiceError::Node)?;
            Ok(Ended { handed_on: settled.is_ok(), departure })
        };
        future::or(ending, work).await
    }
}

/// The tasks of a service. Dropping this ends them.
struct Running {
    shared: Arc<Shared>,
}

impl Running {
    /// Serves until the node stops.
    async fn work(&self, listener: Listener, watch: Watch) -> Result<Ended, ServiceError> {
        let (runtime, limits) = (self.shared.runtime.clone(), self.shared.settings.server.clone());
        let api = Arc::new(Api { shared: Arc::clone(&self.shared) });
        let serving = async {
            serve(runtime, listener, limits, api).await;
            std::future::pending().await
        };
        let watching = async {
            follow(&self.shared, watch).await;
            Err(ServiceError::Node(Error::Stopped))
        };
        let sweeping = async {
            loop {
                self.shared.runtime.sleep(SWEEP_PAUSE).await;
                let now = self.shared.runtime.now();
                self.shared.look(|bus| bus.expire(now));
            }
        };
        future::or(future::or(watching, serving), sweeping).await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.end_lanes();
    }
}

/// Adds to the node's tags the port and life of this service.
async fn announce(cluster: Cluster, own: Peer, address: SocketAddr) {
    let mut tags = Tags::of(&cluster.local()).unwrap_or_default();
    tags.insert(PORT_TAG, address.port().to_string());
    tags.insert(LIFE_TAG, format!("{:016x}", own.life));
    while let Err(error) = cluster.set_tags(&tags).await {
        if matches!(error, Error::Stopped) {
            return;
        }
        cluster.runtime().sleep(ANNOUNCE_PAUSE).await;
    }
}

/// Follows the live members that take messages, until the node stops.
async fn follow(shared: &Arc<Shared>, mut watch: Watch) {
    while let Some(change) = watch.next().await {
        let member = change.member();
        match (&change, place(member)) {
            (Change::Gone { .. }, _) | (_, None) => shared.part(member.name.as_str()),
            (_, Some((peer, address))) => shared.join(&peer, address),
        }
    }
}

/// Returns the peer that a member's tags announce, and the address at which it takes messages.
fn place(member: &Member) -> Option<(Peer, SocketAddr)> {
    let tags = Tags::of(member).filter(|_| Peer::is_name(member.name.as_str()))?;
    let port = tags.get(PORT_TAG)?.parse().ok()?;
    let life = u64::from_str_radix(tags.get(LIFE_TAG)?, 16).ok()?;
    Some((Peer::new(member.name.as_str(), life), SocketAddr::new(member.address.ip(), port)))
}
