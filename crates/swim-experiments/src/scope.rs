//! How much of an experiment is run.

/// How much of an experiment is run, as the user asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// How many runs of each case, if the user said so.
    pub(crate) runs: Option<u32>,
    /// The seed of the first run.
    pub(crate) seed: u64,
    /// Fewer and smaller cases.
    pub(crate) quick: bool,
    /// How many runs go on at once.
    pub(crate) jobs: usize,
}

impl Scope {
    /// The seeds of the runs of one case: as many as the user wants, or `usual` ones.
    pub(crate) fn seeds(&self, usual: u32) -> impl Iterator<Item = u64> + use<> {
        let first = self.seed;
        (0..u64::from(self.runs.unwrap_or(usual))).map(move |run| first.wrapping_add(run))
    }

    /// The one where the user is in a hurry, and the other where not.
    pub(crate) fn pick<T>(&self, quick: T, whole: T) -> T {
        if self.quick { quick } else { whole }
    }

    /// Every case with each of its seeds, all runs of a case together.
    pub(crate) fn runs_of<C: Clone>(&self, cases: &[C], usual: u32) -> Vec<(C, u64)> {
        let runs = |case: &C| {
            let case = case.clone();
            self.seeds(usual).map(move |seed| (case.clone(), seed))
        };
        cases.iter().flat_map(runs).collect()
    }
}
