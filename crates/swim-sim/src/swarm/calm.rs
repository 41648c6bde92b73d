//! The end of every fault, and what should be true then.

use core::time::Duration;
use std::collections::BTreeSet;

use swim_core::Status;

use super::run::Run;
use crate::time::{millis, secs};
use crate::world::World;

/// How often it is looked whether the nodes agree.
const LOOK_EVERY: Duration = millis(100);

impl Run {
    /// Ends every fault, and expects what should be true then. How long it took to agree.
    pub(super) fn calm(&mut self) -> Duration {
        self.end_faults();
        if !self.formed || !self.plan.heals_by_itself() {
            self.join_islands();
        } else {
            self.seen.add("healed without a join", 1);
        }
        self.world.calm();
        let (healed, bound) = (self.world.now(), self.bound());
        // Probes that began during the faults may still fail, and cause a suspicion afterwards.
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
        }
        let Some(agreed_at) = agreed_at else {
            // The checker of convergence says so first, unless a look falls just after the bound.
            self.world.expect_converged();
            return bound;
        };
        // What was under way when the nodes agreed ends within its deadlines.
        self.world.run(self.plan.config.stream_timeout * 3 + self.plan.config.probe_interval * 10);
        self.world.expect_converged();
        self.world.expect_answered();
        let patience = secs(90) + self.plan.config.stream_timeout;
        if !self.world.run_until(patience, |world| world.streams_open() == 0) {
            self.expect_no_old_streams();
        }
        agreed_at - healed
    }

    fn end_faults(&mut self) {
        self.world.note("the faults end");
        self.world.heal();
        self.end_impairments();
        for host in 0..self.labels.len() {
            self.world.set_drift(&self.labels[host], 0);
            if self.world.hosts[host].stall.is_some() {
                self.world.resume(&self.labels[host]);
            }
        }
        self.end_twins();
    }

    /// Of several nodes with one name one goes on: two of them are a mistake that no protocol mends.
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

    /// Every second of those that left comes back; and nodes of which no chain of members leads to
    /// the others, since they lost their memory or never joined, are joined to them, as their
    /// operators would.
    fn join_islands(&mut self) {
        let running = |world: &World, host: usize| world.hosts[host].takes_part().is_some();
        let hosts = 0..self.labels.len();
        let left = |world: &World, host: usize| {
            let node = world.hosts[host].node();
            node.is_some_and(|node| node.status() == Status::Left)
        };
        let back: Vec<usize> =
            hosts.clone().filter(|host| left(&self.world, *host) && host % 2 == 0).collect();
        let mut islands: Vec<Vec<usize>> = Vec::new();
        for host in hosts.filter(|host| running(&self.world, *host)) {
            let (mut with, apart): (Vec<_>, Vec<_>) =
                islands.into_iter().partition(|island| self.knows_any(host, island));
            islands = apart;
            with.push(vec![host]);
            islands.push(with.concat());
        }
        islands.sort();
        for place in 1..islands.len() {
            // Not all to one: a node takes in a limited number of streams at a time.
            self.join(islands[place][0], islands[(place - 1) / 2][0]);
        }
        for (place, host) in back.into_iter().enumerate() {
            let Some(island) = islands.first() else {
                break;
            };
            self.join(host, island[place % island.len()]);
        }
    }

    /// Whether a node knows one of these, or one of them knows it, as somebody to talk to or to look
    /// for.
    fn knows_any(&self, host: usize, others: &[usize]) -> bool {
        let knows = |one: usize, other: usize| {
            let (one, other) = (&self.world.hosts[one], &self.world.hosts[other]);
            let node = one.node();
            let known = node.and_then(|node| node.member(other.member()));
            known.is_some_and(|known| known.state.is_live() && known.address == other.address)
        };
        others.iter().any(|&other| knows(host, other) || knows(other, host))
    }

    /// A cluster whose periodic exchanges overlap always has a stream open; none may be old.
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
