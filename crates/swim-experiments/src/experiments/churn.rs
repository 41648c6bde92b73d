//! Members are replaced at a steady rate: errors of views, and the load.

use std::collections::BTreeSet;
use std::time::Duration;

use swim_core::Event;
use swim_sim::{Churn, World, secs};

use crate::cluster::{lan, number, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

/// With 100 nodes, members per minute are percents.
const NODES: usize = 100;
const PER_MINUTE: [u32; 6] = [0, 1, 2, 5, 10, 20];

/// The time of churn before measuring: longer than any suspicion.
const BEFORE: Duration = secs(120);

#[derive(Debug)]
struct Outcome {
    /// Once a second: the running members that a node does not know, on average over the nodes.
    missing: Samples,
    /// Once a second: the members that a node sees as live but that do not run, on average.
    ghosts: Samples,
    load: Load,
    /// Events about members that continue to run.
    false_failures: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let span = scope.pick(secs(120), secs(1200));
    let runs = scope.runs_of(&PER_MINUTE, scope.pick(1, 3));
    let outcomes = parallel::map(scope.jobs, &runs, |(rate, seed)| replace(*rate, *seed, span));
    let per_case = runs.len() / PER_MINUTE.len();
    let mut table = Table::new(
        format!("{NODES} nodes, {per_case} runs of {} minutes", span.as_secs() / 60),
        &[
            "% replaced per minute",
            "missing, mean of views",
            "99th percentile",
            "ghosts, mean",
            "99th percentile",
            "view error %",
            "bytes per node and second",
            "of them streams",
            "false failures",
        ],
    );
    let mut line = Vec::new();
    for (rate, outcomes) in PER_MINUTE.iter().zip(outcomes.chunks(per_case)) {
        let mean = |value: fn(&Outcome) -> Option<f64>| {
            outcomes.iter().filter_map(value).collect::<Samples>().mean()
        };
        let (missing, ghosts) = (mean(|o| o.missing.mean()), mean(|o| o.ghosts.mean()));
        let error =
            missing.zip(ghosts).map(|(missing, ghosts)| (missing + ghosts) / size(NODES) * 100.0);
        line.extend(error.map(|error| (f64::from(*rate), error)));
        table.row(vec![
            Cell::Count((*rate).into()),
            Cell::number(missing, 3),
            Cell::number(mean(|o| o.missing.percentile(0.99)), 2),
            Cell::number(ghosts, 3),
            Cell::number(mean(|o| o.ghosts.percentile(0.99)), 2),
            Cell::number(error, 2),
            Cell::number(mean(|o| Some(o.load.per_node_second(o.load.bytes(), NODES))), 0),
            Cell::number(mean(|o| Some(o.load.per_node_second(o.load.stream_bytes, NODES))), 0),
            Cell::Count(outcomes.iter().map(|outcome| outcome.false_failures).sum()),
        ]);
    }
    let plot = Plot {
        title: format!("How far views of {NODES} nodes are from the truth"),
        x: Axis::linear("% of the members replaced per minute"),
        y: Axis::linear("% of a view that is wrong, mean"),
        lines: vec![("missing and ghosts".into(), line)],
    };
    let notes = vec![
        "Missing: runs, but is not in a node's view. Ghost: is in the view, but no longer runs. \
         Members crash without a leave message, so each is a ghost until it is detected: the \
         unavoidable error is rate times detection time."
            .into(),
    ];
    Report { tables: vec![table], plots: vec![("view-error", plot)], notes }
}

fn replace(per_minute: u32, seed: u64, span: Duration) -> Outcome {
    let mut world = lan(seed, |_| {}).build();
    world.assemble(NODES);
    let mut churn = Churn::new(&world, per_minute, &[]);
    churn.run(&mut world, BEFORE);
    let _before = false_failures(&mut world);
    let meter = Meter::start(&world);
    let (mut missing, mut ghosts, mut failures) = (Vec::new(), Vec::new(), 0);
    for _ in 0..span.as_secs() {
        churn.run(&mut world, secs(1));
        let (absent, stale) = errors(&world);
        missing.push(absent);
        ghosts.push(stale);
        failures += false_failures(&mut world);
    }
    Outcome {
        missing: missing.into_iter().collect(),
        ghosts: ghosts.into_iter().collect(),
        load: meter.read(&world),
        false_failures: failures,
    }
}

/// Returns the average numbers of missing members and of ghosts in a view.
fn errors(world: &World) -> (f64, f64) {
    let running: BTreeSet<&str> = world.running().collect();
    let (mut missing, mut ghosts) = (0, 0);
    for observer in &running {
        let node = world.node(observer);
        let live = node.members().filter(|member| member.state.is_live());
        let known = live.filter(|member| running.contains(member.name)).count();
        missing += running.len() - known;
        ghosts += node.members_live() - known;
    }
    let views = size(running.len());
    (number(missing as u64) / views, number(ghosts as u64) / views)
}

/// Counts the failures of running members that were declared since the last call.
fn false_failures(world: &mut World) -> u64 {
    let running: BTreeSet<String> = world.running().map(str::to_owned).collect();
    let is_false = |event: &Event| match event {
        Event::Failed { member, .. } => running.contains(member.name.as_str()),
        _ => false,
    };
    let mut count = 0;
    for observer in &running {
        let records = world.take_events(observer);
        count += records.iter().map(|record| u64::from(is_false(&record.event))).sum::<u64>();
    }
    count
}
