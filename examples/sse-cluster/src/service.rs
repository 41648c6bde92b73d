//! The service: HTTP for clients and peers, and a connection to each peer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use example_http::{ServerLimits, serve};
use futures_lite::future::or;
use swim_driver::{Cluster, Departure, Error, Member, RuntimeHandle, Tags};

use crate::api::Api;
use crate::broker::Broker;
use crate::peers::Peers;
use crate::settings::Settings;
use crate::standing::Standing;

/// The tag with a node's HTTP port.
pub const HTTP_PORT: &str = "http-port";

/// Longest time for the leave. With the steps around it, the node ends within 5 s.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(4);

/// How long a new node waits for its peers' kept events before it is ready, so that clients that
/// come back find those events.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(5);

/// The broker of one node.
///
/// ```no_run
/// use sse_cluster::{Settings, SseCluster};
/// use swim_driver::Cluster;
///
/// async fn serve(cluster: Cluster, stop: impl Future<Output = ()>) -> std::io::Result<()> {
///     let service = SseCluster::open(&cluster, Settings::new("0.0.0.0:8080".parse().unwrap()))?;
///     println!("http://{}", service.address());
///     let departure = service.run(stop).await.map_err(std::io::Error::other)?;
///     println!("{departure}");
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct SseCluster {
    shared: Arc<Shared>,
    listener: swim_driver::Listener,
}

/// The state that the parts of a node share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) settings: Settings,
    /// When this node started to serve.
    started: Instant,
    broker: Mutex<Broker>,
    standing: Mutex<Standing>,
}

impl Shared {
    /// Updates this node's standing, and returns it.
    pub(crate) fn stands(&self, then: impl FnOnce(Standing) -> Standing) -> Standing {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = then(*standing);
        *standing
    }

    /// Returns the peers that have sent nothing yet, or none after [`CATCH_UP_TIME_MAX`].
    pub(crate) fn awaited(&self) -> Vec<Member> {
        if self.runtime.now() - self.started >= CATCH_UP_TIME_MAX {
            return Vec::new();
        }
        let (peers, broker) = (self.cluster.peers(), self.broker());
        let unheard = |peer: &Member| broker.position_of(peer.name.as_str()).is_none();
        peers.into_iter().filter(unheard).collect()
    }

    /// Locks the broker. No task waits while it holds the lock.
    pub(crate) fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SseCluster {
    /// Opens the HTTP port of a node.
    ///
    /// # Errors
    ///
    /// The system's error, for example if the port is in use.
    pub fn open(cluster: &Cluster, settings: Settings) -> io::Result<Self> {
        let runtime = cluster.runtime();
        let listener = runtime.listen(settings.http)?;
        let local = cluster.local();
        // Nothing may depend on the order of lives: a clock may be set back, or a node start twice
        // in one second.
        let life = (u64::from(local.incarnation.0) << 32) | (runtime.random() >> 32);
        let broker = Broker::new(local.name.as_str(), life, settings.kept, settings.flaw);
        let (cluster, broker) = (cluster.clone(), Mutex::new(broker));
        let started = runtime.now();
        let standing = Mutex::new(Standing::first(settings.has_seeds));
        let shared = Arc::new(Shared { cluster, runtime, settings, started, broker, standing });
        Ok(SseCluster { shared, listener })
    }

    /// Returns the address for HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Returns the life of this node as a publisher. Its events are numbered from 1 in each life.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.shared.broker().own_position().0
    }

    /// Serves until `stop` resolves, then ends the streams and leaves the cluster within 5 s.
    ///
    /// # Errors
    ///
    /// The node has stopped, or its leave failed.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Departure, Error> {
        let SseCluster { shared, listener } = self;
        let Shared { cluster, runtime, settings, .. } = &*shared;
        let port = listener.local_address().port().to_string();
        let limits = ServerLimits {
            // Peers and other requests need connections as well.
            connections_max: settings.clients_max + 256,
            // Browsers usually share the address of a proxy.
            connections_per_address_max: settings.clients_max + 256,
            ..ServerLimits::default()
        };
        let serving = serve(runtime.clone(), listener, limits, Arc::new(Api::new(&shared)));
        let serving = runtime.spawn(serving);
        let tags = Tags::from([(HTTP_PORT, port)]);
        // Announce the port while this node already serves.
        let telling = async {
            // This fails if the node is gone, or if another node has its name: then it is announced
            // later.
            let _ = cluster.set_tags(&tags).await;
            std::future::pending().await
        };
        or(or(telling, Peers::new(&shared).connect()), stop).await;
        shared.stands(|_| Standing::Leaving);
        // The clients' streams end, so they connect again, to another node.
        shared.broker().close();
        // A peer not reached in time learns of the leave by gossip, or declares this node failed.
        let departure = cluster.leave(LEAVE_TIME_MAX).await;
        drop(serving);
        departure
    }
}
