//! Draws for plans and faults, the same on every machine.

use core::time::Duration;
use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::random::{Draws, generator};
use crate::time::{millis, nanos};

/// Draws for one purpose, from a seed or from a script.
#[derive(Debug)]
pub(crate) struct Dice(Source);

#[derive(Debug)]
enum Source {
    Chance(Box<ChaCha8Rng>),
    /// Two bytes for each draw, so that a fuzzer that changes a few bytes changes a few draws.
    /// Zeros after the last byte.
    Script(VecDeque<u8>),
}

impl Dice {
    pub(crate) fn new(seed: u64, purpose: Draws) -> Self {
        Dice(Source::Chance(Box::new(generator(seed, purpose))))
    }

    pub(crate) fn scripted(script: &[u8]) -> Self {
        Dice(Source::Script(script.iter().copied().collect()))
    }

    fn draw(&mut self) -> u64 {
        match &mut self.0 {
            Source::Chance(rng) => rng.next_u64(),
            Source::Script(rest) => {
                let mut byte = || rest.pop_front().unwrap_or(0);
                u64::from(u16::from_le_bytes([byte(), byte()]))
            }
        }
    }

    /// A number below `end`. From 64 bits, so that it does not depend on the width of the machine.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % end as u64).expect("below a usize")
    }

    /// A number from the first to the last, both included.
    pub(crate) fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// True once in `count` draws on average.
    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A share from 0.0 to below the given one, in steps of a hundredth of it.
    pub(crate) fn share(&mut self, below: f64) -> f64 {
        // Below a hundred, so nothing is lost.
        f64::from(u32::try_from(self.below(100)).unwrap_or(0)) / 100.0 * below
    }

    /// A time of 1 ms to `max`, in whole milliseconds.
    pub(crate) fn time(&mut self, max: Duration) -> Duration {
        let millis_max = (nanos(max) / 1_000_000).max(1);
        millis(1 + self.draw() % millis_max)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.draw()
    }
}
