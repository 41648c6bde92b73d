//! Loss of datagrams.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::Instant;

use crate::chance::{Chance, halves};
use crate::random::{Draws, generator};

/// Which datagrams are lost. Pieces of streams are delayed instead.
///
/// A plain number is a probability: `0.05.into()` is `Loss::Independent(0.05)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Each datagram with this probability, 0.0 to 1.0, independently.
    Independent(f64),
    /// In bursts (Gilbert and Elliott): a host's outgoing link is good or bad, and changes at
    /// random. How long it stays good or bad is exponentially distributed.
    ///
    /// Each host has one such link for everything it sends, as with `netem` on its interface: a
    /// burst hits its probes, acks and gossip together. One state per pair of hosts would hardly
    /// make bursts: one host seldom sends to another twice in a second, and the number of pairs
    /// grows with the square of the cluster. The state follows time, not the number of datagrams: a
    /// host that sends little does not suffer for longer.
    Bursty {
        /// The probability, 0.0 to 1.0, that a datagram is lost while the link is good.
        loss_good: f64,
        /// The same while it is bad.
        loss_bad: f64,
        /// How long the link stays good on average. More than zero.
        mean_good: Duration,
        /// How long it stays bad on average. More than zero.
        mean_bad: Duration,
    },
}

impl Loss {
    /// No loss.
    pub const NONE: Loss = Loss::Independent(0.0);

    /// Makes bursts in which everything is lost, and nothing between them.
    ///
    /// `share` is the lost part, above 0.0 and below 1.0, and `burst` the average length. The loss
    /// in total is that of `Loss::Independent(share)`.
    ///
    /// # Panics
    /// If the share is not between 0 and 1.
    #[must_use]
    #[track_caller]
    pub fn bursts(share: f64, burst: Duration) -> Self {
        assert!(share > 0.0 && share < 1.0, "a share above 0.0 and below 1.0, not {share}");
        let mean_good = burst.mul_f64((1.0 - share) / share);
        Loss::Bursty { loss_good: 0.0, loss_bad: 1.0, mean_good, mean_bad: burst }
    }
}

impl From<f64> for Loss {
    fn from(probability: f64) -> Self {
        Loss::Independent(probability)
    }
}

/// The loss of all hosts' datagrams, with its state.
#[derive(Debug)]
pub(crate) struct Losses {
    /// The long-term average. Without bursts, the loss itself.
    mean: Chance,
    bursts: Option<Bursts>,
    rng: ChaCha8Rng,
}

#[derive(Debug)]
struct Bursts {
    good: Chance,
    bad: Chance,
    /// The share of time that a link is bad.
    share_bad: f64,
    /// How fast knowledge of a link's state loses its worth, per nanosecond.
    decay: f64,
    /// For each host, when it last sent and whether its link was bad. Grows when hosts first send.
    links: Vec<Option<(Instant, bool)>>,
}

impl Losses {
    #[track_caller]
    pub(crate) fn new(seed: u64, loss: Loss) -> Self {
        let mut losses =
            Losses { mean: Chance::NEVER, bursts: None, rng: generator(seed, Draws::Bursts) };
        losses.set(loss);
        losses
    }

    #[track_caller]
    pub(crate) fn set(&mut self, loss: Loss) {
        match loss {
            Loss::Independent(probability) => {
                self.mean = Chance::new(probability);
                self.bursts = None;
            }
            Loss::Bursty { loss_good, loss_bad, mean_good, mean_bad } => {
                assert!(
                    !mean_good.is_zero() && !mean_bad.is_zero(),
                    "the mean times of a link are more than zero"
                );
                let (good, bad) = (mean_good.as_secs_f64() * 1e9, mean_bad.as_secs_f64() * 1e9);
                let share_bad = bad / (good + bad);
                self.mean = Chance::new(loss_good + (loss_bad - loss_good) * share_bad);
                self.bursts = Some(Bursts {
                    good: Chance::new(loss_good),
                    bad: Chance::new(loss_bad),
                    share_bad,
                    decay: 1.0 / good + 1.0 / bad,
                    links: Vec::new(),
                });
            }
        }
    }

    /// Whether losses are independent.
    pub(crate) fn is_independent(&self) -> bool {
        self.bursts.is_none()
    }

    /// The long-term average of the loss.
    pub(crate) fn mean(&self) -> Chance {
        self.mean
    }

    /// The loss of what this host sends now. Draws once if there are bursts.
    pub(crate) fn of_sender(&mut self, now: Instant, from: u32) -> Chance {
        let Some(bursts) = &mut self.bursts else {
            return self.mean;
        };
        let (draw, _) = halves(self.rng.next_u64());
        bursts.chance(now, from, draw)
    }
}

