//! Members that failed are looked for, so that a partition of any length heals: whom this node
//! pings, and how often, so that all nodes together do not ping too much.
//!
//! From the moment in which they fail: those that are listed still are gossiped to, but only where
//! there is news, and in a cluster that fell apart and fell silent there is none.
//!
//! The measure is how many live members this node knows, for each of them does the same. So what
//! one address is sent does not grow with the cluster, and the small side of a partition, or a node
//! alone, looks as often as it can.

use core::time::Duration;

use super::Membership;
use crate::context::Context;
use crate::members::Slot;
use crate::random::Random;
use crate::sabotage::Sabotage;

/// Rates below are counted in tenths of a ping per probe interval, of the whole cluster. It is also
/// the share of probes that the search has: a node looks for one member in so many periods, where
/// it is not one of fewer.
const TENTHS: u32 = 10;

/// What one address is sent after its verdict, in tenths: a short partition is noticed soon. Four
/// per probe interval, as chance makes it five now and then.
const RATE_AT_FIRST: u32 = 40;

/// For so long; later the rate falls as the time since the verdict grows, so that from one doubling
/// to the next each address is sent about as much as before.
const AT_FIRST: Duration = Duration::from_secs(60);

/// Never less: the other side of a partition that lasted for long is a few hosts as well.
const RATE_MIN: u32 = 1;

/// When this node looks for somebody.
#[derive(Debug)]
pub(super) struct Search {
    /// Counts the periods, from a number that is another one in each node: they are not to look all
    /// at once.
    period: u32,
}

impl Search {
    /// `phase` is drawn by chance.
    pub(super) fn new(phase: u64) -> Self {
        Search { period: (phase >> 32) as u32 }
    }

    /// Whether this node looks for somebody in the period that begins, one of so many `live` nodes.
    fn is_due(&self, live: u32) -> bool {
        self.period.is_multiple_of(live.min(TENTHS))
    }
}

impl Membership {
    /// One of the members that failed, to look for in the period that begins.
    #[inline]
    pub(crate) fn pick_failed(&mut self, cx: &mut Context) -> Option<Slot> {
        self.search.period = self.search.period.wrapping_add(1);
        // Asked with every probe, and most of the time there are none.
        if !self.members.misses(true) && !self.members.misses(false) {
            return None;
        }
        self.pick_one_that_failed(cx)
    }

    fn pick_one_that_failed(&self, cx: &mut Context) -> Option<Slot> {
        let live = u32::try_from(self.members.peers() + 1).expect("members are less than 2^24");
        let alone = cx.config.breaks(Sabotage::SearchesAlone);
        if !self.search.is_due(live) && !alone {
            return None;
        }
        // How often all nodes together come to this point.
        let all = live.max(TENTHS);
        let heard_from = self.chooses_known(&mut cx.random, all)?;
        let (slot, of) = self.members.pick_failed(&mut cx.random, heard_from)?;
        let gone_for = cx.now() - self.members.entry(slot).since();
        let wanted = rate(gone_for, live).saturating_mul(of);
        let searches = if heard_from { all } else { TENTHS };
        (cx.random.below(searches) < wanted || alone).then_some(slot)
    }

    /// Whether it is one of those that this node heard from that it looks for now, or one of whom
    /// it only heard. Of the latter all nodes together look for one per probe interval at most: a
    /// made-up member is to draw no more, wherever it was said to be. Those who failed before this
    /// node heard from them are looked for by others, too.
    fn chooses_known(&self, random: &mut Random, all: u32) -> Option<bool> {
        match (self.members.misses(true), self.members.misses(false)) {
            (true, false) => Some(true),
            (true, true) => Some(random.below(all.max(2 * TENTHS)) >= TENTHS),
            (false, true) => (random.below(all) < TENTHS).then_some(false),
            (false, false) => None,
        }
    }
}

/// How often `live` nodes together ping a member that failed so long ago, in tenths per probe
/// interval. Where they are few it is once per interval in all, if it is one that they miss.
fn rate(gone_for: Duration, live: u32) -> u32 {
    let aged =
        u64::from(RATE_AT_FIRST) * AT_FIRST.as_secs() / gone_for.as_secs().max(AT_FIRST.as_secs());
    u32::try_from(aged).expect("at most the rate at first").max(RATE_MIN).max(TENTHS / live)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_from_four_pings_per_interval_to_one_in_ten() {
        let rates = [0, 60, 120, 600, 2400, 86_400].map(|s| rate(Duration::from_secs(s), 1000));
        assert_eq!(rates, [40, 40, 20, 4, 1, 1]);
    }

    #[test]
    fn few_nodes_look_as_often_as_they_can() {
        let day = Duration::from_secs(86_400);
        assert_eq!([1, 2, 3, 5, 6, 100].map(|live| rate(day, live)), [10, 5, 3, 2, 1, 1]);
    }

    #[test]
    fn a_node_looks_in_one_of_ten_periods_or_as_many_as_there_are_nodes() {
        for (live, expected) in [(1, 100), (2, 50), (5, 20), (10, 10), (1000, 10)] {
            let search = |period| Search { period };
            let due = (7..107).filter(|&period| search(period).is_due(live)).count();
            assert_eq!(due, expected, "{live} nodes");
        }
    }
}
