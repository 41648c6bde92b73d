//! Clusters form on memberlist's wire through one seed.
//!
//! The experiment measures the time until all know all, and the cost of a join to a large cluster.

use std::time::Duration;

use swim_core::Config;
use swim_sim::{Request, World, millis, secs};

use crate::cluster::{lan, names, number, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

/// The time between two checks whether all nodes know all.
const LOOK_EVERY: Duration = millis(20);

/// The limit of the checks. By then periodic push/pulls have informed all nodes.
const PATIENCE: Duration = secs(120);

/// The time after which a node whose seed refused it tries again, as in the driver.
const RETRY: Duration = millis(500);

/// The time during which the bytes of one join are counted.
const SPAN: Duration = secs(10);

/// Whether the rule is on. Only builds with the feature `sabotage` can switch it off.
const RULES: &[bool] = if cfg!(feature = "sabotage") { &[false, true] } else { &[true] };

/// The order in which nodes join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// All at once.
    Together,
    /// Each one after the previous join is answered.
    InTurn,
    /// One after each such time.
    Every(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Case {
    nodes: usize,
    order: Order,
    /// Whether newcomers introduce themselves.
    introduces: bool,
}

#[derive(Debug)]
struct Outcome {
    /// Seconds from the beginning of the last join.
    until_all: Option<f64>,
    load: Load,
}

/// The cost of a join.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// Bytes that the joiner sent and received.
    own: u64,
    own_streams: u64,
    streams: u64,
    /// Bytes that all sent.
    all: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let mut report = Report::default();
    let orders = [Order::Together, Order::InTurn, Order::Every(millis(200))];
    for (nodes, runs) in [(50, scope.pick(5, 1000)), (200, scope.pick(1, 100))] {
        report.tables.push(times(scope, nodes, &orders, runs));
    }
    report.tables.push(costs(scope, scope.pick(100, 1000)));
    report.notes.push("Times count from the beginning of the last join, to 120 s at most.".into());
    report
}

fn times(scope: &Scope, nodes: usize, orders: &[Order], usual: u32) -> Table {
    let mut table = Table::new(
        format!("s until all {nodes} know all"),
        &["nodes join", "introductions", "runs", "median", "90%", "99%", "slowest", "KB per node"],
    );
    let cases = orders.iter().flat_map(|&order| RULES.iter().map(move |&rule| (order, rule)));
    for case in cases.map(|(order, introduces)| Case { nodes, order, introduces }) {
        // Without the rule, each run takes ten times as long.
        let usual = if case.introduces { usual } else { usual.div_ceil(10) };
        let seeds: Vec<u64> = scope.seeds(usual).collect();
        let outcomes = parallel::map(scope.jobs, &seeds, |seed| form(case, *seed));
        let lasting = |outcome: &Outcome| outcome.until_all.unwrap_or(PATIENCE.as_secs_f64());
        let times: Samples = outcomes.iter().map(lasting).collect();
        let bytes = outcomes.iter().map(|it| number(it.load.bytes()) / size(nodes) / 1000.0);
        table.row(vec![
            Cell::Text(case.order.as_text()),
            Cell::words(if case.introduces { "on" } else { "off" }),
            Cell::Count(times.len() as u64),
            Cell::number(times.median(), 2),
            Cell::number(times.percentile(0.9), 2),
            Cell::number(times.percentile(0.99), 2),
            Cell::number(times.max(), 2),
            Cell::number(bytes.collect::<Samples>().mean(), 1),
        ]);
    }
    table
}

impl Order {
    fn as_text(self) -> String {
        match self {
            Order::Together => "all at once".into(),
            Order::InTurn => "each when the last one has".into(),
            Order::Every(step) => format!("one every {step:?}"),
        }
    }
}

fn form(case: Case, seed: u64) -> Outcome {
    let Case { nodes, order, introduces } = case;
    let mut world = memberlist(seed, introduces);
    let everybody = names(nodes);
    world.start(&everybody[0]);
    let meter = Meter::start(&world);
    let mut joins: Vec<(usize, Request)> = Vec::new();
    let mut last = world.now();
    for (place, name) in everybody.iter().enumerate().skip(1) {
        world.start(name);
        last = world.now();
        joins.push((place, world.join(name, &everybody[0])));
        match order {
            Order::Together => {}
            Order::InTurn => {
                while joins.iter().any(|(_, join)| world.answer(*join).is_none()) {
                    world.run(millis(1));
                }
            }
            Order::Every(step) => world.run(step),
        }
    }
    let end = last + PATIENCE;
    let (mut until_all, mut retry) = (None, last + RETRY);
    while until_all.is_none() && world.now() < end {
        world.run(LOOK_EVERY);
        let knows = |name: &String| world.node(name).members_live() == nodes;
        if everybody.iter().all(knows) {
            until_all = Some((world.now() - last).as_secs_f64());
        }
        if world.now() >= retry {
            retry = world.now() + RETRY;
            for (place, join) in &mut joins {
                if let Some(Err(_)) = world.answer(*join) {
                    *join = world.join(&everybody[*place], &everybody[0]);
                }
            }
        }
    }
    let rest = secs(10).saturating_sub(world.now() - last);
    world.run(rest);
    Outcome { until_all, load: meter.read(&world) }
}

fn costs(scope: &Scope, nodes: usize) -> Table {
    let runs = scope.runs_of(RULES, scope.pick(1, 5));
    let found =
        parallel::map(scope.jobs, &runs, |(introduces, seed)| cost(nodes, *introduces, *seed));
    let per_case = runs.len() / RULES.len();
    let mut table = Table::new(
        format!("KB of a join to {nodes}, {SPAN:?}, mean of {per_case} runs"),
        &["introductions", "joiner, both ways", "in streams", "all nodes sent", "in streams"],
    );
    for (introduces, costs) in RULES.iter().zip(found.chunks(per_case)) {
        let mean = |bytes: fn(&Cost) -> u64| -> Cell {
            let each = costs.iter().map(|cost| number(bytes(cost)) / 1000.0);
            Cell::number(each.collect::<Samples>().mean(), 1)
        };
        table.row(vec![
            Cell::words(if *introduces { "on" } else { "off" }),
            mean(|cost| cost.own),
            mean(|cost| cost.own_streams),
            mean(|cost| cost.all),
            mean(|cost| cost.streams),
        ]);
    }
    table
}

/// Measures the cost of one join to a large cluster, minus the load without the join.
fn cost(nodes: usize, introduces: bool, seed: u64) -> Cost {
    let loads = [false, true].map(|joins| {
        let mut world = memberlist(seed, introduces);
        world.assemble(nodes);
        world.run(secs(5));
        let meter = Meter::start(&world);
        if joins {
            world.start("late");
            world.join("late", "n0");
        }
        world.run(SPAN);
        let own = joins.then(|| world.node("late").stats()).map_or([0; 2], |stats| {
            let packets = stats.packet_bytes_sent + stats.packet_bytes_received;
            [packets, stats.stream_bytes_sent + stats.stream_bytes_received]
        });
        (meter.read(&world), own)
    });
    let [(without, _), (with, [own_packets, own_streams])] = loads;
    Cost {
        own: own_packets + own_streams,
        own_streams,
        streams: with.stream_bytes.saturating_sub(without.stream_bytes),
        all: with.bytes().saturating_sub(without.bytes()),
    }
}

fn memberlist(seed: u64, introduces: bool) -> World {
    let configure = move |config: &mut Config| {
        *config = config.clone().memberlist();
        set_rule(config, introduces);
    };
    lan(seed, configure).records(false).build()
}

#[cfg(feature = "sabotage")]
fn set_rule(config: &mut Config, introduces: bool) {
    config.sabotage = (!introduces).then_some(swim_core::Sabotage::IntroducesItselfToNobody);
}

#[cfg(not(feature = "sabotage"))]
fn set_rule(_config: &mut Config, _introduces: bool) {}
