//! Repeated measurements.

/// Values from several runs, or from several nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    /// In ascending order.
    sorted: Vec<f64>,
}

impl Samples {
    /// Returns the number of values.
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Returns the mean; `None` if there are no values.
    pub(crate) fn mean(&self) -> Option<f64> {
        let count = self.count()?;
        Some(self.sorted.iter().sum::<f64>() / count)
    }

    /// Returns a percentile by nearest rank; `None` if there are no values.
    ///
    /// It is the smallest value that at least this share of all values do not exceed: 0.5 is the
    /// median, 1.0 the largest value.
    pub(crate) fn percentile(&self, share: f64) -> Option<f64> {
        let count = self.count()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
        let rank = (count * share.clamp(0.0, 1.0)).ceil() as usize;
        self.sorted.get(rank.max(1) - 1).copied()
    }

    /// Returns the median; `None` if there are no values.
    pub(crate) fn median(&self) -> Option<f64> {
        self.percentile(0.5)
    }

    /// Returns the largest value; `None` if there are none.
    pub(crate) fn max(&self) -> Option<f64> {
        self.sorted.last().copied()
    }

    /// Returns the number of values; `None` if it is zero, so that nothing is divided by zero.
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
