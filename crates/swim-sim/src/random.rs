//! Randomness: one generator per purpose, all from the seed of the run.
//!
//! Each class of faults has its own generator. Switching one on or off, or changing its frequency,
//! does not shift the draws of others. Two runs that differ in one fault stay comparable, until its
//! effects differ.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// The purpose of a generator. Its number is that of the generator's stream, and part of the
/// meaning of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draws {
    /// The latency and the loss of every datagram and piece of a stream.
    Network = 1,
    Pieces = 2,
    Swarm = 3,
    Churn = 4,
    Bursts = 5,
    Duplication = 6,
    Reordering = 7,
    Stalls = 8,
    Plan = 9,
    Chaos = 10,
    /// The wire of a swarm's nodes.
    Wire = 11,
    /// The actions of a hostile host, and their times.
    Hostile = 12,
    /// Whether a swarm's run has a hostile host, and its tricks.
    Hostility = 13,
    /// The messages of applications while a hostile host acts alone.
    Siege = 14,
    /// Which lasting faults a swarm's run has, and how each kind develops.
    Lasting = 15,
    Deaf = 50,
    Dumb = 51,
    NoDatagrams = 52,
    WrongAddress = 53,
    SecondOfName = 54,
    NewKey = 55,
    NewLabel = 56,
    NewEncryption = 57,
    Simulation = 40,
    /// How long lookups of names take.
    Names = 20,
    /// When the periods of drivers that run part of the time begin.
    Polling = 21,
}

/// The generator for a purpose in the run of a seed.
pub(crate) fn generator(seed: u64, draws: Draws) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(draws as u64);
    rng
}
