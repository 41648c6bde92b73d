//! What the tasks of a node report to its turn.

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

/// The queue of reports. It has no limit of its own: tasks read only into one of a few
/// [buffers](super::buffers), and besides their data report at most six things without a turn
/// between.
pub(super) fn queue() -> (Sender<Report>, Receiver<Report>) {
    async_channel::unbounded()
}

/// Reports; nobody wants to know once the node is gone.
pub(super) fn tell(reports: &Sender<Report>, report: Report) {
    let _ = reports.try_send(report);
}
