//! The components of Lifeguard, one by one and together, against plain SWIM.
//!
//! It is the Interval experiment of [the paper](https://arxiv.org/abs/1707.00788).

use swim_core::Config;
use swim_sim::{Stall, millis, secs};

use crate::cluster::number;
use crate::experiments::stalled::{Disturbance, Outcome};
use crate::parallel;
use crate::report::Report;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const NODES: usize = 128;

/// The components that are on, in the order of the paper's table IV.
#[derive(Clone, Copy, Debug)]
struct Configuration {
    name: &'static str,
    health: bool,
    suspicion: bool,
    buddy: bool,
    /// The paper's results, in percent of plain SWIM: FP and FP-.
    paper: [f64; 2],
}

const CONFIGURATIONS: [Configuration; 5] = [
    Configuration {
        name: "SWIM",
        health: false,
        suspicion: false,
        buddy: false,
        paper: [100.0; 2],
    },
    Configuration {
        name: "local health",
        health: true,
        suspicion: false,
        buddy: false,
        paper: [67.72, 32.88],
    },
    Configuration {
        name: "suspicion",
        health: false,
        suspicion: true,
        buddy: false,
        paper: [3.00, 6.71],
    },
    Configuration {
        name: "buddy",
        health: false,
        suspicion: false,
        buddy: true,
        paper: [94.08, 44.57],
    },
    Configuration { name: "all", health: true, suspicion: true, buddy: true, paper: [1.53, 1.89] },
];

/// The multiple of the shortest suspicion: the paper's alpha. Its beta is always 6.
const ALPHAS: [u32; 2] = [5, 4];
const SLOW: [usize; 5] = [1, 4, 8, 16, 32];
const DURATIONS_MS: [u64; 4] = [2048, 8192, 16_384, 32_768];
const INTERVALS_MS: [u64; 4] = [1, 64, 1024, 16_384];

#[derive(Clone, Copy, Debug)]
struct Case {
    alpha: u32,
    configuration: usize,
    slow: usize,
    duration_ms: u64,
    interval_ms: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let alphas: &[u32] = scope.pick(&ALPHAS[..1], &ALPHAS);
    let cases = cases(scope, alphas);
    let runs = scope.runs_of(&cases, 1);
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| disturb(*case, *seed));
    let found: Vec<(Case, Outcome)> = runs.iter().map(|(case, _)| *case).zip(outcomes).collect();
    let mut report = Report::default();
    for &alpha in alphas {
        report.tables.push(against_swim(&found, alpha));
    }
    report.tables.push(by_slow(&found, alphas[0]));
    report.notes.push(format!(
        "{} runs of {} cases: {NODES} nodes, LAN profile, beta 6; C = 1 to 32 slow nodes; their \
         stalls last D = 2,048 to 32,768 ms, I = 1 to 16,384 ms apart, over 120 s. Figures are \
         sums over all cases.",
        runs.len(),
        cases.len()
    ));
    report.notes.push(
        "lateness and last_call are off in all configurations, because the paper lacks them. The \
         ping over a stream is on, as in the paper."
            .into(),
    );
    report
}

fn cases(scope: &Scope, alphas: &[u32]) -> Vec<Case> {
    let slow: &[usize] = scope.pick(&SLOW[2..3], &SLOW);
    let durations: &[u64] = scope.pick(&DURATIONS_MS[2..3], &DURATIONS_MS);
    let mut cases = Vec::new();
    for &alpha in alphas {
        for configuration in 0..CONFIGURATIONS.len() {
            for &slow in slow {
                for &duration_ms in durations {
                    cases.extend(INTERVALS_MS.map(|interval_ms| Case {
                        alpha,
                        configuration,
                        slow,
                        duration_ms,
                        interval_ms,
                    }));
                }
            }
        }
    }
    cases
}

fn disturb(case: Case, seed: u64) -> Outcome {
    let disturbance = Disturbance {
        nodes: NODES,
        slow: case.slow,
        stall: Stall::HeldIo,
        duration: millis(case.duration_ms),
        interval: millis(case.interval_ms),
        span: secs(120),
    };
    disturbance.run(seed, move |config| configure(config, case))
}

fn configure(config: &mut Config, case: Case) {
    let configuration = CONFIGURATIONS[case.configuration];
    config.suspicion_mult = case.alpha;
    config.suspicion_max_mult = 6;
    config.lifeguard_health = configuration.health;
    config.lifeguard_suspicion = configuration.suspicion;
    config.lifeguard_buddy = configuration.buddy;
    config.lateness = false;
    config.last_call = false;
}

/// The sums over runs.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    about_anyone: u64,
    about_healthy: u64,
    between_healthy: u64,
    packets: u64,
    bytes: u64,
}

fn sums(found: &[(Case, Outcome)], fits: impl Fn(&Case) -> bool) -> Sums {
    let mut sums = Sums::default();
    for (_, outcome) in found.iter().filter(|(case, _)| fits(case)) {
        sums.about_anyone += outcome.census.about_anyone;
        sums.about_healthy += outcome.census.about_healthy;
        sums.between_healthy += outcome.census.between_healthy;
        sums.packets += outcome.load.packets;
        sums.bytes += outcome.load.bytes();
    }
    sums
}

fn against_swim(found: &[(Case, Outcome)], alpha: u32) -> Table {
    let mut table = Table::new(
        format!(
            "alpha = {alpha}, beta = 6: false failures, and their share of plain SWIM's in percent"
        ),
        &[
            "components",
            "FP",
            "FP %",
            "paper",
            "FP-",
            "FP- %",
            "paper FP-",
            "about anyone",
            "packets %",
            "bytes %",
        ],
    );
    let of = |configuration| {
        sums(found, |case| case.alpha == alpha && case.configuration == configuration)
    };
    let swim = of(0);
    for (place, configuration) in CONFIGURATIONS.iter().enumerate() {
        let sums = of(place);
        table.row(vec![
            Cell::words(configuration.name),
            Cell::Count(sums.about_healthy),
            share(sums.about_healthy, swim.about_healthy),
            Cell::Number(configuration.paper[0], 2),
            Cell::Count(sums.between_healthy),
            share(sums.between_healthy, swim.between_healthy),
            Cell::Number(configuration.paper[1], 2),
            Cell::Count(sums.about_anyone),
            share(sums.packets, swim.packets),
            share(sums.bytes, swim.bytes),
        ]);
    }
    table
}

fn by_slow(found: &[(Case, Outcome)], alpha: u32) -> Table {
    let slow: Vec<usize> = {
        let mut slow: Vec<usize> = found.iter().map(|(case, _)| case.slow).collect();
        slow.sort_unstable();
        slow.dedup();
        slow
    };
    let mut columns = vec!["components".to_owned()];
    for slow in &slow {
        columns.extend([format!("C = {slow}: FP"), "FP-".to_owned()]);
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("alpha = {alpha}: by the number of slow nodes"), &columns);
    for (place, configuration) in CONFIGURATIONS.iter().enumerate() {
        let mut row = vec![Cell::words(configuration.name)];
        for &slow in &slow {
            let sums = sums(found, |case| {
                case.alpha == alpha && case.configuration == place && case.slow == slow
            });
            row.extend([Cell::Count(sums.about_healthy), Cell::Count(sums.between_healthy)]);
        }
        table.row(row);
    }
    table
}

/// Returns a share in percent.
fn share(part: u64, whole: u64) -> Cell {
    if whole == 0 { Cell::Nothing } else { Cell::Number(number(part) / number(whole) * 100.0, 2) }
}
