//! Calls to drivers from a test, and their results.

use core::fmt;
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use swim_driver::Cluster;

use crate::application::{Program, Task};
use crate::process::Process;
use crate::trace::Mark;
use crate::world::World;

/// The result of a call to a driver ([`World::ask`]), which can be checked without waiting.
pub struct Reply<T> {
    slot: Rc<RefCell<Option<T>>>,
}

impl<T> Reply<T> {
    /// Returns whether the result has arrived and was not taken yet.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.slot.borrow().is_some()
    }

    /// Takes the result, if it has arrived.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.slot.borrow_mut().take()
    }
}

impl<T: fmt::Debug> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reply").field(&self.slot.borrow()).finish()
    }
}

impl World {
    /// Runs `application` beside a driver, with its handle: one command and its answer, or several.
    ///
    /// It continues after each turn of the driver. When the process ends, everything it waits for
    /// returns [`Error::Stopped`](swim_driver::Error::Stopped).
    ///
    /// ```
    /// use swim_sim::{World, secs};
    ///
    /// let mut world = World::new(1);
    /// world.start("a");
    /// world.start_driver("b", |_| {});
    /// let joined = world.ask("b", async |cluster| cluster.join(["a:7946"]).await);
    /// assert!(joined.take().is_none());
    /// world.run(secs(1));
    /// assert!(matches!(joined.take(), Some(Ok(joined)) if joined.members == 2));
    /// ```
    ///
    /// # Panics
    /// If the node is not a driver, or its process is down.
    #[track_caller]
    pub fn ask<T: 'static>(
        &mut self,
        name: &str,
        application: impl AsyncFnOnce(Cluster) -> T + 'static,
    ) -> Reply<T> {
        let cluster = self.cluster(name);
        let number = self.driver(name);
        let slot = Rc::new(RefCell::new(None));
        let filled = Rc::clone(&slot);
        let task = Task(Box::pin(async move {
            let result = application(cluster).await;
            *filled.borrow_mut() = Some(result);
        }));
        self.trace.mark(self.now, number, Mark::Command);
        if let Some(Process::Driver(process)) = &mut self.hosts[number as usize].process {
            process.executor.add(Program::Asked, task);
        }
        self.call_driver(number);
        Reply { slot }
    }

    /// Runs `application` as [`ask`](World::ask) does, and lets time pass until it returns.
    ///
    /// ```
    /// use swim_sim::{World, secs};
    ///
    /// let mut world = World::new(1);
    /// world.start("a");
    /// world.start_driver("b", |options| options.seeds = vec!["a:7946".into()]);
    /// world.run(secs(5));
    /// let pong = world.wait_for("b", secs(1), async |cluster| cluster.ping("a").await);
    /// assert!(pong.is_ok());
    /// ```
    ///
    /// # Panics
    /// If that takes longer than `max`, or as [`ask`](World::ask) does.
    #[track_caller]
    pub fn wait_for<T: 'static>(
        &mut self,
        name: &str,
        max: Duration,
        application: impl AsyncFnOnce(Cluster) -> T + 'static,
    ) -> T {
        let reply = self.ask(name, application);
        self.run_until(max, |_| reply.is_ready());
        match reply.take() {
            Some(result) => result,
            None => self.fail(&format!("{name} has not answered after {max:?}"), Some(name)),
        }
    }
}
