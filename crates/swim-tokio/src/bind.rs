//! Opening a node's sockets, and running it.

use std::fmt;
use std::net::SocketAddr;

use swim_driver::{BindError, Cluster, Driver, Events, Hooks, Options};

use crate::adapter::{Adapter, now};
use crate::node::Node;
use crate::sockets::Sockets;

/// Starts a node on the running tokio runtime, and returns the handle that owns it.
///
/// # Errors
///
/// [`BindError`] if a socket cannot be opened or a setting cannot work. The message names the
/// setting to change.
///
/// # Cancel safety
///
/// A dropped future leaves nothing behind.
///
/// # Panics
///
/// Outside of a tokio runtime with input, output and time enabled.
///
/// ```
/// use std::time::Duration;
/// use swim_tokio::Options;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = Options::local("a".parse()?);
/// options.bind = "127.0.0.1:0".parse()?; // any free port
/// let node = swim_tokio::start(options).await?;
/// let cluster = node.cluster();
/// println!("{} listens on {}", cluster.local().name, cluster.local_address());
///
/// let departure = node.shutdown(Duration::from_secs(5)).await?;
/// println!("{departure}");
/// # Ok(())
/// # }
/// ```
pub async fn start(options: Options) -> Result<Node, BindError> {
    Ok(bind(options).await?.spawn())
}

/// Starts a node like [`start`], with `hooks` that decide for the application: whether to admit a
/// member or to accept a merge, and which data and state to give to peers.
///
/// The node calls them and waits for them: they must neither block nor wait for a command of a
/// [`Cluster`]. They may use what a `Cluster` answers without waiting, such as
/// [`members`](Cluster::members). A hook that panics ends the node: [`Node::stopped`] resolves, and
/// commands return [`Error::Stopped`](crate::Error::Stopped).
///
/// # Errors
///
/// As [`start`].
///
/// # Cancel safety
///
/// As [`start`].
///
/// # Panics
///
/// As [`start`].
///
/// ```
/// use swim_tokio::{Hooks, MemberRef, Options};
///
/// /// Admits members whose metadata names this zone.
/// #[derive(Debug)]
/// struct OneZone;
///
/// impl Hooks for OneZone {
///     fn admit(&mut self, member: &MemberRef<'_>) -> bool {
///         member.meta.starts_with(b"zone=a")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = Options::local("a".parse()?);
/// options.bind = "127.0.0.1:0".parse()?;
/// let a = swim_tokio::start_with_hooks(options, Box::new(OneZone)).await?;
///
/// let mut options = Options::local("b".parse()?);
/// options.bind = "127.0.0.1:0".parse()?;
/// options.config.meta = "zone=b".into();
/// let b = swim_tokio::start(options).await?;
///
/// b.cluster().join([a.cluster().local_address()]).await?;
/// assert_eq!(a.cluster().member("b"), None);
/// # Ok(())
/// # }
/// ```
pub async fn start_with_hooks(options: Options, hooks: Box<dyn Hooks>) -> Result<Node, BindError> {
    Ok(bind_with_hooks(options, hooks).await?.spawn())
}

/// Opens the sockets of a node that does not run yet: [run](Bound::run) it in your own task, or
/// [spawn](Bound::spawn) it.
///
/// # Errors
///
/// As [`start`].
///
/// # Cancel safety
///
/// As [`start`].
///
/// # Panics
///
/// As [`start`].
pub async fn bind(options: Options) -> Result<Bound, BindError> {
    let (sockets, seed) = open(&options)?;
    Bound::new(Driver::new(&options, sockets.bound, seed, now())?, sockets)
}

/// Opens the sockets like [`bind`], for a node with hooks as in [`start_with_hooks`]. Under
/// [`Bound::run`] the panic of a hook comes out of that future.
///
/// # Errors
///
/// As [`start`].
///
/// # Cancel safety
///
/// As [`start`].
///
/// # Panics
///
/// As [`start`].
pub async fn bind_with_hooks(options: Options, hooks: Box<dyn Hooks>) -> Result<Bound, BindError> {
    let (sockets, seed) = open(&options)?;
    Bound::new(Driver::with_hooks(&options, hooks, sockets.bound, seed, now())?, sockets)
}

/// A node whose sockets are open, and which does not run yet. Dropping it closes them.
///
/// There is no [`Cluster`] of it before it runs, so no command can wait for a node that nobody
/// polls.
#[must_use = "dropping it closes the node's sockets"]
pub struct Bound {
    driver: Driver,
    adapter: Adapter,
    bound: SocketAddr,
}

impl Bound {
    fn new(driver: Driver, sockets: Sockets) -> Result<Self, BindError> {
        let bound = sockets.bound;
        let adapter = Adapter::new(sockets, driver.inbox()).map_err(|error| BindError::Socket {
            transport: "UDP and TCP",
            address: bound,
            error,
        })?;
        Ok(Bound { driver, adapter, bound })
    }

    /// The address that the node listens on.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.bound
    }

    /// Runs the node beside `application`, in one task, until the future of `application` ends;
    /// then stops the node without a leave, and returns what the application returned.
    ///
    /// The [`Events`] begin with the node's first. When this future resolves, the node's sockets
    /// are closed and its tasks have ended. To be seen as left, have the application await
    /// [`Cluster::leave`] last.
    ///
    /// The node and the application share a task: while one computes, the other waits. Work that
    /// takes more than a few milliseconds belongs into a task of its own.
    ///
    /// # Cancel safety
    ///
    /// A dropped future stops the node at once, without a leave.
    ///
    /// # Panics
    ///
    /// With the panic of a [hook](bind_with_hooks) or of the application.
    ///
    /// ```
    /// use std::time::Duration;
    /// use swim_tokio::Options;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut options = Options::local("a".parse()?);
    /// options.bind = "127.0.0.1:0".parse()?;
    /// let node = swim_tokio::bind(options).await?;
    /// let departure = node
    ///     .run(|cluster, _events| async move {
    ///         println!("{} live members", cluster.live_count());
    ///         cluster.leave(Duration::from_secs(5)).await
    ///     })
    ///     .await?;
    /// println!("{departure}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run<A, F>(self, application: A) -> F::Output
    where
        A: FnOnce(Cluster, Events) -> F,
        F: Future,
    {
        let cluster = self.driver.cluster();
        let (_, events) = cluster.subscribe();
        self.adapter.run(self.driver, application(cluster, events)).await
    }

    /// Runs the node in a task of its own, and returns the handle that owns it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn(self) -> Node {
        Node::spawn(self.driver, self.adapter)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// Opens the sockets of a node, and draws its seed.
fn open(options: &Options) -> Result<(Sockets, [u8; 32]), BindError> {
    options.check()?;
    let sockets = Sockets::open(options.bind)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| BindError::Random { reason: error.to_string() })?;
    Ok((sockets, seed))
}
