//! The network between hosts: how long things take, what is lost, and who cannot reach whom.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::time::{millis, nanos};

/// How long a datagram or a piece of a stream is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Anything from the first to the second, all equally likely. Datagrams overtake each other.
    Uniform(Duration, Duration),
}

impl Latency {
    /// Picks a latency, in nanoseconds, with 32 random bits.
    fn pick(self, draw: u32) -> u64 {
        match self {
            Latency::Fixed(always) => nanos(always),
            Latency::Uniform(from, to) => {
                let (from, to) = (nanos(from), nanos(to));
                let span = u128::from(to.saturating_sub(from)) + 1;
                // Below `span`, so it fits.
                from + u64::try_from((span * u128::from(draw)) >> 32).unwrap_or(0)
            }
        }
    }
}

/// A probability in fixed point: it happens when 32 random bits are below it. Whole numbers,
/// because the runs of a seed must be the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chance(u64);

impl Chance {
    const ONE: u64 = 1 << 32;

    /// From a probability of 0.0 to 1.0.
    ///
    /// # Panics
    /// When it is outside that range.
    pub(crate) fn new(probability: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&probability),
            "a probability is 0.0 to 1.0, not {probability}"
        );
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 2^32 by the check
        Chance((probability * 4_294_967_296.0) as u64)
    }

    pub(crate) fn happens(self, draw: u32) -> bool {
        u64::from(draw) < self.0
    }

    /// At least one of two independent chances.
    fn or(self, other: Chance) -> Chance {
        Chance(Self::ONE - Chance(Self::ONE - self.0).and(Chance(Self::ONE - other.0)).0)
    }

    /// Both of two independent chances.
    fn and(self, other: Chance) -> Chance {
        let product = (u128::from(self.0) * u128::from(other.0)) >> 32;
        // At most one, so it fits.
        Chance(u64::try_from(product).unwrap_or(Self::ONE))
    }
}

/// A set of hosts by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostSet(Vec<u64>);

impl HostSet {
    pub(crate) fn insert(&mut self, host: u32) {
        let word = host as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (host % 64);
    }

    fn contains(&self, host: u32) -> bool {
        self.0.get(host as usize / 64).is_some_and(|word| word >> (host % 64) & 1 == 1)
    }
}

impl FromIterator<u32> for HostSet {
    fn from_iter<T: IntoIterator<Item = u32>>(hosts: T) -> Self {
        let mut set = HostSet::default();
        for host in hosts {
            set.insert(host);
        }
        set
    }
}

/// What a broken link no longer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    Everything,
    Datagrams,
}

#[derive(Clone, Debug)]
struct Break {
    from: HostSet,
    to: HostSet,
    blocks: Blocks,
}

/// What gets lost of what a host sends, and of what is sent to it.
#[derive(Clone, Copy, Debug, Default)]
struct HostLoss {
    from: Chance,
    to: Chance,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives(Duration),
    Lost,
}

/// The first wait before a lost piece of a stream is sent again; each further one is twice as long.
const RETRANSMIT_AFTER: Duration = millis(200);
/// The same for a lost connection request.
const REQUEST_AGAIN_AFTER: Duration = millis(1000);
/// Retransmissions of one piece stop here, so that a loss of 100% does not last for ever.
const RETRANSMITS_MAX: u32 = 8;

/// Latency, loss and broken links, with the randomness for them.
///
/// Every datagram draws its latency and its loss, also while nothing can be lost: so a fault that
/// is switched off changes no other draw, and two runs that differ in one fault stay comparable.
#[derive(Debug)]
pub(crate) struct Network {
    rng: ChaCha8Rng,
    latency: Latency,
    loss: Chance,
    /// Loss out of and into single hosts, on top of the general one; empty while there is none.
    host_loss: Vec<HostLoss>,
    breaks: Vec<Break>,
}

