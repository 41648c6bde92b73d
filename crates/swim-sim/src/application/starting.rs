//! Starting applications.

use core::fmt;
use core::pin::Pin;
use std::rc::Rc;

use swim_driver::{Cluster, Events, Options};

use super::executor::{Program, Task};
use crate::process::DriverProcess;
use crate::world::World;

/// Makes the application, in each life of its process.
#[derive(Clone)]
pub(crate) struct Application(Rc<Begin>);

type Begin = dyn Fn(Cluster, Events) -> Pin<Box<dyn Future<Output = ()>>>;

impl Application {
    /// Starts it in a process.
    pub(crate) fn begin(&self, process: &mut DriverProcess) {
        let cluster = process.cluster.clone();
        let (_, events) = cluster.subscribe();
        process.executor.add(Program::Main, Task((self.0)(cluster, events)));
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Application")
    }
}

impl World {
    /// Starts a driver with an application beside it. See [`start_driver`](World::start_driver).
    ///
    /// The application gets the handle of the node and its events, as by
    /// [`Bound::run`](swim_driver::Bound::run) on a real runtime.
    ///
    /// It takes tasks, time, random numbers and connections from
    /// [`Cluster::runtime`](swim_driver::Cluster::runtime), so it runs on virtual time, over the
    /// network of this world. See the [limits](crate#applications). A [crash](World::crash) drops
    /// its tasks, a [restart](World::restart) starts it anew, and a stalled process stops it. When
    /// it returns, its process ends, without a leave message unless it has left.
    ///
    /// ```
    /// use swim_sim::{World, millis, secs};
    ///
    /// let mut world = World::new(1);
    /// for name in ["a", "b"] {
    ///     world.start_application(
    ///         name,
    ///         |options| options.seeds = vec!["a:7946".into()],
    ///         |cluster, _events| async move {
    ///             let runtime = cluster.runtime();
    ///             while cluster.live_count() < 2 {
    ///                 runtime.sleep(millis(100)).await;
    ///             }
    ///             if cluster.set_meta("ready").await.is_ok() {
    ///                 std::future::pending().await
    ///             }
    ///         },
    ///     );
    /// }
    /// world.run(secs(5));
    /// assert!(world.cluster("a").members().iter().all(|member| member.meta == "ready"));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is a node with this name, or the options cannot work.
    #[track_caller]
    pub fn start_application<F>(
        &mut self,
        name: &str,
        configure: impl FnOnce(&mut Options),
        application: impl Fn(Cluster, Events) -> F + 'static,
    ) where
        F: Future<Output = ()> + 'static,
    {
        let begin: Rc<Begin> =
            Rc::new(move |cluster, events| Box::pin(application(cluster, events)));
        self.start_driver_with(name, configure, Some(Application(begin)));
    }
}
