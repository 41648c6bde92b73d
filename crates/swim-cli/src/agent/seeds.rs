//! The seeds that the user has asked for, as they are now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The seeds that are joined again for as long as none answers. A cheap clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeds(Arc<Mutex<Vec<String>>>);

impl Seeds {
    /// These seeds.
    pub(super) fn new(seeds: Vec<String>) -> Self {
        Seeds(Arc::new(Mutex::new(seeds)))
    }

    /// All of them now.
    pub(super) fn list(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Adds one, if it is none yet.
    pub(super) fn add(&self, seed: &str) {
        let mut seeds = self.lock();
        if !seeds.iter().any(|known| known == seed) {
            seeds.push(seed.into());
        }
    }

    /// Removes one, if it is one.
    pub(super) fn remove(&self, seed: &str) {
        self.lock().retain(|known| known != seed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        // Each change is a single step: what a panic left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
