//! One run of one seed: a cluster forms, suffers, and settles.

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

/// How a run went that met every expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run's digest: the same for the same seed on every machine.
    pub digest: u64,
    /// What the network carried and dropped.
    pub traffic: Traffic,
    /// How many nodes the cluster began with.
    pub nodes: usize,
    /// What happened.
    pub seen: Seen,
    /// How long the nodes took to agree once the faults had ended ...
    pub settled_after: Duration,
    /// ... and how long they may take.
    pub bound: Duration,
    /// How much virtual time passed.
    pub lasted: Duration,
}

/// Runs the cluster of a seed through its faults and the calm after them, with all checkers.
///
/// # Panics
/// With a report and the command that runs it again, when an expectation is not met.
#[must_use]
pub fn run(seed: u64) -> Finished {
    run_on(Setup::default(), seed)
}

/// As [`run`], on one of these wires, with a hostile host in these runs.
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
/// As [`run`].
#[must_use]
pub fn run_on(setup: impl Into<Setup>, seed: u64) -> Finished {
    run_with(setup, seed, |_| {})
}

/// As [`run_on`], with changes to the configuration that the seed gives to every node: a setting of
/// your own, under the faults of many seeds.
///
/// ```
/// use swim_sim::swarm::{self, Wires};
///
/// let finished = swarm::run_with(Wires::Swim, 3, |config| config.gossip_nodes = 1);
/// assert!(finished.settled_after <= finished.bound);
/// ```
///
/// # Panics
/// As [`run`]; and when the configuration does not [validate](swim_core::Config::validate).
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

/// As [`run`], but a script decides what a seed would: bytes from a fuzzer, or from a property
/// test. Every script means something; a longer one is no longer run. `nodes` is how many there
/// are, instead of what the script would say.
///
/// ```
/// use swim_sim::swarm;
///
/// let finished = swarm::run_script(b"any bytes will do", 2);
/// assert!(finished.settled_after <= finished.bound);
/// ```
///
/// # Panics
/// With a report, when an expectation is not met.
#[must_use]
pub fn run_script(script: &[u8], nodes: usize) -> Finished {
    /// What the script does not decide: latencies, and what the nodes themselves draw.
    const SEED: u64 = 0;
    let mut dice = Dice::scripted(script);
    let plan = Plan { nodes, ..Plan::draw(&mut dice) };
    let again = format!("swim_sim::swarm::run_script(&{script:?}, {nodes})");
    let options = plan.options(SEED).replay(again);
    Run::new(plan, options, dice).finish()
}

/// A run under way.
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) seen: Seen,
    /// What the world calls each of its hosts, in the order of their first start.
    pub(super) labels: Vec<String>,
    /// Strangers and twins so far.
    pub(super) newcomers: usize,
    /// The nodes found each other at the start.
    pub(super) formed: bool,
    /// Every join that a node was asked for.
    pub(super) joins: Vec<Request>,
    /// The faults that last.
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

    /// Starts the nodes and has them join. That may fail, where streams are few: then some of them
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

    /// By when the nodes have to agree in the calm.
    pub(super) fn bound(&self) -> Duration {
        self.world.settling(&self.plan.config, self.labels.len())
    }

    /// Has a node join another. It may refuse: too many requests, or it is just leaving.
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
