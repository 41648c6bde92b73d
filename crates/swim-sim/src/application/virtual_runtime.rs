//! The runtime of a process in a world.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use swim_driver::{Connection, Listener, Runtime, Timer};

use super::desk::{Desk, Spawned};
use super::executor::ThreadGuard;
use super::stream::VirtualStream;

/// An application's access to its world: the desk of its process.
#[derive(Clone, Debug)]
pub(crate) struct VirtualRuntime {
    desk: Arc<Mutex<Desk>>,
    guard: ThreadGuard,
}

impl VirtualRuntime {
    pub(crate) fn new(desk: Desk, guard: ThreadGuard) -> Self {
        VirtualRuntime { desk: Arc::new(Mutex::new(desk)), guard }
    }

    /// Locks the desk. No task is polled meanwhile.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.guard.note();
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runtime for VirtualRuntime {
    type Timer = VirtualTimer;

    fn now(&self) -> Instant {
        self.desk().now()
    }

    fn timer(&self) -> VirtualTimer {
        let number = self.desk().new_timer();
        VirtualTimer { runtime: self.clone(), number, set: None }
    }

    fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut yielded = false;
        poll_fn(move |cx| {
            if core::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.desk().spawn(Spawned(Box::pin(task)));
    }

    fn resolve(
        &self,
        host: String,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        let runtime = self.clone();
        async move {
            let id = runtime.desk().resolve(host, port);
            poll_fn(|cx| runtime.desk().poll_resolved(id, cx)).await
        }
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.desk().fill_random(bytes);
        Ok(())
    }

    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<Connection>> + Send + 'static {
        let runtime = self.clone();
        async move {
            let stream = VirtualStream::connect(runtime, to);
            stream.opened().await?;
            Ok(Connection::new(stream))
        }
    }

    fn listen(&self, on: SocketAddr) -> io::Result<Listener> {
        let address = self.desk().listen(on)?;
        let port = ListenedPort { runtime: self.clone(), port: address.port() };
        Ok(Listener::new(address, move |cx| {
            let accepted = port.runtime.desk().poll_accept(port.port, cx);
            accepted.map_ok(|(id, from)| {
                let stream = VirtualStream::accepted(port.runtime.clone(), id);
                (Connection::new(stream), from)
            })
        }))
    }
}

/// Closes a port when its listener is dropped.
struct ListenedPort {
    runtime: VirtualRuntime,
    port: u16,
}

impl Drop for ListenedPort {
    fn drop(&mut self) {
        self.runtime.desk().stop_listening(self.port);
    }
}

/// A timer on virtual time. Timers for the same time fire in the order of their creation.
#[derive(Debug)]
pub(crate) struct VirtualTimer {
    runtime: VirtualRuntime,
    number: u64,
    set: Option<Instant>,
}

impl Timer for VirtualTimer {
    fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let mut desk = self.runtime.desk();
        if let Some(set) = self.set.take() {
            desk.cancel_timer(set, self.number);
        }
        if desk.now() >= at {
            return Poll::Ready(());
        }
        desk.set_timer(at, self.number, cx.waker().clone());
        self.set = Some(at);
        Poll::Pending
    }
}

impl Drop for VirtualTimer {
    fn drop(&mut self) {
        if let Some(set) = self.set {
            self.runtime.desk().cancel_timer(set, self.number);
        }
    }
}
