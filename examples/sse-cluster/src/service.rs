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

/// The tag in which a node tells its HTTP port.
pub const HTTP_PORT: &str = "http-port";

/// How long the node has to leave. With what stands around it, it is gone within 5 s.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(4);

/// So long a node that has just started waits for what its peers keep, before it says that it is
/// ready: clients that come back then find it there.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(5);

/// A node's part of the broker.
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

/// What the parts of a node share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) settings: Settings,
    /// When this node began to serve.
    started: Instant,
    broker: Mutex<Broker>,
    standing: Mutex<Standing>,
}

impl Shared {
    /// How this node stands among others, after this.
    pub(crate) fn stands(&self, then: impl FnOnce(Standing) -> Standing) -> Standing {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = then(*standing);
        *standing
    }

    /// The peers of whom it has heard nothing yet, unless it has waited long enough for them.
    pub(crate) fn awaited(&self) -> Vec<Member> {
        if self.runtime.now() - self.started >= CATCH_UP_TIME_MAX {
            return Vec::new();
        }
        let (peers, broker) = (self.cluster.peers(), self.broker());
        let unheard = |peer: &Member| broker.position_of(peer.name.as_str()).is_none();
        peers.into_iter().filter(unheard).collect()
    }

    /// What this node knows of events. Nobody waits while it holds this.
    pub(crate) fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SseCluster {
    /// Opens the HTTP port of a node.
    ///
    /// # Errors
    ///
    /// What the system says: the port is taken, say.
    pub fn open(cluster: &Cluster, settings: Settings) -> io::Result<Self> {
        let runtime = cluster.runtime();
        let listener = runtime.listen(settings.http)?;
        let local = cluster.local();
        // Nothing depends on the order of lives: clocks are set back, and starts may fall into one
        // second.
        let life = (u64::from(local.incarnation.0) << 32) | (runtime.random() >> 32);
        let broker = Broker::new(local.name.as_str(), life, settings.kept, settings.flaw);
        let (cluster, broker) = (cluster.clone(), Mutex::new(broker));
        let started = runtime.now();
        let standing = Mutex::new(Standing::first(settings.has_seeds));
        let shared = Arc::new(Shared { cluster, runtime, settings, started, broker, standing });
        Ok(SseCluster { shared, listener })
    }

    /// Where it takes HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// The life of this node as a publisher: events are numbered anew in each.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.shared.broker().own_position().0
    }

    /// Serves until `stop` resolves. Then it ends the clients' streams, and leaves the cluster:
    /// within 5 s.
    ///
    /// # Errors
    ///
    /// The node has stopped, or could not leave.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Departure, Error> {
        let SseCluster { shared, listener } = self;
        let Shared { cluster, runtime, settings, .. } = &*shared;
        let port = listener.local_address().port().to_string();
        let limits = ServerLimits {
            // Peers and requests need some, too.
            connections_max: settings.clients_max + 256,
            // Browsers are behind a proxy, as a rule, and all of them have its address.
            connections_per_address_max: settings.clients_max + 256,
            ..ServerLimits::default()
        };
        let serving = serve(runtime.clone(), listener, limits, Arc::new(Api::new(&shared)));
        let serving = runtime.spawn(serving);
        let tags = Tags::from([(HTTP_PORT, port)]);
        // Others hear of it while this node serves.
        let telling = async {
            // Fails if the node is gone, or another one has its name; then it is told later.
            let _ = cluster.set_tags(&tags).await;
            std::future::pending().await
        };
        or(or(telling, Peers::new(&shared).connect()), stop).await;
        shared.stands(|_| Standing::Leaving);
        // Their streams end, and they connect again, to another node.
        shared.broker().close();
        // A peer that cannot be told within this time finds out.
        let departure = cluster.leave(LEAVE_TIME_MAX).await;
        drop(serving);
        departure
    }
}
