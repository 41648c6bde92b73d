//! The nodes of one run: the faults applied to them, and their agreement.

use core::time::Duration;

use swim_core::{Config, Instant};

use crate::bounds;
use crate::options::WorldOptions;
use crate::simulation::plan::{Plan, Start};
use crate::simulation::schedule::Step;
use crate::simulation::tally::Tally;
use crate::stall::Stall;
use crate::trace::Traffic;
use crate::world::World;

/// The nodes of one run.
#[derive(Debug)]
pub(super) struct Cluster {
    world: World,
    pub(super) tally: Tally,
    /// Since when all nodes are expected to find each other, and why.
    awaited: Option<(Instant, Agreement)>,
    /// How long each agreement took, without those still awaited.
    pub(super) agreed: Vec<(Agreement, Duration)>,
    /// How many healed partitions there were.
    pub(super) heals: usize,
    /// The place of the node that disagreed at the last check.
    doubter: usize,
    push_pulls_of_crashed: u64,
    /// Push/pulls counted before the run began.
    push_pulls_before: u64,
    pub(super) node_nanos: u128,
}

/// The reason why the nodes have to find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    Joining,
    Healing,
}

impl Cluster {
    pub(super) fn new(plan: &Plan, seed: u64) -> Self {
        let settings = plan.config.clone();
        let configure = move |_number: usize, config: &mut Config| {
            let (name, address, incarnation) =
                (config.name.clone(), config.address, config.incarnation);
            *config = settings.clone().with(|config| {
                config.name = name;
                config.address = address;
                config.incarnation = incarnation;
            });
        };
        let options =
            WorldOptions::new(seed).configure(configure).network(plan.network).digest(false);
        let stall_echo = bounds::suspicion_max(&plan.config, plan.nodes)
            + bounds::spread(&plan.config, plan.nodes);
        let mut cluster = Cluster {
            world: options.build(),
            tally: Tally::new(plan.nodes, stall_echo),
            awaited: None,
            agreed: Vec::new(),
            heals: 0,
            doubter: 0,
            push_pulls_of_crashed: 0,
            push_pulls_before: 0,
            node_nanos: 0,
        };
        match plan.start {
            Start::Formed => cluster.world.assemble(plan.nodes),
            Start::Joining => {
                cluster.world.gather(plan.nodes);
                cluster.awaited = Some((cluster.world.now(), Agreement::Joining));
            }
        }
        cluster.push_pulls_before = cluster.push_pulls_counted();
        cluster
    }

    pub(super) fn now(&self) -> Duration {
        self.world.now().since_origin()
    }

    /// Lets time pass, and tallies the events of all nodes.
    pub(super) fn run(&mut self, span: Duration) {
        self.node_nanos += span.as_nanos() * self.tally.running() as u128;
        self.world.run(span);
        for (number, host) in (0..).zip(&mut self.world.hosts) {
            // Drained, so that they do not pile up.
            for record in host.records.drain(..) {
                self.tally.take(number, &record);
            }
        }
        if let Some((since, agreement)) = self.awaited
            && self.all_know_all()
        {
            self.awaited = None;
            self.agreed.push((agreement, self.world.now() - since));
            if agreement == Agreement::Healing {
                self.tally.healed();
            }
        }
    }

    pub(super) fn perform(&mut self, step: &Step) {
        match step {
            Step::Crash(numbers) => numbers.iter().for_each(|number| self.crash(*number)),
            Step::Cut(side) => self.cut(side),
            Step::Heal => {
                self.world.heal();
                self.tally.heal();
                self.heals += 1;
                self.awaited = Some((self.world.now(), Agreement::Healing));
            }
            Step::Lose(loss) => self.world.set_loss(*loss),
            Step::Stall(numbers) => {
                for number in numbers {
                    self.world.stall(&name(*number), Stall::HeldIo);
                    self.tally.stall(*number);
                }
            }
            Step::GoOn(numbers) => {
                for number in numbers {
                    self.world.resume(&name(*number));
                    self.tally.go_on(self.world.now(), *number);
                }
            }
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.world.traffic()
    }

    /// How many push/pulls were completed since the run began.
    pub(super) fn push_pulls(&self) -> u64 {
        let counted = self.push_pulls_counted() + self.push_pulls_of_crashed;
        // Both sides count each.
        counted.saturating_sub(self.push_pulls_before) / 2
    }

    fn push_pulls_counted(&self) -> u64 {
        let nodes = self.world.hosts.iter().filter_map(|host| host.node());
        nodes.map(|node| node.stats().push_pulls).sum()
    }

    fn crash(&mut self, number: u32) {
        let victim = name(number);
        self.push_pulls_of_crashed += self.world.node(&victim).stats().push_pulls;
        self.world.crash(&victim);
        let observers = (0..).zip(&self.world.hosts).filter(|(_, host)| {
            host.node().is_some_and(|node| {
                !node.member(&victim).is_some_and(|member| member.state.is_live())
            })
        });
        let unaware = observers.map(|(observer, _)| observer);
        self.tally.crash(self.world.now(), number, unaware);
    }

    fn cut(&mut self, side: &[u32]) {
        let mut cut_off = vec![false; self.world.hosts.len()];
        side.iter().for_each(|number| cut_off[*number as usize] = true);
        let names = |wanted: bool| -> Vec<String> {
            let numbered = (0..).zip(&cut_off);
            let of_side = numbered.filter(|(_, cut_off)| **cut_off == wanted);
            of_side.map(|(number, _)| name(number)).collect()
        };
        let (one, other) = (names(true), names(false));
        let one: Vec<&str> = one.iter().map(String::as_str).collect();
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        self.world.cut(&one, &other);
        self.tally.cut(side);
        // The nodes cannot find each other now, so nothing is awaited.
        if matches!(self.awaited, Some((_, Agreement::Healing))) {
            self.awaited = None;
        }
    }

    /// Whether all nodes that take part see each other as live.
    fn all_know_all(&mut self) -> bool {
        let hosts = &self.world.hosts;
        let node = |number: u32| hosts[number as usize].node();
        let there: Vec<u32> = self.tally.taking_part().collect();
        let counts =
            |number: &u32| node(*number).is_some_and(|it| it.members_live() >= there.len());
        if !there.iter().all(counts) {
            return false;
        }
        let names: Vec<&str> = there.iter().map(|number| &*hosts[*number as usize].label).collect();
        // Starts with the last node that disagreed: most checks end there.
        for turn in 0..there.len() {
            let place = (self.doubter + turn) % there.len();
            let knows = |other: &&str| {
                let known = node(there[place]).and_then(|observer| observer.member(other));
                known.is_some_and(|member| member.state.is_live())
            };
            if !names.iter().all(knows) {
                self.doubter = place;
                return false;
            }
        }
        true
    }
}

fn name(number: u32) -> String {
    format!("n{number}")
}