impl Network {
    pub(crate) fn new(seed: u64, latency: Latency, loss: Chance) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        Network { rng, latency, loss, host_loss: Vec::new(), breaks: Vec::new() }
    }

    pub(crate) fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    pub(crate) fn set_loss(&mut self, loss: Chance) {
        self.loss = loss;
    }

    pub(crate) fn set_loss_from(&mut self, host: u32, loss: Chance) {
        self.host_loss_mut(host).from = loss;
    }

    pub(crate) fn set_loss_to(&mut self, host: u32, loss: Chance) {
        self.host_loss_mut(host).to = loss;
    }

    fn host_loss_mut(&mut self, host: u32) -> &mut HostLoss {
        let host = host as usize;
        if self.host_loss.len() <= host {
            self.host_loss.resize(host + 1, HostLoss::default());
        }
        &mut self.host_loss[host]
    }

    pub(crate) fn break_links(&mut self, from: HostSet, to: HostSet, blocks: Blocks) {
        self.breaks.push(Break { from, to, blocks });
    }

    pub(crate) fn heal(&mut self) {
        self.breaks.clear();
    }

    /// Whether a datagram between two hosts is stopped by a broken link.
    pub(crate) fn stops_datagram(&self, from: u32, to: u32) -> bool {
        self.breaks.iter().any(|link| link.from.contains(from) && link.to.contains(to))
    }

    /// Whether a piece of a stream between two hosts is stopped by a broken link.
    pub(crate) fn stops_stream(&self, from: u32, to: u32) -> bool {
        self.breaks.iter().any(|link| {
            link.blocks == Blocks::Everything && link.from.contains(from) && link.to.contains(to)
        })
    }

    pub(crate) fn datagram(&mut self, from: u32, to: u32) -> Fate {
        let (latency, draw) = self.draw();
        if self.loss_between(from, to).happens(draw) { Fate::Lost } else { Fate::Arrives(latency) }
    }

    /// How long a piece of a stream is on its way, retransmissions included.
    pub(crate) fn piece(&mut self, from: u32, to: u32) -> Duration {
        self.retransmitted(from, to, RETRANSMIT_AFTER)
    }

    /// How long a connection request is on its way, repetitions included.
    pub(crate) fn request(&mut self, from: u32, to: u32) -> Duration {
        self.retransmitted(from, to, REQUEST_AGAIN_AFTER)
    }

    /// How long until a piece that a broken link stopped `stops` times in a row is tried again.
    pub(crate) fn piece_again(stops: u32) -> Duration {
        RETRANSMIT_AFTER * (1 << stops.min(5))
    }

    /// The same for a connection request.
    pub(crate) fn request_again(stops: u32) -> Duration {
        REQUEST_AGAIN_AFTER * (1 << stops.min(5))
    }

    fn retransmitted(&mut self, from: u32, to: u32, first_wait: Duration) -> Duration {
        let (latency, draw) = self.draw();
        let loss = self.loss_between(from, to);
        let mut all_lost = loss;
        let mut waits = 0;
        while waits < RETRANSMITS_MAX && all_lost.happens(draw) {
            all_lost = all_lost.and(loss);
            waits += 1;
        }
        latency + first_wait * ((1 << waits) - 1)
    }

    #[allow(clippy::cast_possible_truncation)] // two halves of 64 bits
    fn draw(&mut self) -> (Duration, u32) {
        let draw = self.rng.next_u64();
        (Duration::from_nanos(self.latency.pick((draw >> 32) as u32)), draw as u32)
    }

    fn loss_between(&self, from: u32, to: u32) -> Chance {
        if self.host_loss.is_empty() {
            return self.loss;
        }
        let of = |host: u32| self.host_loss.get(host as usize).copied().unwrap_or_default();
        self.loss.or(of(from).from).or(of(to).to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(loss: f64) -> Network {
        Network::new(1, Latency::Uniform(millis(1), millis(3)), Chance::new(loss))
    }

    #[test]
    fn masking_loss_does_not_shift_latencies() {
        let (mut lossless, mut lossy) = (network(0.0), network(0.5));
        for _ in 0..1000 {
            let arrives = lossless.datagram(0, 1);
            let other = lossy.datagram(0, 1);
            assert!(other == Fate::Lost || other == arrives);
        }
    }

    #[test]
    fn loss_is_as_frequent_as_asked_for() {
        let mut network = network(0.3);
        let lost = (0..10_000).filter(|_| network.datagram(0, 1) == Fate::Lost).count();
        assert!((2800..3200).contains(&lost), "{lost} of 10000");
        network.set_loss_to(1, Chance::new(0.5));
        let lost = (0..10_000).filter(|_| network.datagram(0, 1) == Fate::Lost).count();
        assert!((6300..6700).contains(&lost), "{lost} of 10000");
        for (from, to) in [(0, 2), (1, 0)] {
            let lost = (0..10_000).filter(|_| network.datagram(from, to) == Fate::Lost).count();
            assert!((2800..3200).contains(&lost), "{lost} of 10000 from {from} to {to}");
        }
    }

    #[test]
    fn certainty_and_impossibility_stay_what_they_are() {
        let (never, always) = (Chance::new(0.0), Chance::new(1.0));
        assert_eq!(never.or(never), never);
        assert_eq!(never.or(always), always);
        assert_eq!(always.and(always), always);
        assert_eq!(always.and(never), never);
    }

    #[test]
    fn latency_stays_within_its_bounds() {
        let mut network = network(0.0);
        for _ in 0..1000 {
            match network.datagram(0, 1) {
                Fate::Arrives(after) => assert!((millis(1)..=millis(3)).contains(&after)),
                Fate::Lost => panic!("nothing is lost here"),
            }
        }
        assert_eq!(Latency::Fixed(millis(2)).pick(u32::MAX), 2_000_000);
    }

    #[test]
    fn lost_pieces_of_a_stream_are_late_instead() {
        let mut network = network(0.5);
        let on_time = (0..1000).filter(|_| network.piece(0, 1) < RETRANSMIT_AFTER).count();
        assert!((400..600).contains(&on_time), "{on_time} of 1000");
        network.set_loss(Chance::new(1.0));
        assert!(network.piece(0, 1) < RETRANSMIT_AFTER * (1 << RETRANSMITS_MAX));
    }

    #[test]
    fn a_break_stops_one_direction() {
        let mut network = network(0.0);
        let set = |hosts: &[u32]| hosts.iter().copied().collect::<HostSet>();
        network.break_links(set(&[0, 70]), set(&[1]), Blocks::Datagrams);
        assert!(network.stops_datagram(70, 1) && network.stops_datagram(0, 1));
        assert!(!network.stops_datagram(1, 0) && !network.stops_stream(0, 1));
        network.break_links(set(&[0]), set(&[1]), Blocks::Everything);
        assert!(network.stops_stream(0, 1));
        network.heal();
        assert!(!network.stops_datagram(0, 1));
    }
}
