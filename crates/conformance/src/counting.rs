//! A runtime that counts the tasks of nodes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_lite::future::Boxed;
use swim_driver::{
    BindError, Bound, Connection, Hooks, Listener, Node, Options, Runtime, Transport,
};

use crate::setting::World;
use crate::stranger::Endpoint;
use crate::unstarted::Unstarted;

/// Counts the tasks of nodes that have not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    alive: Arc<AtomicUsize>,
}

impl Tasks {
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    fn begin(&self) -> Task {
        self.alive.fetch_add(1, Ordering::SeqCst);
        Task { alive: Arc::clone(&self.alive) }
    }
}

/// A task that has not ended.
struct Task {
    alive: Arc<AtomicUsize>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An adapter's runtime that counts tasks.
#[derive(Clone)]
struct Counting<R> {
    runtime: R,
    tasks: Tasks,
}

impl<R: Runtime> Runtime for Counting<R> {
    type Timer = R::Timer;

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn timer(&self) -> R::Timer {
        self.runtime.timer()
    }

    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
        self.runtime.yield_now()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let counted = self.tasks.begin();
        self.runtime.spawn(async move {
            let _counted = counted;
            task.await;
        });
    }

    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        self.runtime.resolve(host, port)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.runtime.random(bytes)
    }

    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + 'static {
        self.runtime.connect(to)
    }

    fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        self.runtime.listen(on)
    }
}

/// A network whose nodes' tasks are counted.
pub(crate) struct Counted<R, F> {
    runtime: Counting<R>,
    open: F,
}

impl<R, F> Counted<R, F> {
    pub(crate) fn new(runtime: R, tasks: &Tasks, open: F) -> Self {
        Counted { runtime: Counting { runtime, tasks: tasks.clone() }, open }
    }
}

impl<R, T, F> World for Counted<R, F>
where
    R: Runtime,
    T: Transport,
    F: Fn(SocketAddr) -> Result<T, BindError> + Send + Sync,
{
    fn start(&self, options: Options, hooks: Box<dyn Hooks>) -> Boxed<Result<Node, BindError>> {
        let bound = self.bind(options, hooks);
        Box::pin(async move { Ok(bound.await?.spawn()) })
    }

    fn bind(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Boxed<Result<Box<dyn Unstarted>, BindError>> {
        let (runtime, transport) = (self.runtime.clone(), (self.open)(options.bind));
        Box::pin(async move {
            let bound = Bound::new(runtime, transport?, &options, hooks)?;
            Ok(Box::new(bound) as Box<dyn Unstarted>)
        })
    }

    fn open(&self, bind: SocketAddr) -> Result<Box<dyn Endpoint>, BindError> {
        Ok(Box::new((self.open)(bind)?))
    }
}
