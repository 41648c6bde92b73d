//! Resolves names through the runtime.

use std::collections::HashMap;
use std::time::Duration;

use async_channel::Sender;

use crate::action::ResolveId;
use crate::engine::report::{Report, tell};
use crate::runtime::{Runtime, within};
use crate::task::{Task, spawn};

/// The system's resolver may try for 30 s; callers should get an error earlier.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The names being resolved, one task each. The driver bounds their number. Dropping it ends the
/// tasks.
#[derive(Debug)]
pub(super) struct Names<R> {
    runtime: R,
    running: HashMap<ResolveId, Task<()>>,
    reports: Sender<Report>,
}

impl<R: Runtime> Names<R> {
    pub(super) fn new(runtime: R, reports: Sender<Report>) -> Self {
        Names { runtime, running: HashMap::new(), reports }
    }

    pub(super) fn resolve(&mut self, id: ResolveId, host: String, port: u16) {
        let (runtime, reports) = (self.runtime.clone(), self.reports.clone());
        let guard = spawn(&self.runtime, async move {
            let lookup = runtime.resolve(host, port);
            let result = match within(runtime.clone(), RESOLVE_TIMEOUT, lookup).await {
                Some(result) => result.map_err(|error| error.to_string()),
                None => Err(format!("no answer within {} s", RESOLVE_TIMEOUT.as_secs())),
            };
            tell(&reports, Report::Resolved(id, result));
        });
        self.running.insert(id, guard);
    }

    /// Forgets a name that was resolved.
    pub(super) fn end(&mut self, id: ResolveId) {
        self.running.remove(&id);
    }
}
