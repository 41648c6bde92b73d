//! Churn: members that crash, and new ones in their place.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::Instant;

use crate::random::{Draws, generator};
use crate::time::secs;
use crate::world::World;

/// Replaces members at a steady rate, so that the size of the cluster stays the same.
///
/// At each step a random member crashes, without a leave message, and a new one joins two others.
///
/// ```
/// use swim_sim::{Churn, World, secs};
///
/// let mut world = World::new(1);
/// world.form(10);
/// // Six of them a minute; n0 stays.
/// let mut churn = Churn::new(&world, 6, &["n0"]);
/// churn.run(&mut world, secs(60));
/// assert_eq!(world.running().count(), 10);
/// ```
#[derive(Debug)]
pub struct Churn {
    rng: ChaCha8Rng,
    interval: Duration,
    next: Instant,
    /// The nodes that may crash.
    mortal: Vec<String>,
    started: usize,
}

impl Churn {
    /// Replaces the nodes running now, except `spared`, at `per_minute` nodes a minute; 0 is none.
    #[must_use]
    pub fn new(world: &World, per_minute: u32, spared: &[&str]) -> Self {
        let rng = generator(world.seed(), Draws::Churn);
        let mortal = world.running().filter(|name| !spared.contains(name)).map(str::to_owned);
        let mortal = mortal.collect();
        let interval = secs(60).checked_div(per_minute).unwrap_or(Duration::MAX);
        Churn { rng, interval, next: world.now() + interval, mortal, started: 0 }
    }

    /// Lets `span` pass, with churn.
    pub fn run(&mut self, world: &mut World, span: Duration) {
        self.run_until(world, span, |_| false);
    }

    /// Lets time pass, with churn, until `condition` holds, or for `max`.
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
            if world.run_until(self.next.min(end) - world.now(), &mut condition) {
                return true;
            }
            if world.now() >= end {
                return false;
            }
            self.replace_one(world);
            self.next += self.interval;
        }
    }

    fn replace_one(&mut self, world: &mut World) {
        let index = self.draw();
        let gone = self.mortal.swap_remove(index);
        world.crash(&gone);
        let contacts = [self.draw(), self.draw()].map(|index| self.mortal[index].clone());
        let name = format!("c{}", self.started);
        self.started += 1;
        world.start(&name);
        world.join(&name, &contacts[0]);
        if contacts[1] != contacts[0] {
            world.join(&name, &contacts[1]);
        }
        self.mortal.push(name);
    }

    /// The index of a node that may crash. From 64 bits, the same on every machine.
    fn draw(&mut self) -> usize {
        let count = self.mortal.len() as u64;
        assert!(count > 1, "churn needs at least two nodes that are not spared");
        usize::try_from(self.rng.next_u64() % count).expect("below a usize")
    }
}
