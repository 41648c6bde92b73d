//! Invariants of exchanges.

use super::Exchange;
use crate::config::Config;
use crate::output::RequestId;

impl Exchange {
    /// Asserts that the streams are consistent and within their limits.
    pub(crate) fn check(&self, config: &Config) {
        self.table.check(config);
        self.blocked.check();
    }

    /// The commands that wait for a stream.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.table.requests()
    }
}
