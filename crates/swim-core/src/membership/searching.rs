//! The search for failed members, so that a partition of any length heals: which member this node
//! pings, and how often, so that all nodes together do not ping too much.
//!
//! It starts when a member fails. Failed members that are still listed are also gossiped to, but
//! only if there is news, and a cluster that fell apart and fell silent has none.
//!
//! The rate depends on how many live members this node knows, because each of them searches as
//! well. So traffic to one address does not grow with the cluster, and a lone node, or the small
//! side of a partition, searches as often as it can.

use core::time::Duration;

use super::Membership;
use crate::context::Context;
use crate::members::Slot;
use crate::random::Random;
use crate::sabotage::Sabotage;

/// Rates are in tenths of a ping per probe interval, for the whole cluster. This is also how often
/// a node searches: in one of this many periods, or of `live` ones if those are fewer.
const TENTHS: u32 = 10;

/// Rate to one address after its verdict, in tenths, so that a short partition is noticed soon. It
/// is four per probe interval, because chance makes that five now and then.
const RATE_AT_FIRST: u32 = 40;

/// How long that rate lasts. The rate then falls with the time since the verdict, so that each
/// address is sent about as much from one doubling of that time to the next.
const AT_FIRST: Duration = Duration::from_secs(60);

/// Minimum rate. After a long partition the other side still has several hosts to ping.
const RATE_MIN: u32 = 1;

/// When this node searches.
#[derive(Debug)]
pub(super) struct Search {
    /// Counts the periods from a number that differs between nodes, so that they do not all search
    /// at once.
    period: u32,
}

impl Search {
    /// Starts at a random `phase`.
    pub(super) fn new(phase: u64) -> Self {
        Search { period: (phase >> 32) as u32 }
    }

    /// Whether this node, one of `live`, searches in the period that begins.
    fn is_due(&self, live: u32) -> bool {
        self.period.is_multiple_of(live.min(TENTHS))
    }
}

impl Membership {
    /// Picks a failed member to ping in the period that begins.
    #[inline]
    pub(crate) fn pick_failed(&mut self, cx: &mut Context) -> Option<Slot> {
        self.search.period = self.search.period.wrapping_add(1);
        // Asked with every probe, and usually there are none.
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
        // How often all nodes together get here, in tenths per period.
        let all = live.max(TENTHS);
        let heard_from = self.chooses_known(&mut cx.random, all)?;
        let (slot, of) = self.members.pick_failed(&mut cx.random, heard_from)?;
        let gone_for = cx.now() - self.members.entry(slot).since();
        let wanted = rate(gone_for, live).saturating_mul(of);
        let searches = if heard_from { all } else { TENTHS };
        (cx.random.below(searches) < wanted || alone).then_some(slot)
    }

    /// Whether to search for a member heard from directly, or for one known from hearsay; `None`
    /// for neither. All nodes together search for at most one of the latter per probe interval, so
    /// that a made-up member draws no more than that, wherever it was said to be. Members that
    /// failed before this node heard from them are searched for by other nodes, too.
    fn chooses_known(&self, random: &mut Random, all: u32) -> Option<bool> {
        match (self.members.misses(true), self.members.misses(false)) {
            (true, false) => Some(true),
            (true, true) => Some(random.below(all.max(2 * TENTHS)) >= TENTHS),
            (false, true) => (random.below(all) < TENTHS).then_some(false),
            (false, false) => None,
        }
    }
}

/// How often `live` nodes together ping a member that failed `gone_for` ago, in tenths per probe
/// interval. If they are few, it is about one ping per `live` intervals, or more.
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
