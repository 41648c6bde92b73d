//! The extent of an experiment.

/// The extent of an experiment, as the user chose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// The number of runs of each case, if the user chose one.
    pub(crate) runs: Option<u32>,
    /// The seed of the first run.
    pub(crate) seed: u64,
    /// Fewer and smaller cases.
    pub(crate) quick: bool,
    /// The number of parallel runs.
    pub(crate) jobs: usize,
}

impl Scope {
    /// Returns the seeds of the runs of a case: as many as the user chose, or else `usual`.
    pub(crate) fn seeds(&self, usual: u32) -> impl Iterator<Item = u64> + use<> {
        let first = self.seed;
        (0..u64::from(self.runs.unwrap_or(usual))).map(move |run| first.wrapping_add(run))
    }

    /// Returns `quick` if the user wants fewer cases, else `whole`.
    pub(crate) fn pick<T>(&self, quick: T, whole: T) -> T {
        if self.quick { quick } else { whole }
    }

    /// Returns every case with each of its seeds, all runs of a case together.
    pub(crate) fn runs_of<C: Clone>(&self, cases: &[C], usual: u32) -> Vec<(C, u64)> {
        let runs = |case: &C| {
            let case = case.clone();
            self.seeds(usual).map(move |seed| (case.clone(), seed))
        };
        cases.iter().flat_map(runs).collect()
    }
}
