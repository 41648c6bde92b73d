//! A hostile host: not a member of the cluster, and without its keys.
//!
//! It sends datagrams from any source address, and opens streams. On the path it also sees and
//! records what members send, and repeats it, whole or changed, to any host. Its random numbers are
//! its own, also for its latencies: members that do not react to it behave as without it.
//!
//! ```
//! use swim_core::{Key, Keyring};
//! use swim_sim::{Hostile, WorldOptions, Trick, secs};
//!
//! let mut world = WorldOptions::new(1)
//!     .configure(|_, config| config.keyring = Keyring::new(Key::xchacha([7; 32])))
//!     .checked()
//!     .build();
//! world.form(3);
//! world.set_hostile(Some(Hostile::on_path()));
//! world.run(secs(60));
//! world.expect_never_failed("n1");
//! assert!(world.deeds(Trick::Repeat) > 0);
//! ```

mod attacker;
mod forging;
mod repeating;
mod streams;
mod talking;
mod tape;
mod trick;

use core::time::Duration;

use swim_core::Config;

use crate::bounds;
use crate::queue::Task;
use crate::time::millis;
use crate::world::World;

pub(crate) use attacker::Attacker;
pub(crate) use streams::Intercept;
pub use trick::Trick;

/// The abilities of a hostile host. See [`World::set_hostile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hostile {
    pub(crate) sees_percent: usize,
    pub(crate) tricks: Vec<Trick>,
    pub(crate) pause_max: Duration,
}

impl Hostile {
    /// A host on the path, with all tricks: it sees half of the datagrams and streams between
    /// members.
    #[must_use]
    pub fn on_path() -> Self {
        Hostile { sees_percent: 50, tricks: Trick::ALL.to_vec(), pause_max: millis(2000) }
    }

    /// A host off the path, which only sends: it has the tricks that need no recordings.
    #[must_use]
    pub fn off_path() -> Self {
        Hostile { sees_percent: 0, ..Hostile::on_path() }
    }

    /// Sets the percentage of datagrams and streams that it sees; 0 is off the path.
    ///
    /// # Panics
    /// If it is above 100.
    #[must_use]
    pub fn sees_percent(mut self, percent: usize) -> Self {
        assert!(percent <= 100, "a percentage is 0 to 100, not {percent}");
        self.sees_percent = percent;
        self
    }

    /// Sets its tricks. Off the path, those that need recordings are left out.
    #[must_use]
    pub fn tricks(mut self, tricks: &[Trick]) -> Self {
        self.tricks = tricks.to_vec();
        self
    }

    /// Sets the longest time between two tricks (2 s).
    #[must_use]
    pub fn pause_max(mut self, pause: Duration) -> Self {
        self.pause_max = pause;
        self
    }

    /// The tricks that it can use in its place.
    pub(crate) fn usable(&self) -> Vec<Trick> {
        let can = |trick: &Trick| self.sees_percent > 0 || !trick.needs_path();
        self.tricks.iter().copied().filter(can).collect()
    }
}

impl World {
    /// Starts, replaces or (with `None`) removes the hostile host.
    ///
    /// Its recordings stay in the world, so that a later one can repeat them. The streams of one
    /// that goes are closed.
    pub fn set_hostile(&mut self, hostile: Option<Hostile>) {
        self.note(format_args!("hostile host: {hostile:?}"));
        let seed = self.options.seed;
        let attacker = self.hostile.get_or_insert_with(|| Box::new(Attacker::new(seed)));
        let generation = attacker.begin(hostile);
        self.end_hostile_streams();
        if let Some(generation) = generation {
            self.queue.push(self.now, Task::Hostile { generation });
        }
    }

    /// How often a hostile host has used this trick.
    #[must_use]
    pub fn deeds(&self, trick: Trick) -> u64 {
        self.hostile.as_ref().map_or(0, |attacker| attacker.deeds(trick))
    }

    /// The time within which so many nodes agree in a calm world: see [`bounds::settling`].
    ///
    /// If there are no keys, nodes also have to find out that made-up members do not exist. Each of
    /// these that does not answer makes a node slower.
    pub(crate) fn settling(&self, config: &Config, nodes: usize) -> Duration {
        let made_up = self.hostile.as_ref().map_or(0, |attacker| attacker.made_up());
        let each = config.probe_interval * u32::from(config.awareness_max) * 2;
        let found_out = each * u32::try_from(made_up).unwrap_or(u32::MAX);
        bounds::settling(config, nodes + made_up) + found_out
    }
}
