//! The plan of a run: everything that a seed decides in advance.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Config, Name};

use super::fault::Fault;
use super::lasting::Lasting;
use super::setup::Setup;
use crate::checkers::Deliveries;
use crate::contents::requires_seals;
use crate::dice::Dice;
use crate::hostile::Hostile;
use crate::latency::Latency;
use crate::options::{Pieces, WorldOptions};
use crate::random::Draws;
use crate::time::{millis, secs};

/// Everything that a seed decides in advance.
pub(super) struct Plan {
    pub(super) nodes: usize,
    /// The configuration of every node, except its name, address and incarnation.
    pub(super) config: Config,
    pub(super) latency: Latency,
    pub(super) pieces: Pieces,
    pub(super) socket_buffer: usize,
    /// The kinds of faults that occur.
    pub(super) faults: Vec<Fault>,
    pub(super) steps: usize,
    /// The longest time between two steps.
    pub(super) pause_max: Duration,
    /// The hostile host, if there is one.
    pub(super) hostile: Option<Hostile>,
    /// The kinds of lasting faults.
    pub(super) lasting: Vec<Lasting>,
    /// The setup from which the wire of `config`, the hostile host and lasting faults were drawn.
    pub(super) setup: Setup,
}

impl Plan {
    pub(super) fn of_seed(seed: u64, setup: Setup) -> Self {
        let mut plan = Plan::draw(&mut Dice::new(seed, Draws::Plan));
        setup.wires.apply(seed, &mut plan.config);
        let steps = u32::try_from(plan.steps).expect("few steps");
        plan.hostile = setup.hostile.draw(seed, &plan.config, plan.pause_max * steps);
        let is_attacked = plan.hostile.is_some();
        plan.lasting = setup.lasting.draw(seed, |kind| kind.is_possible(&plan.config, is_attacked));
        plan.setup = setup;
        plan
    }

    pub(super) fn draw(dice: &mut Dice) -> Self {
        let nodes = match dice.below(16) {
            0 | 1 => dice.between(1, 3),
            2..=9 => dice.between(3, 9),
            10..=13 => dice.between(10, 24),
            _ => dice.between(25, 64),
        };
        let config = draw_config(dice);
        // A step takes longer in a large cluster, so there are fewer.
        let steps = dice.between(5, 800 / (nodes + 10));
        let pause_max = dice.pick(&[config.probe_interval, secs(5), secs(20), secs(60)]);
        Plan {
            nodes,
            latency: draw_latency(dice, &config),
            config,
            pieces: dice.pick(&[Pieces::Whole, Pieces::Random(40), Pieces::Random(2000)]),
            socket_buffer: dice.pick(&[4, 32, 256]),
            faults: draw_faults(dice),
            steps,
            pause_max,
            hostile: None,
            lasting: Vec::new(),
            setup: Setup::default(),
        }
    }

    /// Options for a world that runs this plan.
    pub(super) fn options(&self, seed: u64) -> WorldOptions {
        let template = self.config.clone();
        WorldOptions::new(seed)
            .configure(move |_, config| {
                let (name, address) = (config.name.clone(), config.address);
                let incarnation = config.incarnation;
                *config = template.clone().with(|config| {
                    config.name = name;
                    config.address = address;
                    config.incarnation = incarnation;
                });
            })
            .latency(self.latency)
            .pieces(self.pieces)
            .socket_buffer(self.socket_buffer)
            .replay(replay(seed, self.setup))
            .checked()
            .check(Deliveries::of_all_sent())
    }

    /// Whether a hostile host can announce wrong addresses of nodes to each other: there are no
    /// keys.
    pub(super) fn is_misled(&self) -> bool {
        self.hostile.is_some() && !requires_seals(&self.config)
    }

    /// Whether there may be two nodes with one name.
    pub(super) fn has_twins(&self) -> bool {
        self.faults.contains(&Fault::Twin) || self.lasting.contains(&Lasting::SecondOfName)
    }

    /// Whether made-up members may take all places for lost members, if these are few. Nodes then
    /// forget existing members that they doubt.
    pub(super) fn may_forget_members(&self) -> bool {
        self.is_misled() && self.config.lost_members_max < self.nodes
    }

    /// Whether the nodes find each other again without joins once the faults have ended.
    pub(super) fn heals_by_itself(&self) -> bool {
        !self.is_misled()
            && !self.faults.iter().any(|fault| fault.needs_joins())
            && !self.lasting.iter().any(|lasting| lasting.needs_joins())
            && self.config.lost_members_max >= self.nodes
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { nodes, config, latency, faults, steps, pause_max, hostile, lasting, .. } = self;
        write!(f, "{nodes} nodes, {steps} steps up to {pause_max:?} apart of {faults:?}; ")?;
        if let Some(hostile) = hostile {
            write!(f, "{hostile:?}; ")?;
        }
        if !lasting.is_empty() {
            write!(f, "for long {lasting:?}; ")?;
        }
        write!(f, "{latency:?}; {config:?}")
    }
}

/// The command that runs a seed again.
pub(super) fn replay(seed: u64, setup: Setup) -> String {
    let program = "cargo run --release -p swim-sim --";
    format!("{program} --seeds {seed}..{}{}", seed + 1, setup.options())
}

