//! What the tasks of a node report to its turn.

use std::net::SocketAddr;

use bytes::Bytes;
use swim_driver::{ConnectionError, ResolveId, StreamId, StreamNews};

/// How many reports wait. Tasks wait when there are more: a node that is slow to consume is slow
/// to read.
pub(crate) const REPORTS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) enum Report {
    Stream(StreamId, News),
    Resolved(ResolveId, Result<Vec<SocketAddr>, String>),
}

/// [`StreamNews`] that owns its bytes.
#[derive(Debug)]
pub(crate) enum News {
    Opened,
    Data(Bytes),
    Written,
    Finished,
    Failed(ConnectionError),
}

impl News {
    /// What of it needs no bytes.
    pub(crate) fn without_data(&self) -> StreamNews<'static> {
        match self {
            News::Opened => StreamNews::Opened,
            News::Data(_) => StreamNews::Data(&[]),
            News::Written => StreamNews::Written,
            News::Finished => StreamNews::Finished,
            News::Failed(error) => StreamNews::Failed(*error),
        }
    }
}
