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
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it finds out, in a line.
    pub(crate) what: &'static str,
    /// Carries it out.
    pub(crate) run: fn(&Scope) -> Report,
}

/// All of them, in the order of `docs/reports/experiments.md`.
pub(crate) const ALL: &[Experiment] = &[
    Experiment {
        name: "loss",
        what: "an hour of lost datagrams: false failures, and what it costs",
        run: loss::run,
    },
    Experiment {
        name: "stall",
        what: "members whose messages are held again and again: false failures beside the peers'",
        run: stall::run,
    },
    Experiment {
        name: "lifeguard",
        what: "the components of Lifeguard, one by one and together, against plain SWIM",
        run: lifeguard::run,
    },
    Experiment {
        name: "crash",
        what: "one of a thousand crashes: when the first notices, and when the last has heard",
        run: crash::run,
    },
    Experiment {
        name: "join",
        what: "a thousand nodes join a small cluster within a second",
        run: join::run,
    },
    Experiment {
        name: "forming",
        what: "a cluster forms through one seed on memberlist's wire, and one joins a large one",
        run: forming::run,
    },
    Experiment {
        name: "swim",
        what: "load, first detection and dissemination over the size of the cluster",
        run: swim::run,
    },
    Experiment {
        name: "partition",
        what: "a cluster is cut in two and mended: how long it takes to be one again",
        run: partition::run,
    },
    Experiment {
        name: "cutoff",
        what: "all links go away for 5 to 60 s: who is declared failed, and when all agree again",
        run: cutoff::run,
    },
    Experiment {
        name: "deaf",
        what: "one member hears badly or nothing for ten minutes: how often others are doubted",
        run: deaf::run,
    },
    Experiment {
        name: "churn",
        what: "members replaced at a steady rate: how far views are from the truth, and what it \
               costs",
        run: churn::run,
    },
    Experiment {
        name: "flipflop",
        what: "members that can send but not receive, as in figures 9 and 10 of Rapid",
        run: flipflop::run,
    },
    Experiment {
        name: "asking",
        what: "what it costs to tell news only to members that answered (feature `sabotage`)",
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
