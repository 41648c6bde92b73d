//! SWIM's promises about growing clusters.
//!
//! Load and the time of first detection do not grow with the cluster. The time to spread an update
//! grows with its logarithm.

use std::time::Duration;

use swim_core::{Event, Instant};
use swim_sim::{World, secs};

use crate::cluster::{lan, names, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

/// The cluster sizes, and the number of worlds of each size.
const SIZES: [(usize, u32); 8] =
    [(8, 40), (32, 20), (128, 20), (500, 10), (1000, 10), (2000, 4), (5000, 1), (10_000, 1)];

/// Above this size, worlds run one at a time: each takes gigabytes.
const LARGE: usize = 2000;

/// The number of members that crash in a world, one after another, and in a large world.
const CRASHES: usize = 6;
const CRASHES_LARGE: usize = 2;

/// A protocol period: the LAN profile's probe interval.
const PERIOD: Duration = secs(1);

/// The time for measuring the load of a calm cluster.
const CALM: Duration = secs(10);

/// The times after the crash of one member, in periods.
#[derive(Clone, Copy, Debug)]
struct Crash {
    /// Until the first ping of the crashed member.
    pinged: f64,
    /// From the first suspicion until half, 99% and all of the peers learned of it.
    half: f64,
    most: f64,
    all: f64,
}

#[derive(Debug)]
struct Outcome {
    load: Load,
    crashes: Vec<Crash>,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let sizes: Vec<(usize, u32)> =
        SIZES.into_iter().filter(|(nodes, _)| !scope.quick || *nodes <= 1000).collect();
    let mut table = Table::new(
        "Times in protocol periods of 1 s; medians unless stated",
        &[
            "nodes",
            "packets per member and period",
            "bytes",
            "first ping, mean",
            "first suspicion, mean",
            "suspicion heard by half",
            "by 99%",
            "by all",
            "slowest",
            "crashes",
        ],
    );
    let (mut spread, mut first) = (Vec::new(), Vec::new());
    for (nodes, worlds) in sizes {
        let seeds: Vec<u64> = scope.seeds(scope.pick(worlds.min(4), worlds)).collect();
        let jobs = if nodes > LARGE { 1 } else { scope.jobs };
        let outcomes = parallel::map(jobs, &seeds, |seed| watch(nodes, *seed));
        let of = |time: fn(&Crash) -> f64| -> Samples {
            outcomes.iter().flat_map(|outcome| &outcome.crashes).map(time).collect()
        };
        let (pinged, all) = (of(|crash| crash.pinged), of(|crash| crash.all));
        let load = |amount: fn(&Load) -> u64| -> Samples {
            let each = |load: &Load| load.per_node_second(amount(load), nodes);
            outcomes.iter().map(|outcome| each(&outcome.load)).collect()
        };
        first.extend(pinged.mean().map(|mean| (size(nodes), mean)));
        spread.extend(all.median().map(|median| (size(nodes), median)));
        table.row(vec![
            Cell::Count(nodes as u64),
            Cell::number(load(|load| load.packets).mean(), 3),
            Cell::number(load(Load::bytes).mean(), 1),
            Cell::number(pinged.mean(), 2),
            Cell::number(pinged.mean().map(|mean| mean + 1.0), 2),
            Cell::number(of(|crash| crash.half).median(), 2),
            Cell::number(of(|crash| crash.most).median(), 2),
            Cell::number(all.median(), 2),
            Cell::number(all.max(), 2),
            Cell::Count(pinged.len() as u64),
        ]);
    }
    let plot = Plot {
        title: "First detection and dissemination after a crash".into(),
        x: Axis::logarithmic("nodes"),
        y: Axis::linear("protocol periods"),
        lines: vec![
            ("until the first ping (mean)".into(), first),
            ("until all heard of the suspicion (median)".into(), spread),
        ],
    };
    let notes = vec![
        "The first ping is the one that leads to the first suspicion. If all nodes ping at \
         once, at the beginning of a period, the paper expects e/(e-1) = 1.58 periods, with the \
         period of the crash counted as a whole one; the suspicion comes at the end of the last. \
         Here nodes ping at different times: expect 1 period, and the suspicion 1 period later."
            .into(),
    ];
    Report { tables: vec![table], plots: vec![("times", plot)], notes }
}

fn watch(nodes: usize, seed: u64) -> Outcome {
    let mut world = lan(seed, |_| {}).build();
    world.assemble(nodes);
    world.run(secs(10));
    let meter = Meter::start(&world);
    world.run(CALM);
    let load = meter.read(&world);
    let mut observers = names(nodes);
    let crashes = if nodes > LARGE { CRASHES_LARGE } else { CRASHES.min(nodes / 4) };
    let crashes = (0..crashes).filter_map(|_| {
        // The crashes hit different parts of a protocol period.
        world.run(Duration::from_millis(seed * 137 % 1000));
        let victim = observers.swap_remove(observers.len() / 2);
        crash(&mut world, &observers, &victim)
    });
    Outcome { crashes: crashes.collect(), load }
}

/// Crashes a member, and measures when each node learns of the suspicion.
fn crash(world: &mut World, observers: &[String], victim: &str) -> Option<Crash> {
    drop(heard(world, observers, victim));
    world.crash(victim);
    let crashed = world.now();
    let mut times = Vec::with_capacity(observers.len());
    while times.len() < observers.len() && world.now() - crashed < secs(600) {
        world.run(secs(2));
        times.extend(heard(world, observers, victim));
    }
    // Waits for the end of the suspicion, so that the next crash finds a calm cluster.
    world.run(secs(30));
    let times: Samples = times.iter().map(|at| (*at - crashed).as_secs_f64()).collect();
    let (first, period) = (times.percentile(0.0)?, PERIOD.as_secs_f64());
    let after_first = |share: f64| times.percentile(share).map(|at| (at - first) / period);
    Some(Crash {
        pinged: first / period - 1.0,
        half: after_first(0.5)?,
        most: after_first(0.99)?,
        all: after_first(1.0)?,
    })
}

/// Returns when nodes first learned, since the last call, that the victim is suspected or failed.
fn heard(world: &mut World, observers: &[String], victim: &str) -> Vec<Instant> {
    let is_it = |event: &Event| match event {
        // A node that missed the suspicion learns of the failure.
        Event::Suspected { member, .. } => member.name == *victim,
        Event::Failed { member, accusers, .. } => member.name == *victim && accusers.is_empty(),
        _ => false,
    };
    let first = |name: &String| {
        let records = world.take_events(name);
        records.iter().find(|record| is_it(&record.event)).map(|record| record.at)
    };
    observers.iter().filter_map(first).collect()
}
