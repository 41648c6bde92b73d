//! A real member, and its events.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use swim_core::{Incarnation, State};
use swim_tokio::{Cluster, Event, MessageKind, Node, Notice, Options, Stats};

/// A running member. On drop it ends without a leave message.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) cluster: Cluster,
    pub(crate) options: Options,
    heard: Arc<Mutex<Vec<(Instant, Event)>>>,
    node: Node,
}

impl Member {
    pub(crate) async fn start(options: Options) -> Result<Self, String> {
        let started = swim_tokio::start(options.clone()).await;
        let name = &options.config.name;
        let mut node = started.map_err(|error| format!("{name} does not start: {error}"))?;
        let (cluster, mut events) = (node.cluster(), node.events());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(notice) = events.next().await {
                if let Notice::Event(event) = notice {
                    lock(&ears).push((Instant::now(), event));
                }
            }
        });
        Ok(Member { cluster, options, heard, node })
    }

    pub(crate) fn name(&self) -> &str {
        self.options.config.name.as_str()
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.cluster.local_address()
    }

    /// Ends it without a leave message. Returns the options to restart it at the same address.
    pub(crate) async fn kill(mut self) -> Options {
        self.options.bind = self.address();
        let options = self.options;
        self.node.stop().await;
        options
    }

    /// Returns the names of its live members, including itself.
    pub(crate) fn live(&self) -> Vec<String> {
        let members = self.cluster.members().into_iter();
        members.filter(|it| it.state.is_live()).map(|it| it.name.to_string()).collect()
    }

    pub(crate) fn state_of(&self, name: &str) -> Option<State> {
        self.cluster.member(name).map(|member| member.state)
    }

    pub(crate) fn incarnation_of(&self, name: &str) -> Incarnation {
        self.cluster.member(name).map_or(Incarnation(0), |member| member.incarnation)
    }

    /// Counts its events of a kind.
    pub(crate) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        lock(&self.heard).iter().filter(|(_, event)| wanted(event)).count()
    }

    pub(crate) async fn stats(&self) -> Result<Stats, String> {
        self.cluster.stats().await.map_err(|error| format!("{}: {error}", self.name()))
    }

    /// Checks that an attack reached it: that it read at least `least` messages of a kind.
    ///
    /// Unread messages do no harm.
    pub(crate) async fn must_have_read(&self, kind: MessageKind, least: u64) -> Result<(), String> {
        let read = self.stats().await?.received[kind];
        match read >= least {
            true => Ok(()),
            false => Err(format!("{} read {read} of {least} messages ({kind})", self.name())),
        }
    }

    /// Waits until a condition is true, and returns the time it took; `None` after `limit`.
    pub(crate) async fn until(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&Member) -> bool,
    ) -> Option<Duration> {
        let start = Instant::now();
        while !wanted(self) {
            if start.elapsed() >= limit {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(start.elapsed())
    }
}

/// A panic under such a lock leaves no broken state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
