//! Starting a node.

use swim_driver::{BindError, Cluster, Driver, Events, Options};

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
    options.check()?;
    let sockets = Sockets::open(options.bind)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| BindError::Random { reason: error.to_string() })?;
    let bound = sockets.bound;
    let driver = Driver::new(&options, bound, seed, now())?;
    let cluster = driver.cluster();
    let (_, events) = cluster.subscribe();
    let adapter = Adapter::new(sockets, driver.inbox()).map_err(|error| BindError::Socket {
        transport: "UDP and TCP",
        address: bound,
        error,
    })?;
    Ok((cluster, events, adapter.run(driver)))
}
