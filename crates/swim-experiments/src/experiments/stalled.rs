//! A cluster of which some members are slow again and again.

use std::time::Duration;

use swim_core::Config;
use swim_sim::{Stall, Stalls, secs};

use crate::census::Census;
use crate::cluster::{borrowed, lan, names};
use crate::load::{Load, Meter};

/// How long the cluster is left alone before.
const CALM: Duration = secs(15);

/// How often events are counted and dropped, so that they do not fill the memory.
const COUNT_EVERY: Duration = secs(20);

/// What is done to which cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disturbance {
    /// How many nodes there are.
    pub(crate) nodes: usize,
    /// How many of them are slow.
    pub(crate) slow: usize,
    /// In what way.
    pub(crate) stall: Stall,
    /// How long each stall lasts.
    pub(crate) duration: Duration,
    /// How long they run between two stalls.
    pub(crate) interval: Duration,
    /// For how long this goes on.
    pub(crate) span: Duration,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Who was declared failed.
    pub(crate) census: Census,
    /// What was sent during the disturbance.
    pub(crate) load: Load,
}

impl Disturbance {
    /// Disturbs a cluster of nodes that are configured like this. All slow nodes stop and go on
    /// together, as in the paper; which nodes these are makes no difference, so it is the first.
    pub(crate) fn run(&self, seed: u64, configure: impl Fn(&mut Config) + 'static) -> Outcome {
        let everybody = names(self.nodes);
        let slow = &everybody[..self.slow];
        let mut world = lan(seed, configure).build();
        world.assemble(self.nodes);
        world.run(CALM);
        let mut calm = Census::new(slow);
        calm.count(&mut world, &everybody);
        assert_eq!(calm.about_anyone, 0, "nobody fails in a calm cluster");
        let (mut census, meter) = (Census::new(slow), Meter::start(&world));
        let mut stalls =
            Stalls::together(&world, &borrowed(slow), self.stall, self.duration, self.interval);
        let end = world.now() + self.span;
        while world.now() < end {
            let step = COUNT_EVERY.min(end - world.now());
            stalls.run(&mut world, step);
            census.count(&mut world, &everybody);
        }
        Outcome { census, load: meter.read(&world) }
    }
}
