//! Connections: a task each, which copies bytes one way and the other.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_driver::{StreamId, connection_error};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::report::{News, Report};

/// How much is read at once. Together with the limit of waiting reports it is what has been read
/// and not yet consumed.
const READ_SIZE_MAX: usize = 16 << 10;

/// There is one write under way at most, and a finish after it.
const ORDERS_MAX: usize = 2;

/// All connections of a node. Dropping it ends their tasks.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<StreamId>,
    open: HashMap<StreamId, Connection>,
    reports: mpsc::Sender<Report>,
}

#[derive(Debug)]
struct Connection {
    orders: mpsc::Sender<Order>,
    task: AbortHandle,
}

#[derive(Debug)]
enum Order {
    Write(Bytes),
    Finish,
}

impl Connections {
    pub(crate) fn new(reports: mpsc::Sender<Report>) -> Self {
        Connections { tasks: JoinSet::new(), open: HashMap::new(), reports }
    }

    /// Serves a connection that a peer opened.
    pub(crate) fn serve(&mut self, id: StreamId, socket: TcpStream) {
        self.start(id, |line| async move { line.serve(socket).await });
    }

    pub(crate) fn dial(&mut self, id: StreamId, to: SocketAddr, limit: Duration) {
        self.start(id, move |line| async move {
            let socket = timeout(limit, TcpStream::connect(to)).await??;
            line.report(News::Opened).await;
            line.serve(socket).await
        });
    }

    pub(crate) fn write(&mut self, id: StreamId, bytes: Bytes) {
        self.order(id, Order::Write(bytes));
    }

    pub(crate) fn finish(&mut self, id: StreamId) {
        self.order(id, Order::Finish);
    }

    pub(crate) fn abort(&mut self, id: StreamId) {
        if let Some(connection) = self.open.remove(&id) {
            connection.task.abort();
        }
    }

    /// Forgets connections that have ended.
    pub(crate) fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            // An error is a task that was aborted, and forgotten then.
            if let Ok(id) = ended {
                self.open.remove(&id);
            }
        }
    }

    /// Ends all connections, and waits until their tasks have ended.
    pub(crate) async fn close(&mut self) {
        self.tasks.shutdown().await;
    }

    fn start<F, T>(&mut self, id: StreamId, run: F)
    where
        F: FnOnce(Line) -> T,
        T: Future<Output = io::Result<()>> + Send + 'static,
    {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let reports = self.reports.clone();
        let running = run(Line { id, orders: taken, reports: reports.clone() });
        let task = self.tasks.spawn(async move {
            if let Err(error) = running.await {
                tracing::debug!(target: "swim", stream = id.0, %error, "a connection ended");
                // Fails only when the node is gone, and nobody wants to know.
                let _ =
                    reports.send(Report::Stream(id, News::Failed(connection_error(&error)))).await;
            }
            id
        });
        self.open.insert(id, Connection { orders, task });
    }

    fn order(&mut self, id: StreamId, order: Order) {
        if let Some(connection) = self.open.get(&id) {
            // It can only fail when the task has ended, which it reports itself.
            let _ = connection.orders.try_send(order);
        }
    }
}

/// A connection's line to its node.
#[derive(Debug)]
struct Line {
    id: StreamId,
    orders: mpsc::Receiver<Order>,
    reports: mpsc::Sender<Report>,
}

impl Line {
    async fn serve(self, socket: TcpStream) -> io::Result<()> {
        // Exchanges are short, and every one waits for its last bytes.
        let _ = socket.set_nodelay(true);
        let Line { id, orders, reports } = self;
        let (reader, writer) = socket.into_split();
        let reading = read(id, reader, &reports);
        let writing = write(id, writer, orders, &reports);
        tokio::try_join!(reading, writing).map(drop)
    }

    async fn report(&self, news: News) {
        let _ = self.reports.send(Report::Stream(self.id, news)).await;
    }
}

/// Reads until the peer finishes, and no faster than the node consumes.
async fn read(
    id: StreamId,
    reader: OwnedReadHalf,
    reports: &mpsc::Sender<Report>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        // No buffer for those who say nothing.
        reader.readable().await?;
        let permit = reports.reserve().await.map_err(io::Error::other)?;
        buffer.reserve(READ_SIZE_MAX);
        match reader.try_read_buf(&mut buffer) {
            Ok(0) => {
                permit.send(Report::Stream(id, News::Finished));
                return Ok(());
            }
            Ok(_) => permit.send(Report::Stream(id, News::Data(buffer.split().freeze()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes what it is ordered to, until it is told to finish.
async fn write(
    id: StreamId,
    mut writer: OwnedWriteHalf,
    mut orders: mpsc::Receiver<Order>,
    reports: &mpsc::Sender<Report>,
) -> io::Result<()> {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Write(bytes) => {
                writer.write_all(&bytes).await?;
                let written = Report::Stream(id, News::Written);
                reports.send(written).await.map_err(io::Error::other)?;
            }
            Order::Finish => return writer.shutdown().await,
        }
    }
    // The node has forgotten this connection.
    Err(io::ErrorKind::ConnectionAborted.into())
}
