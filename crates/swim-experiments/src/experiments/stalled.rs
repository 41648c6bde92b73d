//! A cluster in which some members are slow again and again.

use std::time::Duration;

use swim_core::Config;
use swim_sim::{Stall, Stalls, secs};

use crate::census::Census;
use crate::cluster::{borrowed, lan, names};
use crate::load::{Load, Meter};

/// The calm time before the disturbance.
const CALM: Duration = secs(15);

/// The time between counts, which drop the events so that they do not fill the memory.
const COUNT_EVERY: Duration = secs(20);

/// A disturbance, and the cluster it hits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disturbance {
    /// The number of nodes.
    pub(crate) nodes: usize,
    /// The number of slow nodes.
    pub(crate) slow: usize,
    /// The way in which they are slow.
    pub(crate) stall: Stall,
    /// The length of each stall.
    pub(crate) duration: Duration,
    /// The time between two stalls.
    pub(crate) interval: Duration,
    /// The length of the disturbance.
    pub(crate) span: Duration,
}

/// The result of a disturbance.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The false failures.
    pub(crate) census: Census,
    /// The traffic during the disturbance.
    pub(crate) load: Load,
}

impl Disturbance {
    /// Disturbs a cluster of nodes with this configuration.
    ///
    /// All slow nodes stop and resume together, as in the paper. They are the first ones: the
    /// choice makes no difference.
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