fn draw_faults(dice: &mut Dice) -> Vec<Fault> {
    // Some runs have many kinds, some few.
    let one_in = dice.pick(&[2, 2, 3, 6]);
    let mut faults: Vec<Fault> = Fault::ALL.into_iter().filter(|_| dice.one_in(one_in)).collect();
    if dice.one_in(4) {
        // Only faults that the nodes repair by themselves.
        faults.retain(|fault| !fault.needs_joins());
    }
    if faults.is_empty() {
        faults.push(Fault::Partition);
    }
    faults
}

/// A round trip fits into the probe timeout: otherwise no cluster would ever be calm.
fn draw_latency(dice: &mut Dice, config: &Config) -> Latency {
    let slowest = dice.pick(&[millis(1), millis(2), millis(10), millis(40)]);
    let slowest = slowest.min(config.probe_timeout / 3);
    let few = slowest / 10;
    match dice.below(4) {
        0 => Latency::Fixed(slowest),
        1 => Latency::LogNormal { median: few, p99: slowest / 3 },
        _ => Latency::Uniform(few, slowest),
    }
}

fn draw_config(dice: &mut Dice) -> Config {
    let profiles: [fn(Name, SocketAddr) -> Config; 3] = [Config::lan, Config::local, Config::wan];
    let profile = dice.pick(&profiles);
    let name = "template".parse().expect("a name of 8 bytes is valid");
    let usual = profile(name, ([10, 0, 0, 1], 7946).into());
    let mut config = usual.clone();
    if dice.one_in(2) {
        draw_timing(dice, &mut config);
    }
    if dice.one_in(2) {
        draw_parts(dice, &mut config);
    }
    if dice.one_in(3) {
        draw_limits(dice, &mut config);
    }
    // Each draw above keeps to its range, but together they may be invalid.
    if config.validate().is_ok() { config } else { usual }
}

fn draw_timing(dice: &mut Dice, config: &mut Config) {
    config.probe_interval = millis(dice.pick(&[200, 500, 1000, 2000, 5000]));
    let percent = dice.pick(&[20, 40, 60, 80]);
    config.probe_timeout = config.probe_interval * percent / 100;
    config.indirect_probes = dice.between(0, 5);
    config.suspicion_mult = dice.pick(&[2, 3, 4, 5, 6, 8]);
    config.suspicion_max_mult = dice.pick(&[1, 2, 4, 6, 8]);
    config.awareness_max = dice.pick(&[1, 4, 8, 12]);
    config.gossip_interval = millis(dice.pick(&[50, 100, 200, 500]));
    config.gossip_nodes = dice.between(1, 6);
    config.retransmit_mult = dice.pick(&[1, 2, 3, 4, 5, 6]);
    config.gossip_to_the_dead = config.probe_interval.max(secs(dice.pick(&[5, 15, 30, 60])));
    config.push_pull_interval = secs(dice.pick(&[5, 15, 30, 60]));
    config.stream_timeout = secs(dice.pick(&[1, 3, 10, 15]));
}

fn draw_parts(dice: &mut Dice, config: &mut Config) {
    config.lifeguard_health = !dice.one_in(3);
    config.lifeguard_suspicion = !dice.one_in(3);
    config.lifeguard_buddy = !dice.one_in(3);
    config.lateness = !dice.one_in(4);
    config.stream_ping = !dice.one_in(3);
    config.last_call = !dice.one_in(3);
    if dice.one_in(3) {
        config.label = "swarm".into();
    }
}

fn draw_limits(dice: &mut Dice, config: &mut Config) {
    config.packet_size_max = dice.pick(&[800, 1000, 1400, 8000]);
    config.meta_size_max = dice.pick(&[64, 128, 256]);
    config.lost_members_max = dice.pick(&[2, 8, 1 << 14]);
    config.update_queue_max = dice.pick(&[16, 64, 1 << 14]);
    config.broadcast_queue_max = dice.pick(&[1, 8, 1024]);
    config.broadcast_queue_bytes_max = dice.pick(&[8000, 1 << 20]);
    config.broadcast_origins_max = dice.pick(&[1, 8, 4096]);
    config.streams_max = dice.pick(&[1, 4, 16, 128]);
    config.streams_per_source_max = dice.pick(&[1, 2, 8, 64]);
    // Drawn for a former limit, so that each seed keeps its plan.
    dice.below(3);
    config.requests_max = dice.pick(&[2, 16, 1024]);
    config.relays_max = dice.pick(&[1, 8, 1024]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_is_valid_and_plans_differ_in_everything() {
        let plans: Vec<Plan> =
            (0..2000).map(|seed| Plan::of_seed(seed, Setup::default())).collect();
        assert!(plans.iter().all(|plan| plan.config.validate().is_ok()));
        for nodes in 1..=64 {
            assert!(plans.iter().any(|plan| plan.nodes == nodes), "{nodes} nodes");
        }
        for fault in Fault::ALL {
            let having = plans.iter().filter(|plan| plan.faults.contains(&fault)).count();
            assert!((300..1600).contains(&having), "{fault:?} in {having} of 2000 plans");
        }
        assert!(plans.iter().filter(|plan| plan.heals_by_itself()).count() > 200);
        let usual = plans.iter().filter(|plan| plan.config.packet_size_max == 1400).count();
        assert!(usual > 1000 && usual < 1900, "{usual} with packets of the usual size");
    }
}
