//! A subscriber that reads now and then.

use core::time::Duration;

use swim_core::Instant;
use swim_driver::{Events, Notice};

use crate::world::World;

/// An application that reads the events of its driver only every so often, and only so many: fast
/// or slow, as one likes. One that never reads is an [`Events`] that is kept.
///
/// ```
/// use swim_sim::{Reader, World, secs};
///
/// let mut world = World::new(1);
/// world.start("a");
/// world.start_driver("b", |options| options.seeds = vec!["a:7946".into()]);
/// let mut reader = Reader::new(&world, "b", secs(1), 10);
/// reader.run(&mut world, secs(10));
/// assert!(!reader.notices().is_empty());
/// ```
///
/// [`Events`]: swim_driver::Events
#[derive(Debug)]
pub struct Reader {
    events: Events,
    every: Duration,
    at_most: usize,
    next: Instant,
    notices: Vec<(Instant, Notice)>,
}

impl Reader {
    /// A subscriber to a driver's events, from now on, who reads for the first time after `every`.
    ///
    /// # Panics
    /// When `every` is zero, or the node is no driver that runs.
    #[must_use]
    #[track_caller]
    pub fn new(world: &World, name: &str, every: Duration, at_most: usize) -> Self {
        assert!(!every.is_zero(), "there is time between two looks");
        let (_, events) = world.cluster(name).subscribe();
        Reader { events, every, at_most, next: world.now() + every, notices: Vec::new() }
    }

    /// Lets this much time pass, with this reader.
    pub fn run(&mut self, world: &mut World, span: Duration) {
        let end = world.now() + span;
        while self.next <= end {
            world.run(self.next - world.now());
            for _ in 0..self.at_most {
                let Some(notice) = self.events.try_next() else { break };
                self.notices.push((world.now(), notice));
            }
            self.next += self.every;
        }
        world.run(end - world.now());
    }

    /// What it has read, and when.
    #[must_use]
    pub fn notices(&self) -> &[(Instant, Notice)] {
        &self.notices
    }
}
