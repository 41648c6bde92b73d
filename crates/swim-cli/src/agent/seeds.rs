//! The agent's current seeds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The seeds that the agent joins until one answers. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeds(Arc<Mutex<Vec<String>>>);

impl Seeds {
    /// These seeds.
    pub(super) fn new(seeds: Vec<String>) -> Self {
        Seeds(Arc::new(Mutex::new(seeds)))
    }

    /// The current seeds.
    pub(super) fn list(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Adds a seed, unless it is known.
    pub(super) fn add(&self, seed: &str) {
        let mut seeds = self.lock();
        if !seeds.iter().any(|known| known == seed) {
            seeds.push(seed.into());
        }
    }

    /// Removes a seed, if it is known.
    pub(super) fn remove(&self, seed: &str) {
        self.lock().retain(|known| known != seed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        // Each change is a single step, so a panic leaves the list intact.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
