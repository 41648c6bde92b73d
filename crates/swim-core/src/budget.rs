//! A token bucket, which limits work that strangers can cause.

use core::time::Duration;

use crate::time::Instant;

/// Allows `burst` at once, and one more per `refill`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    tokens: u32,
    burst: u32,
    refill: Duration,
    counted_at: Instant,
}

impl Budget {
    pub(crate) const fn new(burst: u32, refill: Duration) -> Self {
        Budget { tokens: burst, burst, refill, counted_at: Instant::ORIGIN }
    }

    /// Takes a token if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        while self.tokens < self.burst && self.counted_at + self.refill <= now {
            self.tokens += 1;
            self.counted_at += self.refill;
        }
        if self.tokens == self.burst {
            self.counted_at = now;
        }
        let left = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_a_steady_rate() {
        let second = Duration::from_secs(1);
        let mut budget = Budget::new(3, second);
        let mut now = Instant::ORIGIN + second * 100;
        let taken = |budget: &mut Budget, now| (0..10).filter(|_| budget.take(now)).count();
        assert_eq!(taken(&mut budget, now), 3);
        now += second * 2;
        assert_eq!(taken(&mut budget, now), 2);
        now += second * 1000;
        assert_eq!(taken(&mut budget, now), 3, "unused tokens do not pile up");
    }
}
