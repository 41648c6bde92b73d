//! Opens a node's sockets, and runs it.

use swim_driver::{BindError, Hooks, NoHooks, Node, Options, Transport};
#[cfg(feature = "tls")]
use swim_tls::{Tls, TlsTransport};

use crate::runtime::Tokio;
use crate::udp_tcp::UdpTcp;

/// A node that does not run yet; see [`bind`].
pub type Bound<T = UdpTcp> = swim_driver::Bound<T, Tokio>;

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
/// Outside of a tokio runtime with I/O and time enabled.
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
    start_with_hooks(options, Box::new(NoHooks)).await
}

/// Starts a node like [`start`], with `hooks` that decide for the application.
///
/// They decide whether to admit a member or to accept a merge, and which data and state to give to
/// peers. The node waits for each call, so hooks must neither block nor wait for a command of a
/// [`Cluster`](crate::Cluster). They may call its functions that do not wait, such as
/// [`members`](crate::Cluster::members). A hook that panics ends the node: [`Node::stopped`]
/// resolves, and commands return [`Error::Stopped`](crate::Error::Stopped).
///
/// # Errors
///
/// As for [`start`].
///
/// # Cancel safety
///
/// As for [`start`].
///
/// # Panics
///
/// As for [`start`].
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
    #[cfg(feature = "tls")]
    if let Some(files) = options.tls.clone() {
        let tls = Tls::load(files).map_err(BindError::tls)?;
        return Ok(bind_tls(&tls, options, hooks).await?.spawn());
    }
    Ok(bind_with_hooks(options, hooks).await?.spawn())
}

/// Opens the sockets of a node that does not run yet.
///
/// [Run](Bound::run) it in your own task, or [spawn](Bound::spawn) it.
///
/// # Errors
///
/// As for [`start`].
///
/// # Cancel safety
///
/// As for [`start`].
///
/// # Panics
///
/// As for [`start`].
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
pub async fn bind(options: Options) -> Result<Bound, BindError> {
    bind_with_hooks(options, Box::new(NoHooks)).await
}

/// Opens the sockets like [`bind`], for a node with hooks as in [`start_with_hooks`].
///
/// If a hook panics, the future of [`Bound::run`] panics too.
///
/// # Errors
///
/// As for [`start`].
///
/// # Cancel safety
///
/// As for [`start`].
///
/// # Panics
///
/// As for [`start`].
pub async fn bind_with_hooks(options: Options, hooks: Box<dyn Hooks>) -> Result<Bound, BindError> {
    // Reports bad settings before a socket is opened.
    options.check()?;
    let transport = UdpTcp::for_options(&options)?;
    bind_on(transport, options, hooks).await
}

/// Creates a node on a [`Transport`] of your own, which listens already.
///
/// [`Options::bind`] is not used.
///
/// # Errors
///
/// [`BindError`] if a setting cannot work.
///
/// # Cancel safety
///
/// As for [`start`].
///
/// ```
/// use std::time::Duration;
/// use swim_tokio::{MemoryNetwork, NoHooks, Options, bind_on};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Two nodes without a socket.
/// let network = MemoryNetwork::new();
/// let transport = network.open("10.0.0.1:7946".parse()?)?;
/// let a = bind_on(transport, Options::local("a".parse()?), Box::new(NoHooks)).await?.spawn();
/// let transport = network.open("10.0.0.2:7946".parse()?)?;
/// let b = bind_on(transport, Options::local("b".parse()?), Box::new(NoHooks)).await?.spawn();
///
/// let joined = b.cluster().join(["10.0.0.1:7946"]).await?;
/// assert_eq!(joined.members, 2);
/// b.shutdown(Duration::from_secs(5)).await?;
/// # drop(a);
/// # Ok(())
/// # }
/// ```
pub async fn bind_on<T: Transport>(
    transport: T,
    options: Options,
    hooks: Box<dyn Hooks>,
) -> Result<Bound<T>, BindError> {
    Bound::new(Tokio, transport, &options, hooks)
}

/// Opens the sockets of a node whose streams use TLS with these certificates.
///
/// [`Options::tls`] is not read. Only a keyring protects datagrams. [`start`] does the same by
/// itself if [`Options::tls`] is set. Here you keep `tls`, to [reload](Tls::reload) renewed
/// certificates.
///
/// # Errors
///
/// As for [`bind`].
///
/// # Cancel safety
///
/// As for [`start`].
///
/// ```no_run
/// use swim_tokio::{NoHooks, Options, Tls, TlsFiles, bind_tls};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::load(TlsFiles::new("ca.pem", "node.pem", "node.key"))?;
/// let options = Options::lan("cache-7".parse()?);
/// let node = bind_tls(&tls, options, Box::new(NoHooks)).await?.spawn();
///
/// // When the files have changed: later connections use the new ones.
/// tls.reload()?;
/// # drop(node);
/// # Ok(())
/// # }
/// ```
#[cfg(feature = "tls")]
pub async fn bind_tls(
    tls: &Tls,
    options: Options,
    hooks: Box<dyn Hooks>,
) -> Result<Bound<TlsTransport<UdpTcp>>, BindError> {
    options.check()?;
    let transport = tls.wrap(UdpTcp::for_options(&options)?);
    bind_on(transport, options, hooks).await
}
