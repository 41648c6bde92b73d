//! Names to addresses, by the system's resolver.

use std::net::SocketAddr;
use std::time::Duration;

use swim_driver::{RESOLVES_MAX, ResolveId};
use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::report::Report;

// The documentation of the crate says so.
const _: () = assert!(RESOLVES_MAX == 8);

/// The system's resolver may try for half a minute; a caller should hear of it before.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Names that are being resolved. The driver bounds their number. Dropping it ends the tasks.
#[derive(Debug)]
pub(crate) struct Resolver {
    tasks: JoinSet<()>,
    reports: mpsc::Sender<Report>,
}

impl Resolver {
    pub(crate) fn new(reports: mpsc::Sender<Report>) -> Self {
        Resolver { tasks: JoinSet::new(), reports }
    }

    pub(crate) fn resolve(&mut self, id: ResolveId, host: String, port: u16) {
        while self.tasks.try_join_next().is_some() {}
        let reports = self.reports.clone();
        self.tasks.spawn(async move {
            let result = resolve(&host, port).await;
            // Fails only when the node is gone, and nobody wants to know.
            let _ = reports.send(Report::Resolved(id, result)).await;
        });
    }

    /// Ends all tasks, and waits until they have ended. The system's lookups go on by themselves.
    pub(crate) async fn close(&mut self) {
        self.tasks.shutdown().await;
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match timeout(RESOLVE_TIMEOUT, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", RESOLVE_TIMEOUT.as_secs())),
    }
}
