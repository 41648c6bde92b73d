//! All randomness of a node: one seeded generator, so that a run can be repeated.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A seeded generator. It draws 32 or 64 bits at a time, never `usize`, so that a seed has the same
/// effect on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Random(ChaCha8Rng::from_seed(seed))
    }

    /// A second generator from the seed that [`new`](Random::new) takes, for draws that must not
    /// change the course of a run. `stream` is above 0; nonces use number 1.
    pub(crate) fn beside(seed: [u8; 32], stream: u64) -> Self {
        let mut generator = ChaCha8Rng::from_seed(seed);
        generator.set_stream(stream);
        Random(generator)
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which must not be 0. It scales instead of rejecting: always one
    /// draw, with a bias below `bound / 2^32` that no use here notices.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        debug_assert!(bound > 0);
        let scaled = u64::from(self.next_u32()) * u64::from(bound);
        (scaled >> 32) as u32
    }

    /// A random time from zero up to `limit`.
    pub(crate) fn delay(&mut self, limit: Duration) -> Duration {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let scaled = u128::from(self.next_u64()) * u128::from(nanos);
        Duration::from_nanos((scaled >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new([7; 32]);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[random.below(5) as usize] = true;
            assert!(random.delay(Duration::from_millis(3)) < Duration::from_millis(3));
        }
        assert_eq!(seen, [true; 5]);
    }
}
