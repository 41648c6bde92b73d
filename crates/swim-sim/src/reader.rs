//! A subscriber that reads at a given pace.

use core::time::Duration;

use swim_core::Instant;
use swim_driver::{Events, Notice};

use crate::world::World;

/// Reads the events of a driver at a given pace: at most `at_most` events per `every`.
///
/// For a subscriber that never reads, keep an [`Events`].
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
    /// Subscribes to a driver's events. The first read is after `every`.
    ///
    /// # Panics
    /// If `every` is zero, or the node is not a running driver.
    #[must_use]
    #[track_caller]
    pub fn new(world: &World, name: &str, every: Duration, at_most: usize) -> Self {
        assert!(!every.is_zero(), "there is time between two looks");
        let (_, events) = world.cluster(name).subscribe();
        Reader { events, every, at_most, next: world.now() + every, notices: Vec::new() }
    }

    /// Lets `span` pass, and reads meanwhile.
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

    /// Returns the notices read so far, with their times.
    #[must_use]
    pub fn notices(&self) -> &[(Instant, Notice)] {
        &self.notices
    }
}
