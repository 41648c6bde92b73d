//! The connections of a node, one task each.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_channel::Sender;
use bytes::Bytes;
use swim_core::StreamId;

use crate::action::{DialPurpose, connection_error};
use crate::engine::buffers::Buffers;
use crate::engine::connection::{Line, Order};
use crate::engine::report::{News, Report, tell};
use crate::runtime::{Runtime, within};
use crate::task::{Task, spawn};
use crate::transport::Transport;

/// A write, and a finish after it.
const ORDERS_MAX: usize = 2;

/// All connections of a node. Dropping it ends their tasks.
#[derive(Debug)]
pub(super) struct Connections<R> {
    runtime: R,
    open: HashMap<StreamId, Connection>,
    reports: Sender<Report>,
    buffers: Buffers,
}

#[derive(Debug)]
struct Connection {
    orders: Sender<Order>,
    _task: Task<()>,
}

impl<R: Runtime> Connections<R> {
    pub(super) fn new(runtime: R, reports: Sender<Report>) -> Self {
        Connections { runtime, open: HashMap::new(), reports, buffers: Buffers::new() }
    }

    /// Serves a connection that a peer opened.
    pub(super) fn serve<T: Transport>(&mut self, id: StreamId, stream: T::Stream) {
        self.start(id, |line| line.serve(stream, T::peer_names));
    }

    pub(super) fn dial<T: Transport>(
        &mut self,
        id: StreamId,
        transport: &mut T,
        (to, purpose): (SocketAddr, DialPurpose),
        limit: Duration,
    ) {
        let dialled = transport.dial(to, purpose);
        let runtime = self.runtime.clone();
        self.start(id, move |line| async move {
            let stream = within(runtime, limit, dialled)
                .await
                .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))?;
            line.tell(News::Opened);
            line.serve(stream, T::peer_names).await
        });
    }

    pub(super) fn write(&mut self, id: StreamId, bytes: Bytes) {
        self.order(id, Order::Write(bytes));
    }

    pub(super) fn finish(&mut self, id: StreamId) {
        self.order(id, Order::Finish);
    }

    /// Ends a connection, or forgets one that has ended.
    pub(super) fn end(&mut self, id: StreamId) {
        self.open.remove(&id);
    }

    fn start<F, T>(&mut self, id: StreamId, run: F)
    where
        F: FnOnce(Line) -> T,
        T: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (orders, taken) = async_channel::bounded(ORDERS_MAX);
        let reports = self.reports.clone();
        let running = run(Line {
            id,
            orders: Box::pin(taken),
            reports: reports.clone(),
            buffers: self.buffers.clone(),
        });
        let task = spawn(&self.runtime, async move {
            if let Err(error) = running.await {
                tracing::debug!(target: "swim", stream = id.0, %error, "a connection ended");
                tell(&reports, Report::Stream(id, News::Failed(connection_error(&error))));
            }
            tell(&reports, Report::Ended(id));
        });
        self.open.insert(id, Connection { orders, _task: task });
    }

    fn order(&mut self, id: StreamId, order: Order) {
        if let Some(connection) = self.open.get(&id) {
            // Fails only when the task has ended, which the task reports itself.
            let _ = connection.orders.try_send(order);
        }
    }
}
