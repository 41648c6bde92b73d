//! A thousand nodes join a small cluster within a second.

use std::time::Duration;

use swim_core::{MessageKind, Stats};
use swim_sim::{World, millis, secs};

use crate::cluster::{lan, names, number, size, sum};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const FOUNDERS: usize = 24;
const WITHIN: Duration = secs(1);

/// The time between two checks whether nodes know all.
const LOOK_EVERY: Duration = millis(20);

/// The time for counting bytes, from the first join. By its end all is calm again.
const SPAN: Duration = secs(60);

/// The number of addresses that each newcomer contacts. It asks all of them for their views.
const CONTACTS: [usize; 2] = [1, 3];

#[derive(Debug)]
struct Outcome {
    /// The numbers of nodes that knew all, each with the seconds since the first join, every 20 ms.
    complete: Vec<(f64, usize)>,
    /// The load until all nodes knew all.
    until_complete: Option<Load>,
    load: Load,
    counters: Vec<u64>,
    round: usize,
}

/// A counter of a node, and its column in the second table.
type Counter = (&'static str, fn(&Stats) -> u64);

const COUNTERS: [Counter; 5] = [
    ("alive updates in datagrams and push/pulls", |stats| stats.sent[MessageKind::Alive]),
    ("push/pull halves", |stats| stats.sent[MessageKind::PushPull]),
    ("push/pulls", |stats| stats.push_pulls),
    ("repairs", |stats| stats.repairs),
    ("streams opened", |stats| stats.streams_opened),
];

pub(crate) fn run(scope: &Scope) -> Report {
    let newcomers = scope.pick(200, 1000);
    let runs = scope.runs_of(&CONTACTS, scope.pick(1, 10));
    let outcomes =
        parallel::map(scope.jobs, &runs, |(contacts, seed)| join(*contacts, newcomers, *seed));
    let per_case = runs.len() / CONTACTS.len();
    let nodes = FOUNDERS + newcomers;
    let mut times = Table::new(
        format!("{newcomers} nodes join {FOUNDERS} within one second, {per_case} runs"),
        &[
            "contacts",
            "s until 99% know all",
            "slowest",
            "s until all know all",
            "slowest run",
            "KB per node until then",
            "in datagrams",
            "in streams",
            "KB per node in 60 s",
        ],
    );
    let mut columns = vec!["contacts"];
    columns.extend(COUNTERS.iter().map(|(name, _)| *name));
    let mut causes = Table::new("Operations of a node in 60 s, on average", &columns);
    for (contacts, outcomes) in CONTACTS.iter().zip(outcomes.chunks(per_case)) {
        times.row(times_of(*contacts, outcomes, nodes));
        let mut row = vec![Cell::Count(*contacts as u64)];
        row.extend((0..COUNTERS.len()).map(|place| {
            let each = outcomes.iter().map(|outcome| number(outcome.counters[place]) / size(nodes));
            Cell::number(each.collect::<Samples>().mean(), 2)
        }));
        causes.row(row);
    }
    let plot = plot(CONTACTS.iter().zip(outcomes.chunks(per_case)), nodes);
    let mut report = Report { tables: vec![times, causes], ..Report::default() };
    report.plots.push(("knowing", plot));
    report
        .notes
        .push("Times count from the first join. foca, measured alike: 6.6 s and 141 KB.".into());
    report
}

fn times_of(contacts: usize, outcomes: &[Outcome], nodes: usize) -> Vec<Cell> {
    let most = nodes - nodes / 100;
    let when = |wanted: usize| -> Samples {
        outcomes.iter().filter_map(|outcome| reached(outcome, wanted)).collect()
    };
    let (most, all) = (when(most), when(nodes));
    let kilobytes = |bytes: fn(&Load) -> u64| -> Cell {
        let loads = outcomes.iter().filter_map(|outcome| outcome.until_complete.as_ref());
        let each = loads.map(|load| number(bytes(load)) / size(nodes) / 1000.0);
        Cell::number(each.collect::<Samples>().median(), 1)
    };
    let whole = outcomes.iter().map(|outcome| number(outcome.load.bytes()) / size(nodes) / 1000.0);
    vec![
        Cell::Count(contacts as u64),
        Cell::number(most.median(), 2),
        Cell::number(most.max(), 2),
        Cell::number(all.median(), 2),
        Cell::number(all.max(), 2),
        kilobytes(Load::bytes),
        kilobytes(|load| load.packet_bytes),
        kilobytes(|load| load.stream_bytes),
        Cell::number(whole.collect::<Samples>().median(), 1),
    ]
}

fn reached(outcome: &Outcome, wanted: usize) -> Option<f64> {
    outcome.complete.iter().find(|(_, complete)| *complete >= wanted).map(|(at, _)| *at)
}

fn join(contacts: usize, newcomers: usize, seed: u64) -> Outcome {
    let mut world = lan(seed, |_| {}).records(false).build();
    world.assemble(FOUNDERS);
    world.run(secs(5));
    let everybody = names(FOUNDERS + newcomers);
    let founders = &everybody[..FOUNDERS];
    let (meter, start) = (Meter::start(&world), world.now());
    let mut outcome = Outcome {
        complete: Vec::new(),
        until_complete: None,
        load: meter.read(&world),
        counters: Vec::new(),
        round: 0,
    };
    let step = WITHIN / u32::try_from(newcomers).unwrap_or(u32::MAX);
    let mut look = start;
    for (number, name) in everybody.iter().enumerate().skip(FOUNDERS) {
        world.start(name);
        let nth = |nth: usize| founders[(number + nth * 7) % FOUNDERS].as_str();
        let chosen: Vec<&str> = (0..contacts).map(nth).collect();
        world.join_each(name, &chosen);
        world.run(step);
        if world.now() - look >= LOOK_EVERY {
            look = world.now();
            outcome.look(&world, &everybody[..=number], everybody.len(), start);
        }
    }
    while world.now() < start + SPAN {
        let step = if outcome.until_complete.is_none() { LOOK_EVERY } else { secs(5) };
        world.run(step.min(start + SPAN - world.now()));
        outcome.look(&world, &everybody, everybody.len(), start);
        if outcome.until_complete.is_none() && outcome.round == everybody.len() {
            outcome.until_complete = Some(meter.read(&world));
        }
    }
    outcome.load = meter.read(&world);
    outcome.counters =
        COUNTERS.iter().map(|(_, counter)| sum(&world, &everybody, counter)).collect();
    outcome
}

impl Outcome {
    /// Records how many of these nodes know all.
    fn look(&mut self, world: &World, started: &[String], all: usize, start: swim_core::Instant) {
        let knows = |name: &&String| world.node(name).members_live() == all;
        self.round = started.iter().filter(knows).count();
        self.complete.push(((world.now() - start).as_secs_f64(), self.round));
    }
}

fn plot<'a>(found: impl Iterator<Item = (&'a usize, &'a [Outcome])>, nodes: usize) -> Plot {
    let line = |outcome: &Outcome| -> Vec<(f64, f64)> {
        let share = |complete: usize| size(complete) / size(nodes) * 100.0;
        let mut line: Vec<(f64, f64)> =
            outcome.complete.iter().map(|(at, complete)| (*at, share(*complete))).collect();
        line.retain(|(at, _)| *at < 8.0);
        // Points between which nothing changes are not drawn.
        line.dedup_by(|later, earlier| (later.1 - earlier.1).abs() < 0.5 && later.0 < 7.9);
        line
    };
    Plot {
        title: format!("Nodes that know all {nodes}, first run"),
        x: Axis::linear("seconds since the first join"),
        y: Axis::linear("% of nodes"),
        lines: found
            .filter_map(|(contacts, outcomes)| {
                Some((format!("{contacts} contacts"), line(outcomes.first()?)))
            })
            .collect(),
    }
}
