//! Carrying out a plan.

use core::ops::ControlFlow;
use core::time::Duration;

use crate::simulation::cluster::Cluster;
use crate::simulation::plan::{Plan, PlanError};
use crate::simulation::schedule::schedule;
use crate::simulation::summary::Report;
use crate::time::millis;

/// The interval between reports of progress, and between checks for agreement.
const SLICE: Duration = millis(100);

/// The progress of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The current run, from 0.
    pub run: u32,
    /// How many runs there are in total.
    pub runs: u32,
    /// How much of the run has passed, in virtual time.
    pub elapsed: Duration,
    /// How long each run lasts.
    pub duration: Duration,
}

impl Plan {
    /// Simulates all runs, one after the other. The same plan gives the same report.
    ///
    /// `progress` is called at least every 100 ms of virtual time. If it breaks, the simulation
    /// ends, and the report covers everything up to that point.
    ///
    /// # Errors
    /// If [`validate`](Plan::validate) fails. Nothing was simulated then.
    pub fn run(
        &self,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Report, PlanError> {
        self.validate()?;
        let mut report = Report::default();
        for run in 0..self.runs {
            if self.run_one(run, &mut report, &mut progress).is_break() {
                report.interrupted = true;
                break;
            }
        }
        Ok(report)
    }

    fn run_one(
        &self,
        run: u32,
        report: &mut Report,
        progress: &mut impl FnMut(Progress) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let seed = self.seed.wrapping_add(run.into());
        let mut told =
            |elapsed| progress(Progress { run, runs: self.runs, elapsed, duration: self.duration });
        // Also called before the nodes are made, because making many takes a while.
        told(Duration::ZERO)?;
        let mut cluster = Cluster::new(self, seed);
        let mut steps = schedule(self, seed).into_iter().peekable();
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue() && cluster.now() < self.duration {
            while let Some((_, step)) = steps.next_if(|(at, _)| *at <= cluster.now()) {
                cluster.perform(&step);
            }
            let next = steps.peek().map_or(self.duration, |(at, _)| *at);
            cluster.run(SLICE.min(next - cluster.now()));
            flow = told(cluster.now());
        }
        // A run interrupted at its very end is complete.
        let whole = cluster.now() >= self.duration;
        report.add(&cluster, whole);
        flow
    }
}
