//! A cluster is cut in two, and mended: the time until it is one again.

use std::time::Duration;

use swim_core::{Event, State};
use swim_sim::{World, millis, secs};

use crate::cluster::{borrowed, lan, names, number, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const NODES: usize = 128;
/// The sizes of the smaller side.
const SIDES: [usize; 3] = [1, 16, 64];
const CUTS_S: [u64; 5] = [10, 30, 60, 300, 1800];

/// The time between two checks whether all agree.
const LOOK_EVERY: Duration = millis(100);

/// A cluster that has not healed after this time counts as never healed.
const GIVE_UP: Duration = secs(900);

#[derive(Clone, Copy, Debug)]
struct Case {
    side: usize,
    cut_s: u64,
}

#[derive(Debug)]
struct Outcome {
    /// The number of peers that a node saw as failed at the end of the cut, on average.
    lost: f64,
    /// Seconds from the end of the cut until all agree.
    healed: Option<f64>,
    /// The load of the healing.
    load: Load,
    /// Failures declared after the end of the cut.
    failed_later: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let cuts = scope.pick(&CUTS_S[1..3], &CUTS_S[..]);
    let cases: Vec<Case> = SIDES
        .iter()
        .flat_map(|&side| cuts.iter().map(move |&cut_s| Case { side, cut_s }))
        .collect();
    let runs = scope.runs_of(&cases, scope.pick(1, 3));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| part(*case, *seed));
    let per_case = runs.len() / cases.len();
    let mut table = Table::new(
        format!("{NODES} nodes, {per_case} runs; medians unless stated"),
        &[
            "smaller side",
            "cut for s",
            "believed failed",
            "healed after s",
            "slowest run",
            "not healed",
            "KB per node until then",
            "failed after the cut",
        ],
    );
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for (case, outcomes) in cases.iter().zip(outcomes.chunks(per_case)) {
        let healed: Samples = outcomes.iter().filter_map(|outcome| outcome.healed).collect();
        let kilobytes = outcomes.iter().map(|o| number(o.load.bytes()) / size(NODES) / 1000.0);
        let name = format!("{} against {}", case.side, NODES - case.side);
        if lines.last().is_none_or(|(last, _)| *last != name) {
            lines.push((name, Vec::new()));
        }
        if let (Some((_, line)), Some(median)) = (lines.last_mut(), healed.median()) {
            line.push((number(case.cut_s), median));
        }
        table.row(vec![
            Cell::Count(case.side as u64),
            Cell::Count(case.cut_s),
            Cell::number(outcomes.iter().map(|o| o.lost).collect::<Samples>().median(), 1),
            Cell::number(healed.median(), 1),
            Cell::number(healed.max(), 1),
            Cell::Count((outcomes.len() - healed.len()) as u64),
            Cell::number(kilobytes.collect::<Samples>().median(), 1),
            Cell::Count(outcomes.iter().map(|outcome| outcome.failed_later).sum()),
        ]);
    }
    let plot = Plot {
        title: format!("Time until a cluster of {NODES} is one again"),
        x: Axis::logarithmic("seconds of the cut"),
        y: Axis::linear("seconds, median"),
        lines,
    };
    let notes = vec![
        "Healed: every node sees all members alive, at their current incarnations. No node joins \
         again."
            .into(),
    ];
    Report { tables: vec![table], plots: vec![("healing", plot)], notes }
}

fn part(case: Case, seed: u64) -> Outcome {
    let mut world = lan(seed, |_| {}).build();
    world.assemble(NODES);
    world.run(secs(10));
    let everybody = names(NODES);
    let (one, other) = everybody.split_at(case.side);
    world.cut(&borrowed(one), &borrowed(other));
    world.run(secs(case.cut_s));
    world.heal();
    let lost = not_live(&world, &everybody);
    for name in &everybody {
        drop(world.take_events(name));
    }
    let (meter, start) = (Meter::start(&world), world.now());
    while !world.converged() && world.now() - start < GIVE_UP {
        world.run(LOOK_EVERY);
    }
    let healed = world.converged().then(|| (world.now() - start).as_secs_f64());
    let load = meter.read(&world);
    let is_failure = |event: &Event| matches!(event, Event::Failed { .. });
    let failures = |name: &String| -> u64 {
        world.events(name).iter().map(|record| u64::from(is_failure(&record.event))).sum()
    };
    let failed_later = everybody.iter().map(failures).sum();
    Outcome { lost, healed, load, failed_later }
}

/// Counts the peers that a node does not see as alive or suspect, on average.
fn not_live(world: &World, everybody: &[String]) -> f64 {
    let live = |name: &String| {
        let live = |state: State| matches!(state, State::Alive | State::Suspect);
        world.node(name).members().filter(|member| live(member.state)).count()
    };
    let lost: Samples = everybody.iter().map(|name| size(NODES - live(name).min(NODES))).collect();
    lost.mean().unwrap_or(0.0)
}
