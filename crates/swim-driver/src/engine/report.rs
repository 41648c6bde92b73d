//! Reports from a node's tasks to its turn.

use std::net::SocketAddr;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use swim_core::{ConnectionError, Name, StreamId};

use crate::action::ResolveId;
use crate::engine::buffers::Filled;

#[derive(Debug)]
pub(super) enum Report {
    Stream(StreamId, News),
    /// A connection's task has nothing more to report.
    Ended(StreamId),
    Resolved(ResolveId, Result<Vec<SocketAddr>, String>),
}

/// [`StreamNews`](crate::StreamNews) that owns its bytes.
#[derive(Debug)]
pub(super) enum News {
    Opened,
    Certified(Arc<[Name]>),
    Data(Filled),
    Written,
    Finished,
    Failed(ConnectionError),
}

/// The queue of reports. It needs no limit: tasks read only into a few [buffers](super::buffers),
/// and send at most six other reports without a turn between.
pub(super) fn queue() -> (Sender<Report>, Receiver<Report>) {
    async_channel::unbounded()
}

/// Sends a report. Fails silently once the node is gone.
pub(super) fn tell(reports: &Sender<Report>, report: Report) {
    let _ = reports.try_send(report);
}
