//! Members whose messages are held again and again, as in the Lifeguard paper.
//!
//! Of all experiments, this one separates implementations best.

use std::time::Duration;

use swim_sim::{Stall, millis, secs};

use crate::cluster::number;
use crate::experiments::stalled::{Disturbance, Outcome};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const NODES: usize = 128;
const DURATION: Duration = millis(16_384);
const INTERVALS_MS: [u64; 4] = [1, 256, 4096, 16_000];
const SLOW: [usize; 4] = [1, 4, 16, 32];

/// The peers' means per run, measured the same way.
///
/// They count events about healthy nodes, for each number of slow ones.
const AL8N: [f64; 4] = [2.6, 25.0, 458.0, 1646.0];
const FOCA: [f64; 4] = [29.0, 318.0, 4266.0, 4494.0];
/// Of al8n's events, the ones at healthy observers.
const AL8N_BETWEEN: [f64; 4] = [1.9, 14.5, 280.0, 824.0];

/// The ways of being slow. The one of the comparison comes first.
const WAYS: [(Stall, bool, &str); 6] = [
    (Stall::HeldIo, true, "messages held"),
    (Stall::HeldIo, false, "messages held, lateness off"),
    (Stall::TimersFirst, true, "stopped, timers first"),
    (Stall::TimersFirst, false, "stopped, timers first, lateness off"),
    (Stall::Replay, true, "stopped"),
    (Stall::Replay, false, "stopped, lateness off"),
];

#[derive(Clone, Copy, Debug)]
struct Case {
    way: usize,
    slow: usize,
    interval_ms: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let ways = scope.pick(2, WAYS.len());
    let slow: &[usize] = scope.pick(&SLOW[..2], &SLOW);
    let mut cases = Vec::new();
    for way in 0..ways {
        for &slow in slow {
            cases.extend(INTERVALS_MS.map(|interval_ms| Case { way, slow, interval_ms }));
        }
    }
    let runs = scope.runs_of(&cases, scope.pick(1, 5));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| disturb(*case, *seed));
    let found: Vec<(Case, Outcome)> = runs.iter().map(|(case, _)| *case).zip(outcomes).collect();
    let mut report = Report { tables: vec![beside_peers(&found, slow)], ..Report::default() };
    report.tables.push(by_way(&found, ways, slow));
    report.tables.push(by_interval(&found, slow));
    report.plots.push(("false-failures", plot(&found, slow)));
    report.notes.push(format!(
        "{} runs of each case. Each run: {NODES} nodes, LAN profile; the slow ones stop together \
         for 16.384 s, run for 1, 256, 4,096 or 16,000 ms, and so on over 120 s. Figures are \
         means per run over all four intervals.",
        runs.len() / cases.len().max(1)
    ));
    report
}

fn disturb(case: Case, seed: u64) -> Outcome {
    let (stall, lateness, _) = WAYS[case.way];
    let interval = millis(case.interval_ms);
    let disturbance = Disturbance {
        nodes: NODES,
        slow: case.slow,
        stall,
        duration: DURATION,
        interval,
        span: secs(120),
    };
    disturbance.run(seed, move |config| config.lateness = lateness)
}

/// Counts in all runs that fit.
fn counts(
    found: &[(Case, Outcome)],
    fits: impl Fn(&Case) -> bool,
    count: impl Fn(&Outcome) -> u64,
) -> Samples {
    found.iter().filter(|(case, _)| fits(case)).map(|(_, outcome)| number(count(outcome))).collect()
}

fn beside_peers(found: &[(Case, Outcome)], slow: &[usize]) -> Table {
    let mut table = Table::new(
        "False failures per run while messages are held, beside the best peers",
        &[
            "slow nodes",
            "about healthy",
            "al8n",
            "foca",
            "share of best peer",
            "by and about healthy",
            "al8n by and about",
            "share",
            "worst run",
        ],
    );
    for (place, &slow) in slow.iter().enumerate() {
        let fits = |case: &Case| case.way == 0 && case.slow == slow;
        let about = counts(found, fits, |outcome| outcome.census.about_healthy);
        let between = counts(found, fits, |outcome| outcome.census.between_healthy);
        table.row(vec![
            Cell::Count(slow as u64),
            Cell::number(about.mean(), 1),
            Cell::Number(AL8N[place], 1),
            Cell::Number(FOCA[place], 1),
            percent(about.mean(), AL8N[place].min(FOCA[place])),
            Cell::number(between.mean(), 1),
            Cell::Number(AL8N_BETWEEN[place], 1),
            percent(between.mean(), AL8N_BETWEEN[place]),
            Cell::number(about.max(), 0),
        ]);
    }
    table
}

fn by_way(found: &[(Case, Outcome)], ways: usize, slow: &[usize]) -> Table {
    let mut columns = vec!["false failures per run".to_owned()];
    columns.extend(slow.iter().map(|slow| format!("C = {slow}, about healthy")));
    columns.extend(slow.iter().map(|slow| format!("C = {slow}, about anyone")));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("The ways of being slow", &columns);
    for (way, (_, _, words)) in WAYS.iter().enumerate().take(ways) {
        let mean = |slow: usize, count: fn(&Outcome) -> u64| {
            let fits = |case: &Case| case.way == way && case.slow == slow;
            Cell::number(counts(found, fits, count).mean(), 1)
        };
        let mut row = vec![Cell::words(*words)];
        row.extend(slow.iter().map(|&slow| mean(slow, |outcome| outcome.census.about_healthy)));
        row.extend(slow.iter().map(|&slow| mean(slow, |outcome| outcome.census.about_anyone)));
        table.row(row);
    }
    table
}

fn by_interval(found: &[(Case, Outcome)], slow: &[usize]) -> Table {
    let mut columns = vec!["ms between stalls".to_owned()];
    columns.extend(slow.iter().map(|slow| format!("C = {slow}")));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("About healthy nodes, messages held, by the time between", &columns);
    for interval_ms in INTERVALS_MS {
        let mut row = vec![Cell::Count(interval_ms)];
        for &slow in slow {
            let fits =
                |case: &Case| case.way == 0 && case.slow == slow && case.interval_ms == interval_ms;
            row.push(Cell::number(counts(found, fits, |o| o.census.about_healthy).mean(), 1));
        }
        table.row(row);
    }
    table
}

fn percent(ours: Option<f64>, theirs: f64) -> Cell {
    ours.map_or(Cell::Nothing, |ours| Cell::words(format!("{:.0}%", ours / theirs * 100.0)))
}

fn plot(found: &[(Case, Outcome)], slow: &[usize]) -> Plot {
    let at = |slow: usize| number(slow as u64);
    let ours = slow.iter().filter_map(|&slow| {
        let fits = |case: &Case| case.way == 0 && case.slow == slow;
        let mean = counts(found, fits, |outcome| outcome.census.about_healthy).mean()?;
        Some((at(slow), mean))
    });
    let theirs = |figures: [f64; 4]| slow.iter().map(|&slow| at(slow)).zip(figures).collect();
    Plot {
        title: "False failures about healthy nodes per run, messages held".into(),
        x: Axis::logarithmic("slow nodes of 128"),
        y: Axis::logarithmic("false failures per run"),
        lines: vec![
            ("this library".into(), ours.collect()),
            ("al8n/memberlist".into(), theirs(AL8N)),
            ("foca".into(), theirs(FOCA)),
        ],
    }
}
