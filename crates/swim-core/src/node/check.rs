//! Invariants of a node between two calls.

use super::Node;
use crate::status::Status;
use crate::time::Instant;

impl Node {
    /// Asserts that indexes match, limits hold, and all pending work has a deadline.
    ///
    /// For simulators and fuzzers, after any call. It looks at every member, so do not call it in
    /// production.
    ///
    /// # Panics
    ///
    /// If an invariant does not hold, which is a bug in this crate. The message names the
    /// invariant.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        let (config, members) = (&cx.config, membership.members());
        membership.check(config);
        gossip.check(config, members);
        detector.check(config, members);
        exchange.check(config);
        cx.channel.check(config);
        let commands = membership.requests().chain(gossip.requests());
        cx.outputs.check(config, commands.chain(detector.requests()).chain(exchange.requests()));
        assert!(self.scratch.is_some(), "the memory for datagrams is back");
        self.check_periods();
    }

    /// Asserts that probes and push/pulls are due while the node runs, and only then.
    fn check_periods(&self) {
        let (status, config) = (self.status(), &self.cx.config);
        let runs = status == Status::Running;
        let probes = self.detector.period_ends() < Instant::NEVER;
        assert_eq!(probes, runs, "the end of a protocol period is set while {status:?}");
        let exchanges = self.exchange.push_pull_due() < Instant::NEVER;
        let expected = runs && !config.push_pull_interval.is_zero();
        assert_eq!(exchanges, expected, "a push/pull is due while {status:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::time::Instant;

    fn node() -> Node {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        let mut node = Node::new(config, [7; 32], Instant::ORIGIN).unwrap();
        node.join(Instant::ORIGIN, "10.0.0.2:7946".parse().unwrap()).unwrap();
        node.check_invariants();
        node
    }

    #[test]
    #[should_panic(expected = "the memory for datagrams is back")]
    fn memory_that_stays_lent_out_is_noticed() {
        let mut node = node();
        node.scratch = None;
        node.check_invariants();
    }

    #[test]
    #[should_panic(expected = "the end of a protocol period is set while Running")]
    fn a_node_that_would_never_probe_is_noticed() {
        let mut node = node();
        node.detector.cancel();
        node.check_invariants();
    }

    #[test]
    #[should_panic(expected = "a push/pull is due while Running")]
    fn a_node_that_would_never_exchange_views_is_noticed() {
        let mut node = node();
        node.exchange.stop_push_pulls();
        node.check_invariants();
    }

    #[test]
    #[should_panic(expected = "1 requests are open, [] wait")]
    fn a_command_that_would_never_be_answered_is_noticed() {
        let mut node = node();
        let Node { cx, exchange, .. } = &mut node;
        exchange.stop_joins(cx);
        _ = cx.begin_request();
        node.check_invariants();
    }
}
