//! Where chance comes from: one generator per purpose, all from the seed of the run.
//!
//! A fault class that draws from a generator of its own can be switched on and off, and made more
//! or less frequent, without shifting what any other one draws: two runs that differ in one fault
//! stay comparable, until what it did makes a difference.

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

/// What is drawn from a generator. The number is that of its stream, and part of what a seed means.
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
    /// Which wire a swarm's nodes speak.
    Wire = 11,
    /// What a hostile host does, and how long it takes.
    Hostile = 12,
    /// Whether a swarm's run has a hostile host, and which tricks it has.
    Hostility = 13,
    /// What applications say while a hostile host acts alone.
    Siege = 14,
    /// Which faults that last a swarm's run has, and how each kind of them goes on.
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
    /// When drivers that do not always run begin.
    Polling = 21,
}

/// The generator of these draws in the run of a seed.
pub(crate) fn generator(seed: u64, draws: Draws) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(draws as u64);
    rng
}
