//! Probabilities in fixed point.

/// A probability in fixed point: the event happens if 32 random bits are below it. Integers,
/// because the runs of a seed must be the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chance(u64);

impl Chance {
    const ONE: u64 = 1 << 32;
    pub(crate) const NEVER: Chance = Chance(0);

    /// Converts a probability of 0.0 to 1.0.
    ///
    /// # Panics
    /// If it is outside that range.
    #[track_caller]
    pub(crate) fn new(probability: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&probability),
            "a probability is 0.0 to 1.0, not {probability}"
        );
        // 0 to 2^32 by the check.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Chance((probability * 4_294_967_296.0) as u64)
    }

    pub(crate) fn happens(self, draw: u32) -> bool {
        u64::from(draw) < self.0
    }

    /// At least one of two independent chances.
    pub(crate) fn or(self, other: Chance) -> Chance {
        Chance(Self::ONE - Chance(Self::ONE - self.0).and(Chance(Self::ONE - other.0)).0)
    }

    /// Both of two independent chances.
    pub(crate) fn and(self, other: Chance) -> Chance {
        let product = (u128::from(self.0) * u128::from(other.0)) >> 32;
        // At most one, so it fits.
        Chance(u64::try_from(product).unwrap_or(Self::ONE))
    }
}

/// The upper and the lower half of 64 random bits.
// The lower half is cut off on purpose.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn halves(draw: u64) -> (u32, u32) {
    ((draw >> 32) as u32, draw as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_and_impossibility_stay_what_they_are() {
        let (never, always) = (Chance::new(0.0), Chance::new(1.0));
        assert_eq!(never, Chance::NEVER);
        assert_eq!(never.or(never), never);
        assert_eq!(never.or(always), always);
        assert_eq!(always.and(always), always);
        assert_eq!(always.and(never), never);
        assert!(always.happens(u32::MAX) && !never.happens(0));
    }

    #[test]
    #[should_panic(expected = "0.0 to 1.0")]
    fn a_percentage_is_no_probability() {
        let _ = Chance::new(20.0);
    }
}
