//! Repeated stalls of processes.

use core::time::Duration;

use rand_core::Rng;
use swim_core::Deadlines;

use crate::random::{Draws, generator};
use crate::stall::Stall;
use crate::time::nanos;
use crate::world::World;

/// Stalls some nodes again and again: each is stalled for a while, then runs for a while.
///
/// [Lifeguard](https://arxiv.org/abs/1707.00788) was measured like this, with [`Stall::HeldIo`].
///
/// ```
/// use swim_sim::{Stall, Stalls, World, millis, secs};
///
/// let mut world = World::new(1);
/// world.form(10);
/// // Two of them, for 2 s out of 2.5 s, during a minute.
/// let slow = ["n3", "n7"];
/// let mut stalls = Stalls::new(&world, &slow, Stall::HeldIo, secs(2), millis(500));
/// stalls.run(&mut world, secs(60));
/// stalls.end(&mut world);
/// assert_eq!(world.running().count(), 10);
/// ```
#[derive(Debug)]
pub struct Stalls {
    stall: Stall,
    duration: Duration,
    interval: Duration,
    nodes: Vec<Stalled>,
    /// The next step of each node, by its index, and when.
    next: Deadlines<(u32, Step)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Stop,
    GoOn,
}

#[derive(Debug)]
struct Stalled {
    name: String,
    /// These stalls stopped it, and have not resumed it yet.
    stalled: bool,
}

impl Stalls {
    /// Stalls these nodes for `duration`, with `interval` between two stalls of a node.
    ///
    /// Each node begins at a random point of its first period.
    ///
    /// # Panics
    /// If both durations are zero, or a node is unknown.
    #[must_use]
    #[track_caller]
    pub fn new(
        world: &World,
        names: &[&str],
        stall: Stall,
        duration: Duration,
        interval: Duration,
    ) -> Self {
        let period = nanos(duration + interval);
        assert!(period > 0, "stalls take some time, or leave some");
        let mut rng = generator(world.seed(), Draws::Stalls);
        let nodes: Vec<Stalled> = names
            .iter()
            .map(|name| {
                let _known = world.host(name);
                Stalled { name: (*name).to_owned(), stalled: false }
            })
            .collect();
        let mut phase = || {
            let phase = (u128::from(period) * u128::from(rng.next_u64())) >> 64;
            // Below the period, so it fits.
            Duration::from_nanos(u64::try_from(phase).unwrap_or(0))
        };
        let places = (0..).zip(&nodes).map(|(place, _)| place);
        let next = places.map(|place| (world.now() + phase(), (place, Step::Stop))).collect();
        Stalls { stall, duration, interval, nodes, next }
    }

    /// Stalls all nodes together, beginning now, as in the paper. See [`new`](Stalls::new).
    #[must_use]
    #[track_caller]
    pub fn together(
        world: &World,
        names: &[&str],
        stall: Stall,
        duration: Duration,
        interval: Duration,
    ) -> Self {
        let mut stalls = Stalls::new(world, names, stall, duration, interval);
        let places = (0..).zip(&stalls.nodes).map(|(place, _)| place);
        stalls.next = places.map(|place| (world.now(), (place, Step::Stop))).collect();
        stalls
    }

    /// Lets `span` pass, with stalls.
    ///
    /// A node that is stalled at the end stays so until the next call, or until
    /// [`end`](Stalls::end).
    pub fn run(&mut self, world: &mut World, span: Duration) {
        self.run_until(world, span, |_| false);
    }

    /// Lets time pass, with stalls, until `condition` holds, or for `max`.
    ///
    /// Returns whether it holds at the end. See [`World::run_until`].
    pub fn run_until(
        &mut self,
        world: &mut World,
        max: Duration,
        mut condition: impl FnMut(&World) -> bool,
    ) -> bool {
        let end = world.now() + max;
        loop {
            let next = self.next.next().unwrap_or(end);
            if world.run_until(next.min(end) - world.now(), &mut condition) {
                return true;
            }
            if world.now() >= end {
                return false;
            }
            self.step(world);
        }
    }

    /// Resumes every node that these stalls have stopped.
    ///
    /// If time passes with these stalls again, the next ones come as scheduled.
    pub fn end(&mut self, world: &mut World) {
        for node in &mut self.nodes {
            node.go_on(world);
        }
    }

    /// Carries out the step that is due.
    fn step(&mut self, world: &mut World) {
        let Some((at, (place, step))) = self.next.take_due(world.now()) else {
            return;
        };
        let node = &mut self.nodes[place as usize];
        let (next, step) = match step {
            Step::Stop => {
                node.stop(world, self.stall);
                (at + self.duration, Step::GoOn)
            }
            Step::GoOn => {
                node.go_on(world);
                (at + self.interval, Step::Stop)
            }
        };
        self.next.insert(next, (place, step));
    }
}

impl Stalled {
    /// Skips a process that is down, or that something else has stalled.
    fn stop(&mut self, world: &mut World, stall: Stall) {
        let host = world.host(&self.name);
        self.stalled = world.hosts[host as usize].process.is_some() && !world.is_stalled(host);
        if self.stalled {
            world.stall(&self.name, stall);
        }
    }

    fn go_on(&mut self, world: &mut World) {
        let stalled = core::mem::take(&mut self.stalled);
        // It may have been restarted or resumed in the meantime.
        if stalled && world.is_stalled(world.host(&self.name)) {
            world.resume(&self.name);
        }
    }
}
