//! Local health (awareness): how much this node distrusts itself (Lifeguard, section IV.A).

use core::time::Duration;

/// A score from 0 (healthy) to `max - 1`. A node that misses answers, or is accused itself, is
/// probably the slow one, so it probes slower and waits longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Health {
    score: u8,
    max: u8,
}

impl Health {
    /// Starts healthy. With `enabled` false the score stays 0.
    pub(super) fn new(max: u8, enabled: bool) -> Self {
        Health { score: 0, max: if enabled { max } else { 1 } }
    }

    pub(super) fn score(self) -> u8 {
        self.score
    }

    /// Moves the score; returns whether it changed.
    pub(super) fn change(&mut self, by: i16) -> bool {
        let before = self.score;
        let moved = (i16::from(before) + by).clamp(0, i16::from(self.max) - 1);
        self.score = u8::try_from(moved).expect("clamped to the range of a score");
        self.score != before
    }

    /// Asserts that the score is in its range.
    pub(super) fn check(self) {
        assert!(self.score < self.max, "local health is {}, below {}", self.score, self.max);
    }

    /// Stretches a time by the score.
    pub(super) fn stretch(self, duration: Duration) -> Duration {
        duration * (u32::from(self.score) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_stays_in_its_range_and_stretches_times() {
        let mut health = Health::new(8, true);
        assert!(!health.change(-1));
        assert!(health.change(100));
        assert_eq!(health.score(), 7);
        assert_eq!(health.stretch(Duration::from_secs(1)), Duration::from_secs(8));
    }

    #[test]
    fn switched_off_it_never_moves() {
        let mut health = Health::new(8, false);
        assert!(!health.change(5));
        assert_eq!(health.stretch(Duration::from_secs(1)), Duration::from_secs(1));
    }

    #[test]
    #[should_panic(expected = "local health is 8, below 8")]
    fn a_score_out_of_range_is_noticed() {
        Health { score: 8, max: 8 }.check();
    }
}
