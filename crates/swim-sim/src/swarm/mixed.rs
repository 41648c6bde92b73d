//! Mixed faults in a small cluster of the usual configuration.
//!
//! A small cluster suffers every kind of fault of this crate for a while, one after the other and
//! at once. Then the faults end, and the nodes that may have lost each other join again. They have
//! to agree within a bound that follows from their configuration, every request must be answered,
//! and no stream may stay open.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::{Config, Event, Status};

use crate::bounds;
use crate::host::Condition;
use crate::latency::Latency;
use crate::options::{Pieces, WorldOptions};
use crate::random::{Draws, generator};
use crate::time::{millis, secs};
use crate::trace::Traffic;
use crate::world::World;

/// The result of a run that met every expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The run's digest: the same for the same seed on every machine and with every optimization.
    pub digest: u64,
    /// The traffic that the network carried and dropped.
    pub traffic: Traffic,
    /// How many times a member was suspected, counted at every node.
    pub suspected: u64,
    /// How many times a suspicion was refuted, counted at every node.
    pub refuted: u64,
    /// How many times a member was declared failed, counted at every node.
    pub failed: u64,
    /// How many times a member left, counted at every node.
    pub left: u64,
    /// How many processes were restarted.
    pub restarts: u64,
    /// The time until the nodes agreed after the faults had ended.
    pub settled_after: Duration,
}

/// Runs a small cluster of 3 to 8 nodes through mixed faults.
///
/// # Panics
/// If an expectation is not met, with a report, the seed, and the command that runs it again.
#[must_use]
pub fn mixed(seed: u64) -> Outcome {
    let mut run = Mixed::new(seed);
    run.world.settle(secs(120));
    run.world.set_loss(run.loss);
    run.chaos();
    let settled_after = run.calm();
    run.outcome(settled_after)
}

/// An action on the cluster in one step.
#[derive(Clone, Copy, Debug)]
enum Step {
    Crash,
    PowerOff,
    Restart,
    Pause,
    Resume,
    CutGroups,
    CutOneWay,
    BlockPair,
    BlockAll,
    Heal,
    Loss,
    LossOfOne,
    ClockForward,
    ClockBack,
    Leave,
    Join,
    Meta,
    Broadcast,
    Send,
    SendReliable,
    Ping,
}

impl Step {
    /// The steps to draw from, each as often as it is listed. Repairs are a little more frequent:
    /// otherwise, soon nothing would be left to break.
    const DRAWN: [Step; 27] = [
        Step::Crash,
        Step::PowerOff,
        Step::Restart,
        Step::Restart,
        Step::Restart,
        Step::Pause,
        Step::Pause,
        Step::Resume,
        Step::Resume,
        Step::CutGroups,
        Step::CutOneWay,
        Step::BlockPair,
        Step::BlockAll,
        Step::Heal,
        Step::Heal,
        Step::Loss,
        Step::LossOfOne,
        Step::ClockForward,
        Step::ClockBack,
        Step::Leave,
        Step::Join,
        Step::Join,
        Step::Meta,
        Step::Broadcast,
        Step::Send,
        Step::SendReliable,
        Step::Ping,
    ];
}

/// Random values for a step. They are drawn in any case, so that a skipped step does not shift
/// later ones.
#[derive(Clone, Copy, Debug)]
struct Draw {
    one: usize,
    other: usize,
    amount: u32,
}

struct Mixed {
    world: World,
    rng: ChaCha8Rng,
    config: Config,
    nodes: usize,
    /// The random loss during the chaos, not before: joins are not repeated.
    loss: f64,
    restarts: u64,
}

impl Mixed {
    fn new(seed: u64) -> Self {
        let mut rng = generator(seed, Draws::Swarm);
        let nodes = 3 + below(&mut rng, 6);
        let profile = [Config::lan, Config::local][below(&mut rng, 2)];
        let latency_max = [1, 2, 10, 40][below(&mut rng, 4)];
        let loss = [0.0, 0.0, 0.02, 0.1][below(&mut rng, 4)];
        let pieces = [Pieces::Whole, Pieces::Random(40), Pieces::Random(2000)][below(&mut rng, 3)];
        let mut world = WorldOptions::new(seed)
            .profile(profile)
            .latency(Latency::Uniform(Duration::from_micros(200), millis(latency_max)))
            .pieces(pieces)
            .socket_buffer(32)
            .checked()
            .replay(format!("cargo run --release -p swim-sim --bin digest -- {seed}"))
            .build();
        world.gather(nodes);
        let config = world.node("n0").config().clone();
        Mixed { world, rng, config, nodes, loss, restarts: 0 }
    }

    fn chaos(&mut self) {
        let steps = 10 + below(&mut self.rng, 30);
        for _ in 0..steps {
            // Some faults overlap, some have time to be noticed.
            let pause = [100, 1000, 5000, 20_000][below(&mut self.rng, 4)];
            let pause = 1 + below(&mut self.rng, pause);
            self.world.run(millis(pause as u64));
            let step = Step::DRAWN[below(&mut self.rng, Step::DRAWN.len())];
            let draw = Draw {
                one: below(&mut self.rng, self.nodes),
                other: below(&mut self.rng, self.nodes),
                amount: self.rng.next_u32(),
            };
            self.perform(step, draw);
        }
    }

