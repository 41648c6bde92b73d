//! Numbers that were measured several times.

/// What came out of several runs, or at several nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    /// In ascending order.
    sorted: Vec<f64>,
}

impl Samples {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The mean; none of nothing.
    pub(crate) fn mean(&self) -> Option<f64> {
        let count = self.count()?;
        Some(self.sorted.iter().sum::<f64>() / count)
    }

    /// The smallest value that at least this share of all do not exceed (nearest rank): 0.5 for the
    /// median, 1.0 for the largest; none of nothing.
    pub(crate) fn percentile(&self, share: f64) -> Option<f64> {
        let count = self.count()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
        let rank = (count * share.clamp(0.0, 1.0)).ceil() as usize;
        self.sorted.get(rank.max(1) - 1).copied()
    }

    /// The median; none of nothing.
    pub(crate) fn median(&self) -> Option<f64> {
        self.percentile(0.5)
    }

    /// The largest; none of nothing.
    pub(crate) fn max(&self) -> Option<f64> {
        self.sorted.last().copied()
    }

    /// None if there are none, so that nothing is divided by zero.
    fn count(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 samples")]
        let count = self.sorted.len() as f64;
        (count > 0.0).then_some(count)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Samples { sorted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let samples: Samples = [3.0, 1.0, 2.0, 4.0].into_iter().collect();
        assert_eq!(samples.median(), Some(2.0));
        assert_eq!(samples.percentile(0.51), Some(3.0));
        assert_eq!((samples.percentile(0.0), samples.max()), (Some(1.0), Some(4.0)));
        assert_eq!(samples.mean(), Some(2.5));
    }

    #[test]
    fn nothing_has_neither_mean_nor_median() {
        let nothing = Samples::default();
        assert_eq!((nothing.mean(), nothing.median(), nothing.len()), (None, None, 0));
    }
}
