//! An hour of datagram loss: false failures, and the load.

use std::time::Duration;

use swim_core::{MessageKind, Stats};
use swim_sim::{World, secs};

use crate::census::Census;
use crate::cluster::{lan, names, number, size, sum};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::report::Report;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const NODES: usize = 128;
const LOSSES: [f64; 4] = [0.0, 0.05, 0.25, 0.5];

/// That of the LAN profile, and shorter ones.
const SUSPICION_MULTS: [u32; 4] = [4, 3, 2, 1];

/// The time between counts, which drop the events: at 50% loss memory could not hold them.
const COUNT_EVERY: Duration = secs(10);

#[derive(Clone, Copy, Debug)]
struct Case {
    loss: f64,
    stream_ping: bool,
    suspicion_mult: u32,
}

#[derive(Debug)]
struct Outcome {
    census: Census,
    load: Load,
    /// The number of nodes that see all members as alive or suspect at the end.
    complete: usize,
    counters: Vec<(&'static str, u64)>,
}

/// A counter of a node, and its column in the second table.
type Counter = (&'static str, fn(&Stats) -> u64);

const COUNTERS: [Counter; 9] = [
    ("pings", |stats| stats.sent[MessageKind::Ping]),
    ("indirect pings", |stats| stats.sent[MessageKind::IndirectPing]),
    ("gossiped updates", |stats| {
        use MessageKind::{Alive, Failed, Left, Suspect};
        [Alive, Suspect, Failed, Left].iter().map(|kind| stats.sent[*kind]).sum()
    }),
    ("streams", |stats| stats.streams_opened),
    ("push/pulls", |stats| stats.push_pulls),
    ("repairs", |stats| stats.repairs),
    ("probes failed", |stats| stats.probes_failed),
    ("saved by stream", |stats| stats.probes_saved_by_stream),
    ("accusations refuted", |stats| stats.accusations_refuted),
];

pub(crate) fn run(scope: &Scope) -> Report {
    let span = scope.pick(secs(300), secs(3600));
    let cases = cases(scope);
    let runs = scope.runs_of(&cases, 1);
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| lose(*case, *seed, span));
    let found: Vec<(Case, Outcome)> = runs.iter().map(|(case, _)| *case).zip(outcomes).collect();
    let mut report = Report { tables: vec![results(&found), causes(&found)], ..Report::default() };
    report.notes.push(format!(
        "{NODES} nodes, LAN profile, {} simulated minutes per run; bytes are payloads of datagrams \
         and streams.",
        span.as_secs() / 60
    ));
    report.notes.push(
        "Peers at 25%: al8n/memberlist 9.3 KB per node and second, foca 38,072 false failures."
            .into(),
    );
    report
}

/// The LAN profile with and without the fallback ping, and shorter suspicions with it.
fn cases(scope: &Scope) -> Vec<Case> {
    let mults: &[u32] = scope.pick(&SUSPICION_MULTS[..1], &SUSPICION_MULTS);
    let mut cases = Vec::new();
    for &suspicion_mult in mults {
        for stream_ping in [true, false] {
            if stream_ping || suspicion_mult == SUSPICION_MULTS[0] {
                cases.extend(LOSSES.map(|loss| Case { loss, stream_ping, suspicion_mult }));
            }
        }
    }
    cases
}

fn lose(case: Case, seed: u64, span: Duration) -> Outcome {
    let everybody = names(NODES);
    let options = lan(seed, move |config| {
        config.stream_ping = case.stream_ping;
        config.suspicion_mult = case.suspicion_mult;
    });
    let mut world = options.loss(case.loss).build();
    world.assemble(NODES);
    let (mut census, meter) = (Census::default(), Meter::start(&world));
    let end = world.now() + span;
    while world.now() < end {
        world.run(COUNT_EVERY.min(end - world.now()));
        census.count(&mut world, &everybody);
    }
    let counters = COUNTERS.map(|(name, counter)| (name, sum(&world, &everybody, counter)));
    let complete = everybody.iter().filter(|name| is_complete(&world, name)).count();
    Outcome { census, load: meter.read(&world), complete, counters: counters.to_vec() }
}

fn is_complete(world: &World, name: &str) -> bool {
    world.node(name).members_live() == NODES
}

impl Case {
    /// Returns the first cells of its rows.
    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::Count(self.suspicion_mult.into()),
            Cell::words(if self.stream_ping { "on" } else { "off" }),
            Cell::Number(self.loss * 100.0, 0),
        ]
    }
}

fn results(found: &[(Case, Outcome)]) -> Table {
    let mut table = Table::new(
        "Per run; bytes and packets per node and second",
        &[
            "suspicion_mult",
            "fallback ping",
            "loss %",
            "false failures",
            "suspected",
            "bytes/s",
            "of them streams",
            "packets/s",
            "streams/s",
            "complete views",
        ],
    );
    for (case, outcome) in found {
        let load = &outcome.load;
        let each = |amount| load.per_node_second(amount, NODES);
        let mut row = case.cells();
        row.extend([
            Cell::Count(outcome.census.about_anyone),
            Cell::Count(outcome.census.suspected_healthy),
            Cell::Number(each(load.bytes()), 0),
            Cell::Number(each(load.stream_bytes), 0),
            Cell::Number(each(load.packets), 2),
            Cell::Number(each(load.streams), 3),
            Cell::Count(outcome.complete as u64),
        ]);
        table.row(row);
    }
    table
}

fn causes(found: &[(Case, Outcome)]) -> Table {
    let mut columns = vec!["suspicion_mult", "fallback ping", "loss %"];
    columns.extend(COUNTERS.iter().map(|(name, _)| *name));
    let mut table = Table::new("Operations per node and minute", &columns);
    for (case, outcome) in found {
        let minutes = outcome.load.span.as_secs_f64() / 60.0;
        let mut row = case.cells();
        row.extend(
            outcome
                .counters
                .iter()
                .map(|(_, count)| Cell::Number(number(*count) / size(NODES) / minutes, 2)),
        );
        table.row(row);
    }
    table
}
