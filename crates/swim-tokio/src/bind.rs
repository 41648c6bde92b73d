//! Starting a node.

use swim_driver::{BindError, Cluster, Driver, Events, Hooks, Options};

use crate::adapter::{Adapter, now};
use crate::sockets::Sockets;

/// Starts a node: opens its sockets, and returns a handle of it, its events from the first on, and
/// the future that *is* the node.
///
/// Nothing happens until the future runs: spawn it, or await it beside other work. It never ends
/// by itself. Dropping it (or aborting its task) stops everything that it started and closes its
/// sockets, without a goodbye: others see the node fail. To part as a member that left, first
/// await [`Cluster::leave`].
///
/// # Errors
///
/// When a socket cannot be opened, or a setting cannot work. Each message says which setting to
/// change.
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
/// let (cluster, _events, node) = swim_tokio::bind(options).await?;
/// let node = tokio::spawn(node);
///
/// println!("{} listens on {}", cluster.local().name, cluster.local_address());
///
/// cluster.leave(Duration::from_secs(5)).await?;
/// node.abort();
/// # Ok(())
/// # }
/// ```
pub async fn bind(
    options: Options,
) -> Result<(Cluster, Events, impl Future<Output = ()> + Send + 'static), BindError> {
    let (sockets, seed) = open(&options)?;
    run(Driver::new(&options, sockets.bound, seed, now())?, sockets)
}

/// Starts a node like [`bind`] does, that asks `hooks` what the application has to decide at once:
/// whether to admit a member or to accept a merge, and which data and state to give others.
///
/// They are asked within the node's future, which waits for them: they must neither block nor wait
/// for a command of a [`Cluster`]. What a `Cluster` tells without waiting, such as
/// [`members`](Cluster::members), they may ask. A hook that panics ends the node, as if its future
/// were dropped; the panic comes out of whoever polls it.
///
/// # Errors
///
/// As [`bind`].
///
/// # Panics
///
/// As [`bind`].
///
/// ```
/// use swim_tokio::{Hooks, MemberRef, Options};
///
/// /// Lets in whoever says in its metadata that it belongs to this zone.
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
/// let (a, _events, node) = swim_tokio::bind_with_hooks(options, Box::new(OneZone)).await?;
/// tokio::spawn(node);
///
/// let mut options = Options::local("b".parse()?);
/// options.bind = "127.0.0.1:0".parse()?;
/// options.config.meta = "zone=b".into();
/// let (b, _events, node) = swim_tokio::bind(options).await?;
/// tokio::spawn(node);
///
/// b.join([a.local_address()]).await?;
/// assert_eq!(a.member("b"), None);
/// # Ok(())
/// # }
/// ```
pub async fn bind_with_hooks(
    options: Options,
    hooks: Box<dyn Hooks>,
) -> Result<(Cluster, Events, impl Future<Output = ()> + Send + 'static), BindError> {
    let (sockets, seed) = open(&options)?;
    run(Driver::with_hooks(&options, hooks, sockets.bound, seed, now())?, sockets)
}

/// Opens the sockets of a node, and draws its seed.
fn open(options: &Options) -> Result<(Sockets, [u8; 32]), BindError> {
    options.check()?;
    let sockets = Sockets::open(options.bind)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| BindError::Random { reason: error.to_string() })?;
    Ok((sockets, seed))
}

fn run(
    driver: Driver,
    sockets: Sockets,
) -> Result<(Cluster, Events, impl Future<Output = ()> + Send + 'static), BindError> {
    let bound = sockets.bound;
    let cluster = driver.cluster();
    let (_, events) = cluster.subscribe();
    let adapter = Adapter::new(sockets, driver.inbox()).map_err(|error| BindError::Socket {
        transport: "UDP and TCP",
        address: bound,
        error,
    })?;
    Ok((cluster, events, adapter.run(driver)))
}
