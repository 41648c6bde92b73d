//! One run of one seed: a cluster forms, suffers faults, and settles.

use core::time::Duration;

use swim_core::{Config, Failure};

use super::lasting::Course;
use super::plan::Plan;
use super::seen::Seen;
use super::setup::Setup;
use crate::commands::Request;
use crate::dice::Dice;
use crate::options::WorldOptions;
use crate::random::Draws;
use crate::trace::Traffic;
use crate::world::World;

/// The result of a run that met every expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run's digest: the same for the same seed on every machine.
    pub digest: u64,
    /// The traffic that the network carried and dropped.
    pub traffic: Traffic,
    /// The number of nodes at the beginning.
    pub nodes: usize,
    /// The events of the run.
    pub seen: Seen,
    /// The time until the nodes agreed once the faults had ended ...
    pub settled_after: Duration,
    /// ... and its bound.
    pub bound: Duration,
    /// The virtual time that passed.
    pub lasted: Duration,
}

/// Runs a seed's cluster through its faults and the calm after them, with all checkers.
///
/// # Panics
/// If an expectation is not met, with a report and the command that runs it again.
#[must_use]
pub fn run(seed: u64) -> Finished {
    run_on(Setup::default(), seed)
}

/// Like [`run`], with these wires, hostile hosts and lasting faults.
///
/// ```
/// use swim_sim::swarm::{self, Hostility, Setup, Wires};
///
/// let finished = swarm::run_on(Wires::Memberlist, 3);
/// assert!(finished.settled_after <= finished.bound);
/// let finished = swarm::run_on(Setup::from(Wires::Both).hostile(Hostility::Always), 3);
/// assert_eq!(finished.seen.count("hostile hosts"), 1);
/// ```
///
/// # Panics
/// Like [`run`].
#[must_use]
pub fn run_on(setup: impl Into<Setup>, seed: u64) -> Finished {
    run_with(setup, seed, |_| {})
}

/// Like [`run_on`], with changes to the configuration of every node.
///
/// Use it to test a setting of your own under the faults of many seeds.
///
/// ```
/// use swim_sim::swarm::{self, Wires};
///
/// let finished = swarm::run_with(Wires::Swim, 3, |config| config.gossip_nodes = 1);
/// assert!(finished.settled_after <= finished.bound);
/// ```
///
/// # Panics
/// Like [`run`], and if the configuration does not [validate](swim_core::Config::validate).
#[must_use]
pub fn run_with(
    setup: impl Into<Setup>,
    seed: u64,
    configure: impl FnOnce(&mut Config),
) -> Finished {
    let mut plan = Plan::of_seed(seed, setup.into());
    configure(&mut plan.config);
    let options = plan.options(seed);
    Run::new(plan, options, Dice::new(seed, Draws::Chaos)).finish()
}

/// Like [`run`], but a script takes the place of the seed: bytes from a fuzzer or a property test.
///
/// Every script is valid, and a longer script does not make a longer run. `nodes` overrides the
/// script's number of nodes.
///
/// ```
/// use swim_sim::swarm;
///
/// let finished = swarm::run_script(b"any bytes will do", 2);
/// assert!(finished.settled_after <= finished.bound);
/// ```
///
/// # Panics
/// If an expectation is not met, with a report.
#[must_use]
pub fn run_script(script: &[u8], nodes: usize) -> Finished {
    /// For everything that the script does not decide: latencies, and the nodes' own random
    /// numbers.
    const SEED: u64 = 0;
    let mut dice = Dice::scripted(script);
    let plan = Plan { nodes, ..Plan::draw(&mut dice) };
    let again = format!("swim_sim::swarm::run_script(&{script:?}, {nodes})");
    let options = plan.options(SEED).replay(again);
    Run::new(plan, options, dice).finish()
}

/// A run in progress.
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) seen: Seen,
    /// The world's names of its hosts, in the order of their first start.
    pub(super) labels: Vec<String>,
    /// Number of strangers and twins so far.
    pub(super) newcomers: usize,
    /// Whether the nodes found each other at the start.
    pub(super) formed: bool,
    /// Every join that was requested of a node.
    pub(super) joins: Vec<Request>,
    /// The lasting faults.
    pub(super) lasting: Vec<Course>,
}

impl Run {
    fn new(plan: Plan, options: WorldOptions, dice: Dice) -> Self {
        Run {
            plan,
            world: options.build(),
            dice,
            seen: Seen::default(),
            labels: Vec::new(),
            newcomers: 0,
            formed: false,
            joins: Vec::new(),
            lasting: Vec::new(),
        }
    }

    fn finish(mut self) -> Finished {
        if let Some(hostile) = self.plan.hostile.clone() {
            self.world.set_hostile(Some(hostile));
            self.seen.add("hostile hosts", 1);
        }
        self.form();
        self.siege();
        self.plan_lasting();
        self.chaos();
        let settled_after = self.calm();
        self.seen.add_world(&self.world);
        self.seen.add_config(&self.plan.config);
        self.seen.add("joins failed", self.joins_failed());
        Finished {
            digest: self.world.digest(),
            traffic: self.world.traffic(),
            nodes: self.plan.nodes,
            settled_after,
            bound: self.bound(),
            lasted: self.world.now().since_origin(),
            seen: self.seen,
        }
    }

    /// Starts the nodes and makes them join. If streams are scarce, joins may fail, and some nodes
    /// go into the chaos alone.
    fn form(&mut self) {
        for number in 0..self.plan.nodes {
            let label = format!("n{number}");
            self.world.start(&label);
            self.labels.push(label);
        }
        for number in 1..self.plan.nodes {
            self.join(number, number / 2);
        }
        let undisturbed = !self.begin_early();
        let patience = self.plan.config.stream_timeout + self.plan.config.push_pull_interval;
        self.formed = self.world.run_until(patience, World::converged) && undisturbed;
    }

    /// The time within which the nodes have to agree in the calm.
    pub(super) fn bound(&self) -> Duration {
        self.world.settling(&self.plan.config, self.labels.len())
    }

    /// Makes a node join another. It may refuse: too many requests, or it is leaving.
    pub(super) fn join(&mut self, one: usize, other: usize) {
        if one == other || !self.takes_commands(one) {
            return;
        }
        let contact = self.world.address(&self.labels[other]);
        self.world.note(format_args!("{} joins {}", self.labels[one], self.labels[other]));
        let asked = self.world.request(&self.labels[one], |node, now| node.join(now, contact));
        self.joins.extend(asked);
    }

    fn joins_failed(&self) -> u64 {
        let failed = |join: &&Request| match self.world.answer(**join) {
            Some(Err(failure)) => *failure != Failure::Stopped,
            Some(Ok(_)) | None => false,
        };
        self.joins.iter().filter(failed).count() as u64
    }

    pub(super) fn exists(&self, host: usize) -> bool {
        self.world.hosts[host].node().is_some()
    }

    pub(super) fn takes_commands(&self, host: usize) -> bool {
        self.exists(host) && self.world.hosts[host].stall.is_none()
    }
}
