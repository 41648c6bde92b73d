//! All links go down for a while, as when a switch restarts.
//!
//! The experiment counts false failures, and the time until all agree.

use std::time::Duration;

use swim_core::{Event, State};
use swim_sim::{World, millis, secs};

use crate::census::Census;
use crate::cluster::{lan, names, number, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const SIZES: [usize; 2] = [20, 100];
const CUTS_S: [u64; 6] = [5, 10, 18, 30, 45, 60];

/// The time between two checks whether all agree.
const LOOK_EVERY: Duration = millis(100);

/// The time for counting failures after the links are back: longer than any suspicion from before.
const SPAN: Duration = secs(60);

#[derive(Clone, Copy, Debug)]
struct Case {
    memberlist: bool,
    nodes: usize,
    cut_s: u64,
}

#[derive(Debug)]
struct Outcome {
    /// The number of peers that a node saw as failed at the end of the cut, on average.
    lost: f64,
    /// The number of nodes that had reported by then that they are isolated.
    isolated: u64,
    /// Seconds from the end of the cut until all agree.
    healed: Option<f64>,
    /// Failures declared after the end of the cut.
    failed_later: u64,
    /// The load after the cut.
    load: Load,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let cuts = scope.pick(&CUTS_S[1..3], &CUTS_S[..]);
    let sizes = scope.pick(&SIZES[..1], &SIZES[..]);
    let mut cases = Vec::new();
    for memberlist in [false, true] {
        for &nodes in sizes {
            cases.extend(cuts.iter().map(|&cut_s| Case { memberlist, nodes, cut_s }));
        }
    }
    let runs = scope.runs_of(&cases, scope.pick(1, 5));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| cut_off(*case, *seed));
    let per_case = runs.len() / cases.len();
    let mut table = Table::new(
        format!("{per_case} runs; medians unless stated"),
        &[
            "wire",
            "nodes",
            "cut for s",
            "believed failed at its end",
            "isolated by then",
            "failed after it, all runs",
            "all agree after s",
            "slowest run",
            "KB per node in 60 s",
        ],
    );
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for (case, outcomes) in cases.iter().zip(outcomes.chunks(per_case)) {
        let healed: Samples = outcomes.iter().filter_map(|outcome| outcome.healed).collect();
        let name = format!("{} nodes, {}", case.nodes, wire(case.memberlist));
        if lines.last().is_none_or(|(last, _)| *last != name) {
            lines.push((name, Vec::new()));
        }
        if let (Some((_, line)), Some(median)) = (lines.last_mut(), healed.median()) {
            line.push((number(case.cut_s), median));
        }
        table.row(row(*case, outcomes, &healed));
    }
    let plot = Plot {
        title: "Time until all agree after all links were gone".into(),
        x: Axis::linear("seconds without links"),
        y: Axis::linear("seconds, median"),
        lines,
    };
    Report { tables: vec![table], plots: vec![("agreement", plot)], notes: Vec::new() }
}

fn wire(memberlist: bool) -> &'static str {
    if memberlist { "memberlist" } else { "native" }
}

fn row(case: Case, outcomes: &[Outcome], healed: &Samples) -> Vec<Cell> {
    let median =
        |value: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(value).collect::<Samples>().median();
    vec![
        Cell::Text(wire(case.memberlist).into()),
        Cell::Count(case.nodes as u64),
        Cell::Count(case.cut_s),
        Cell::number(median(&|it| it.lost), 1),
        Cell::number(median(&|it| number(it.isolated)), 0),
        Cell::Count(outcomes.iter().map(|it| it.failed_later).sum()),
        Cell::number(healed.median(), 1),
        Cell::number(healed.max(), 1),
        Cell::number(median(&|it| number(it.load.bytes()) / size(case.nodes) / 1000.0), 1),
    ]
}

fn cut_off(case: Case, seed: u64) -> Outcome {
    let Case { memberlist, nodes, cut_s } = case;
    let speak = move |config: &mut swim_core::Config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    };
    let mut world = lan(seed, speak).build();
    world.assemble(nodes);
    world.run(secs(10));
    let everybody = names(nodes);
    for name in &everybody {
        world.isolate(name);
    }
    world.run(secs(cut_s));
    world.heal();
    let lost: Samples = everybody.iter().map(|name| not_live(&world, name, nodes)).collect();
    let told = |name: &String| {
        let isolated = |event: &Event| matches!(event, Event::Isolated { .. });
        world.events(name).iter().any(|record| isolated(&record.event))
    };
    let isolated = everybody.iter().filter(|name| told(name)).count() as u64;
    for name in &everybody {
        drop(world.take_events(name));
    }
    let (meter, start) = (Meter::start(&world), world.now());
    while !world.converged() && world.now() - start < SPAN {
        world.run(LOOK_EVERY);
    }
    let healed = world.converged().then(|| (world.now() - start).as_secs_f64());
    world.run(SPAN.saturating_sub(world.now() - start));
    let mut census = Census::new(&[]);
    census.count(&mut world, &everybody);
    Outcome {
        lost: lost.mean().unwrap_or(0.0),
        isolated,
        healed,
        failed_later: census.about_anyone,
        load: meter.read(&world),
    }
}

/// Counts the peers that this node does not see as alive or suspect.
fn not_live(world: &World, name: &str, nodes: usize) -> f64 {
    let live = |state: State| matches!(state, State::Alive | State::Suspect);
    let members = world.node(name).members().filter(|member| live(member.state)).count();
    size(nodes - members.min(nodes))
}
