//! The end of all faults, and the expectations after it.

use core::time::Duration;
use std::collections::BTreeSet;

use swim_core::Status;

use super::fault::Fault;
use super::run::Run;
use crate::bounds;
use crate::time::{millis, secs};
use crate::world::World;

/// The most attempts of operators to join nodes that are apart.
const JOINS_MAX: u32 = 20;

/// The interval between checks whether the nodes agree.
const LOOK_EVERY: Duration = millis(100);

impl Run {
    /// Ends all faults, and checks the expectations after them. Returns the time until agreement.
    pub(super) fn calm(&mut self) -> Duration {
        self.end_faults();
        if self.formed && self.plan.heals_by_itself() {
            self.seen.add("healed without a join", 1);
        } else {
            if self.welcome_back() {
                // The islands are certain only once the joins have ended.
                self.world.run(self.plan.config.stream_timeout);
            }
            self.join_islands();
        }
        self.world.calm();
        let (healed, bound) = (self.world.now(), self.bound());
        // Probes that began during the faults may still fail, and cause suspicions afterwards.
        let config = &self.plan.config;
        let doubt = config.probe_interval * (u32::from(config.awareness_max) + 1);
        self.world.run(doubt.min(bound));
        let mut agreed_at = None;
        while self.world.now() - healed <= bound {
            if self.world.converged() {
                agreed_at = Some(self.world.now());
                break;
            }
            self.world.run(LOOK_EVERY);
            if self.plan.may_forget_members() && self.join_apart() {
                self.world.run(self.plan.config.stream_timeout);
            }
        }
        let Some(agreed_at) = agreed_at else {
            // The checker of convergence complains first, unless a look falls just after the bound.
            self.world.expect_converged();
            return bound;
        };
        // Work in progress when the nodes agreed ends within its deadlines.
        self.world.run(self.plan.config.stream_timeout * 3 + self.plan.config.probe_interval * 10);
        // A node that rejects recordings takes one new incarnation in its life, once it has heard
        // of all peers. That may have just happened, and has to spread.
        let spread = bounds::spread(&self.plan.config, self.labels.len());
        self.world.run_until(spread, World::converged);
        self.world.expect_converged();
        // An update that only made-up members could receive waits until these are gone.
        let patience = self.plan.config.gossip_to_the_dead;
        self.world.run_until(patience, |world| world.unanswered().is_empty());
        self.world.expect_answered();
        let patience = secs(90) + self.plan.config.stream_timeout;
        if !self.world.run_until(patience, |world| world.streams_open() == 0) {
            self.expect_no_old_streams();
        }
        agreed_at - healed
    }

    fn end_faults(&mut self) {
        self.world.note(format_args!("the faults end; {}", self.plan));
        if self.plan.hostile.is_some() {
            self.world.set_hostile(None);
        }
        self.world.heal();
        self.end_impairments();
        for host in 0..self.labels.len() {
            if self.plan.faults.contains(&Fault::Drift) {
                self.world.set_drift(&self.labels[host], 0);
            }
            if self.world.hosts[host].stall.is_some() {
                self.world.resume(&self.labels[host]);
            }
        }
        // A stalled process missed changes that its peers made.
        self.end_lasting();
        self.end_twins();
    }

    /// Ends all but one of several nodes with one name: no protocol repairs two of them.
    fn end_twins(&mut self) {
        let mut names = BTreeSet::new();
        let newest_first = self.dice.one_in(2);
        for place in 0..self.labels.len() {
            let host = if newest_first { self.labels.len() - 1 - place } else { place };
            let name = self.world.hosts[host].config.name.clone();
            if self.exists(host) && !names.insert(name) {
                self.world.crash(&self.labels[host]);
            }
        }
    }

    /// Makes every second node that left rejoin. Returns whether there are any.
    fn welcome_back(&mut self) -> bool {
        let mut any = false;
        for host in (0..self.labels.len()).step_by(2) {
            let node = self.world.hosts[host].node();
            if node.is_some_and(|node| node.status() == Status::Left) {
                let other = self.dice.below(self.labels.len());
                self.join(host, other);
                any = true;
            }
        }
        any
    }

    /// Joins islands, as operators would: nodes without a chain of members between them, because
    /// they lost their memory or never joined.
    ///
    /// A join may be refused if streams or requests are scarce, so it is repeated. A node to which
    /// a hostile host announced a wrong address of another finds out within the bound. So does a
    /// node that takes the dead one of two nodes with one name for the other. Until then the
    /// other's joins fail.
    fn join_islands(&mut self) {
        let waits = self.plan.is_misled() || self.plan.has_twins();
        let patience = if waits { self.bound() } else { Duration::ZERO };
        let (begun, mut joins) = (self.world.now(), 0);
        while joins < JOINS_MAX || self.world.now() - begun < patience {
            joins += 1;
            if !self.join_apart() {
                return;
            }
            self.world.run(self.plan.config.stream_timeout);
        }
        let islands = self.islands();
        if islands.len() > 1 {
            self.world.fail(&format!("joins do not bring these together: {islands:?}"), None);
        }
    }

    /// Joins islands once. Returns whether there are any.
    fn join_apart(&mut self) -> bool {
        let islands = self.islands();
        for place in 1..islands.len() {
            // Not all join one node: it accepts a limited number of streams at a time.
            self.join(islands[place][0], islands[(place - 1) / 2][0]);
        }
        islands.len() > 1
    }

    /// Groups the participating nodes with those that they know.
    fn islands(&self) -> Vec<Vec<usize>> {
        let mut islands: Vec<Vec<usize>> = Vec::new();
        let part = |host: &usize| self.world.hosts[*host].takes_part().is_some();
        for host in (0..self.labels.len()).filter(part) {
            let (mut with, apart): (Vec<_>, Vec<_>) =
                islands.into_iter().partition(|island| self.knows_any(host, island));
            islands = apart;
            with.push(vec![host]);
            islands.push(with.concat());
        }
        islands.sort();
        islands
    }

    /// Whether a node knows one of these as live, or one of them knows it.
    ///
    /// A node that knows no peers is always apart: its operator or driver keeps asking its seeds.
    /// (Members that know it may bring it back too, but late: they compare views with all members,
    /// and with this one only when its turn comes.)
    fn knows_any(&self, host: usize, others: &[usize]) -> bool {
        let alone =
            |host: usize| self.world.hosts[host].node().is_none_or(|node| node.members_live() <= 1);
        if alone(host) {
            return false;
        }
        let knows = |one: usize, other: usize| {
            let (one, other) = (&self.world.hosts[one], &self.world.hosts[other]);
            let node = one.node();
            let known = node.and_then(|node| node.member(other.member()));
            known.is_some_and(|known| known.state.is_live() && known.address == other.address)
        };
        let mut others = others.iter().filter(|other| !alone(**other));
        others.any(|&other| knows(host, other) || knows(other, host))
    }

    /// In a cluster whose push/pulls overlap a stream is always open. None may be old.
    fn expect_no_old_streams(&mut self) {
        let before = self.world.traffic().streams;
        let open = self.world.streams_open();
        self.world.run(secs(60));
        let opened = self.world.traffic().streams - before;
        if opened == 0 && self.world.streams_open() > 0 {
            self.world.fail(&format!("{open} streams stay open"), None);
        }
    }
}
