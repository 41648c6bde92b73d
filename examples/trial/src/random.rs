//! Random numbers from a seed.

/// SplitMix64: the same numbers for a seed on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Draws a number from `first` to below `first + more`.
    pub fn between(&mut self, first: u64, more: u32) -> u64 {
        first + u64::from(self.below(more))
    }

    /// Draws a number below `end`.
    ///
    /// # Panics
    ///
    /// `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = (bits ^ (bits >> 31)) % u64::from(end);
        u32::try_from(bits).expect("it is below a u32")
    }
}
