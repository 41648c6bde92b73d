//! Serving the control API of a node.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use swim_tokio::Cluster;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::connections;
use crate::error::ServeError;
use crate::options::ServeOptions;
#[cfg(unix)]
use crate::socket::SocketFile;

/// Serves the control API of a node, in tasks of the running tokio.
///
/// The API goes on until the returned handle is dropped or [shut down](Served::shutdown). It does
/// not keep the node alive: once the node has stopped, requests are answered with 503.
///
/// Requests never hold up the node: lists are made on a blocking thread, and all else is bounded by
/// [limits](crate::limits).
///
/// ```
/// use swim_agent::{ServeOptions, client::Client, serve};
/// use swim_tokio::{Options, start};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = Options::local("cache-7".parse()?);
/// options.bind = "127.0.0.1:0".parse()?;
/// let node = start(options).await?;
///
/// # let folder = std::env::temp_dir().join(format!("swim-doc-{}", std::process::id()));
/// let mut options = ServeOptions::new();
/// options.socket = Some(folder.join("cache-7.sock"));
/// options.metrics_listen = Some("127.0.0.1:0".parse()?);
/// let served = serve(node.cluster(), options).await?;
///
/// // From another process: swim members --rpc .../cache-7.sock
/// let client = Client::new(folder.join("cache-7.sock"));
/// assert_eq!(client.get("/v1/members").await?["count"], 1);
/// served.shutdown().await;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A [`ServeError`] that says what to do. Nothing is served then.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub async fn serve(cluster: Cluster, options: ServeOptions) -> Result<Served, ServeError> {
    let (stop, stopped) = watch::channel(false);
    let metrics = match options.metrics_listen {
        Some(address) => {
            let failed = |error| ServeError::Metrics { address, error };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            Some((listener, bound))
        }
        None => None,
    };
    #[cfg(unix)]
    let control = match &options.socket {
        Some(path) => {
            let (file, listener) = SocketFile::bind(path, options.group.as_deref())?;
            let listener = tokio::net::UnixListener::from_std(listener).map_err(|error| {
                ServeError::File { doing: "cannot listen on", path: path.clone(), error }
            })?;
            Some((file, listener))
        }
        None => None,
    };
    #[cfg(not(unix))]
    if options.socket.is_some() {
        return Err(ServeError::NoUnixSockets);
    }
    let api = Api::new(cluster, options.about, options.request_time_max, stopped.clone());
    let api = Arc::new(api);
    let left = api.left.subscribe();
    let mut tasks = Vec::new();
    let metrics_address = metrics.map(|(listener, bound)| {
        let serving = connections::serve(listener, Arc::clone(&api), stopped.clone());
        tasks.push(tokio::spawn(serving));
        bound
    });
    #[cfg(unix)]
    let file = control.map(|(file, listener)| {
        let serving = connections::serve(listener, Arc::clone(&api), stopped.clone());
        tasks.push(tokio::spawn(serving));
        file
    });
    Ok(Served {
        metrics_address,
        left,
        stop,
        tasks,
        #[cfg(unix)]
        file,
    })
}

/// A control API that is being served. Dropping it ends that at once, and removes the socket.
#[derive(Debug)]
pub struct Served {
    metrics_address: Option<SocketAddr>,
    left: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    #[cfg(unix)]
    file: Option<SocketFile>,
}

impl Served {
    /// The absolute path of the control socket.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        #[cfg(unix)]
        return self.file.as_ref().map(|file| file.path.as_path());
        #[cfg(not(unix))]
        None
    }

    /// The address of metrics, with the port that was free.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Waits until a client has made the node leave its cluster (`POST /v1/leave`).
    ///
    /// The node then runs as a departed member. A program that has nothing else to do ends.
    ///
    /// # Cancel safety
    ///
    /// A dropped future loses nothing.
    pub async fn left(&self) {
        if self.left.clone().wait_for(|left| *left).await.is_err() {
            // No request is served any longer.
            std::future::pending::<()>().await;
        }
    }

    /// Stops serving: open requests have half a second to be answered, and streams of events end.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for task in &mut self.tasks {
            // It panicked, which was reported where it happened.
            let _ = task.await;
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
