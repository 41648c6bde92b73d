//! The experiments: each in a file of its own.

mod asking;
mod churn;
mod crash;
mod cutoff;
mod deaf;
mod flipflop;
mod forming;
mod join;
mod lifeguard;
mod loss;
mod partition;
mod stall;
mod stalled;
mod swim;

use crate::report::Report;
use crate::scope::Scope;

/// An experiment that can be run by name.
#[derive(Debug)]
pub(crate) struct Experiment {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its question, in one line.
    pub(crate) what: &'static str,
    /// Runs it.
    pub(crate) run: fn(&Scope) -> Report,
}

/// All experiments, in the order of `docs/reports/experiments.md`.
pub(crate) const ALL: &[Experiment] = &[
    Experiment {
        name: "loss",
        what: "an hour of datagram loss: false failures and load",
        run: loss::run,
    },
    Experiment {
        name: "stall",
        what: "members stall again and again: false failures, compared with other projects",
        run: stall::run,
    },
    Experiment {
        name: "lifeguard",
        what: "the components of Lifeguard, one by one and together, against plain SWIM",
        run: lifeguard::run,
    },
    Experiment {
        name: "crash",
        what: "one of a thousand nodes crashes: times until the first and the last node know",
        run: crash::run,
    },
    Experiment {
        name: "join",
        what: "a thousand nodes join a small cluster within a second",
        run: join::run,
    },
    Experiment {
        name: "forming",
        what: "memberlist's wire: a cluster forms through one seed, and a node joins a large one",
        run: forming::run,
    },
    Experiment {
        name: "swim",
        what: "load, first detection and dissemination by cluster size",
        run: swim::run,
    },
    Experiment {
        name: "partition",
        what: "a cluster is cut in two and mended: time to heal",
        run: partition::run,
    },
    Experiment {
        name: "cutoff",
        what: "all links go down for 5 to 60 s: false failures, and time until all agree",
        run: cutoff::run,
    },
    Experiment {
        name: "deaf",
        what: "one member receives little or nothing for ten minutes: suspicions of its peers",
        run: deaf::run,
    },
    Experiment {
        name: "churn",
        what: "members are replaced at a steady rate: errors of views, and load",
        run: churn::run,
    },
    Experiment {
        name: "flipflop",
        what: "members that can send but not receive, as in figures 9 and 10 of Rapid",
        run: flipflop::run,
    },
    Experiment {
        name: "asking",
        what: "cost of gossip only to members that answered (feature `sabotage`)",
        run: asking::run,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_experiment_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = ALL.iter().map(|experiment| experiment.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(!names.contains("list"), "that is the table of contents");
    }

    #[test]
    fn the_same_seed_gives_the_same_tables_on_any_number_of_threads_and_another_one_others() {
        let experiment = ALL.iter().find(|experiment| experiment.name == "crash").unwrap();
        let text = |seed, jobs| {
            let scope = Scope { runs: Some(2), seed, quick: true, jobs };
            (experiment.run)(&scope).text(experiment)
        };
        assert_eq!(text(1, 1), text(1, 3));
        assert_ne!(text(1, 1), text(9, 1));
    }
}