    fn perform(&mut self, step: Step, draw: Draw) {
        let (one, other) = (format!("n{}", draw.one), format!("n{}", draw.other));
        let (one, other) = (one.as_str(), other.as_str());
        let condition = self.world.hosts[draw.one].condition;
        let exists = matches!(condition, Condition::Running | Condition::Paused);
        let share = f64::from(draw.amount % 64) / 100.0;
        match step {
            Step::Crash if exists => self.world.crash(one),
            Step::PowerOff if exists => self.world.power_off(one),
            Step::Restart => self.restart(one, other, draw.amount),
            Step::Pause if condition == Condition::Running => self.world.pause(one),
            Step::Resume if condition == Condition::Paused => self.world.resume(one),
            Step::CutGroups => self.cut(draw.amount),
            Step::CutOneWay if one != other => self.world.cut_one_way(one, other),
            Step::BlockPair if one != other => self.world.block_datagrams(one, other),
            Step::BlockAll => self.world.block_datagrams_to(one),
            Step::Heal => self.world.heal(),
            Step::Loss => self.world.set_loss(share / 2.0),
            Step::LossOfOne => self.world.set_loss_of(one, share),
            Step::ClockForward => {
                self.world.clock_forward(one, millis(u64::from(draw.amount % 4_000_000)));
            }
            Step::ClockBack => {
                self.world.clock_back(one, millis(u64::from(draw.amount % 4_000_000)));
            }
            _ if condition == Condition::Running => self.command(step, one, other, draw.amount),
            _ => {}
        }
    }

    /// Gives a node a command. It may refuse: the member is unknown, or it has left.
    fn command(&mut self, step: Step, one: &str, other: &str, amount: u32) {
        let contact = self.world.address(other);
        let size = amount as usize % 200_000;
        self.world.note(format_args!("{step:?} {one} {other} {amount}"));
        let _ = self.world.request(one, |node, now| match step {
            Step::Leave => node.leave(now),
            Step::Join => node.join(now, contact),
            Step::Meta => node.set_meta(now, amount.to_string().into()),
            Step::Broadcast => node.broadcast(now, &amount.to_le_bytes()),
            Step::SendReliable => node.send_reliable(now, other, &vec![7; size]),
            Step::Send => {
                // A message has no answer, so a ping goes along.
                let _ = node.send(now, other, &amount.to_le_bytes());
                node.ping(now, other)
            }
            _ => node.ping(now, other),
        });
    }

    fn restart(&mut self, name: &str, contact: &str, amount: u32) {
        self.restarts += 1;
        match amount % 3 {
            0 => self.world.restart_with(name, |config| config.incarnation.0 = 1),
            _ => self.world.restart(name),
        }
        if name != contact {
            self.world.join(name, contact);
        }
    }

    fn cut(&mut self, amount: u32) {
        let names: Vec<String> = (0..self.nodes).map(|number| format!("n{number}")).collect();
        let side = |bit: u32| -> Vec<&str> {
            let numbered = names.iter().zip(0..);
            let of_side = numbered.filter(|(_, number)| amount >> number & 1 == bit);
            of_side.map(|(name, _)| name.as_str()).collect()
        };
        self.world.cut(&side(0), &side(1));
    }

    /// Ends all faults, and checks the expectations after them. Returns the time until agreement.
    fn calm(&mut self) -> Duration {
        self.end_faults();
        let world = &mut self.world;
        let healed = world.now();
        // Probes that began during the faults may still fail, and cause suspicions afterwards.
        world.run(self.config.probe_interval * (u32::from(self.config.awareness_max) + 1));
        world.settle(bounds::settling(&self.config, self.nodes));
        let settled_after = world.now() - healed;
        // Exchanges in progress when the nodes agreed end within their deadlines.
        world.run(self.config.stream_timeout * 3);
        world.expect_converged();
        world.expect_answered();
        if !world.run_until(secs(90), |world| world.streams_open() == 0) {
            world.fail(&format!("{} streams stay open", world.streams_open()), None);
        }
        settled_after
    }

    fn end_faults(&mut self) {
        let world = &mut self.world;
        world.note("calm");
        world.heal();
        world.set_loss(0.0);
        for number in 0..self.nodes {
            let name = format!("n{number}");
            world.set_loss_of(&name, 0.0);
            if world.is_paused(world.host(&name)) {
                world.resume(&name);
            }
        }
        // Nodes may have lost each other, so operators join them all. Leaving nodes stay alone, and
        // so does every second one that has left.
        for number in 0..self.nodes {
            let name = format!("n{number}");
            let Some(node) = world.hosts[number].node() else {
                continue;
            };
            let joins = match node.status() {
                Status::Running => true,
                Status::Leaving => false,
                Status::Left => number % 2 == 0,
            };
            let others: Vec<_> = (0..self.nodes)
                .filter(|other| *other != number)
                .map(|other| format!("n{other}"))
                .collect();
            if joins {
                world.join_each(&name, &others.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
    }

    fn outcome(&self, settled_after: Duration) -> Outcome {
        let world = &self.world;
        let count = |is_it: fn(&Event) -> bool| -> u64 {
            let records = world.hosts.iter().flat_map(|host| &host.records);
            records.filter(|record| is_it(&record.event)).count() as u64
        };
        Outcome {
            digest: world.digest(),
            traffic: world.traffic(),
            suspected: count(|event| matches!(event, Event::Suspected { .. })),
            refuted: count(|event| matches!(event, Event::Refuted { .. })),
            failed: count(|event| matches!(event, Event::Failed { .. })),
            left: count(|event| matches!(event, Event::Left { .. })),
            restarts: self.restarts,
            settled_after,
        }
    }
}

/// A number below `end`, from 64 bits, so that it does not depend on the width of the machine.
fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(rng.next_u64() % end as u64).expect("below a usize")
}