impl Bursts {
    fn chance(&mut self, now: Instant, from: u32, draw: u32) -> Chance {
        if from == crate::network::OUTSIDE {
            // Hosts outside have no link with a state.
            return if self.chance_bad(now, None).happens(draw) { self.bad } else { self.good };
        }
        let from = from as usize;
        if self.links.len() <= from {
            self.links.resize(from + 1, None);
        }
        let is_bad = self.chance_bad(now, self.links[from]).happens(draw);
        self.links[from] = Some((now, is_bad));
        if is_bad { self.bad } else { self.good }
    }

    /// The probability that a link is bad now, given its state when last used: the solution of the
    /// two-state Markov chain in continuous time.
    fn chance_bad(&self, now: Instant, last: Option<(Instant, bool)>) -> Chance {
        let Some((at, was_bad)) = last else {
            return Chance::new(self.share_bad);
        };
        // The cast loses precision after 104 days, when nothing is known any longer.
        #[allow(clippy::cast_precision_loss)]
        let since = now.as_nanos().saturating_sub(at.as_nanos()) as f64;
        let known = libm::exp(-since * self.decay);
        let was_bad = if was_bad { 1.0 } else { 0.0 };
        let bad = self.share_bad + (was_bad - self.share_bad) * known;
        Chance::new(bad.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{millis, secs};

    /// Whether each of many datagrams that a host sends at equal distances is lost.
    fn lost(losses: &mut Losses, every: Duration, count: usize) -> Vec<bool> {
        let mut now = Instant::ORIGIN;
        (0..count)
            .map(|_| {
                now += every;
                losses.of_sender(now, 3) == Chance::new(1.0)
            })
            .collect()
    }

    #[test]
    fn bursts_lose_the_share_they_were_asked_for_however_often_a_host_sends() {
        for every in [millis(1), millis(100), secs(60)] {
            let mut losses = Losses::new(1, Loss::bursts(0.2, millis(500)));
            let count = if every < millis(10) { 1_000_000 } else { 50_000 };
            let lost = lost(&mut losses, every, count).iter().filter(|lost| **lost).count();
            let share = lost * 1000 / count;
            assert!((185..215).contains(&share), "{share} per mille at one every {every:?}");
        }
        assert_eq!(
            Losses::new(1, Loss::bursts(0.25, secs(1))).mean(),
            Losses::new(1, Loss::Independent(0.25)).mean()
        );
    }

    #[test]
    fn a_burst_lasts_as_long_as_it_was_asked_to_on_average() {
        let mut losses = Losses::new(2, Loss::bursts(0.2, millis(500)));
        let lost = lost(&mut losses, millis(5), 1_000_000);
        let count = lost.iter().filter(|lost| **lost).count();
        let bursts = lost.windows(2).filter(|pair| pair[0] && !pair[1]).count();
        let mean = count * 5 / bursts;
        assert!((460..540).contains(&mean), "{mean} ms");
    }

    #[test]
    fn what_is_sent_long_after_a_burst_is_lost_as_often_as_ever() {
        // A state that follows the number of datagrams would lose several in a row here.
        let mut losses = Losses::new(3, Loss::bursts(0.2, millis(500)));
        let lost = lost(&mut losses, secs(30), 50_000);
        let twice = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((1700..2300).contains(&twice), "{twice} of 50000 pairs, 4% expected");
    }

    #[test]
    fn the_links_of_two_hosts_are_bad_at_different_times() {
        let mut losses = Losses::new(4, Loss::bursts(0.5, secs(1)));
        let (mut now, mut same) = (Instant::ORIGIN, 0);
        for _ in 0..50_000 {
            now += millis(100);
            same += usize::from(losses.of_sender(now, 0) == losses.of_sender(now, 1));
        }
        assert!((23_000..27_000).contains(&same), "{same} of 50000");
    }

    #[test]
    fn between_bursts_the_link_loses_what_it_does_when_good() {
        let loss =
            Loss::Bursty { loss_good: 0.125, loss_bad: 0.5, mean_good: secs(3), mean_bad: secs(1) };
        let mut losses = Losses::new(5, loss);
        let (mut good, mut now) = (0, Instant::ORIGIN);
        for _ in 0..50_000 {
            now += secs(1);
            let chance = losses.of_sender(now, 0);
            assert!(chance == Chance::new(0.125) || chance == Chance::new(0.5));
            good += usize::from(chance == Chance::new(0.125));
        }
        assert!((36_500..38_500).contains(&good), "{good} of 50000");
    }
}
