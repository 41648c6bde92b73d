//! One of a thousand nodes crashes: the times until the first and the last node know.

use std::time::Duration;

use swim_core::{Event, Instant};
use swim_sim::{World, secs};

use crate::cluster::{lan, names};
use crate::parallel;
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const LOSSES: [f64; 2] = [0.0, 0.05];

/// That of the LAN profile, and shorter ones.
const SUSPICION_MULTS: [u32; 4] = [4, 3, 2, 1];

/// The time before the crash, after which probe rounds are at random positions.
const CALM: Duration = secs(15);

/// A limit that no detection reaches.
const GIVE_UP: Duration = secs(300);

#[derive(Clone, Copy, Debug)]
struct Case {
    suspicion_mult: u32,
    loss: f64,
}

/// The events after a crash, in seconds since the crash.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    suspected: Option<f64>,
    failed: Option<f64>,
    everywhere: Option<f64>,
    /// Events about members that did not crash.
    false_failures: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let nodes = scope.pick(200, 1000);
    let mults: &[u32] = scope.pick(&SUSPICION_MULTS[..2], &SUSPICION_MULTS);
    let cases: Vec<Case> = mults
        .iter()
        .flat_map(|&suspicion_mult| LOSSES.map(|loss| Case { suspicion_mult, loss }))
        .collect();
    let runs = scope.runs_of(&cases, scope.pick(5, 50));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| crash(*case, nodes, *seed));
    let per_case = runs.len() / cases.len();
    let mut table = Table::new(
        format!("{nodes} nodes, {per_case} runs: seconds from the crash, median and slowest run"),
        &[
            "suspicion_mult",
            "loss %",
            "first suspicion",
            "first failed",
            "slowest",
            "last failed",
            "slowest run",
            "false failures",
        ],
    );
    for (case, outcomes) in cases.iter().zip(outcomes.chunks(per_case)) {
        let of = |time: fn(&Outcome) -> Option<f64>| outcomes.iter().filter_map(time).collect();
        let (suspected, failed, last): (Samples, Samples, Samples) =
            (of(|o| o.suspected), of(|o| o.failed), of(|o| o.everywhere));
        debug_assert_eq!(last.len(), outcomes.len(), "a crash is found out everywhere");
        table.row(vec![
            Cell::Count(case.suspicion_mult.into()),
            Cell::Number(case.loss * 100.0, 0),
            Cell::number(suspected.median(), 2),
            Cell::number(failed.median(), 2),
            Cell::number(failed.max(), 2),
            Cell::number(last.median(), 2),
            Cell::number(last.max(), 2),
            Cell::Count(outcomes.iter().map(|outcome| outcome.false_failures).sum()),
        ]);
    }
    let mut report = Report { tables: vec![table], ..Report::default() };
    report.notes.push(
        "LAN profile, except for suspicion_mult, which is 4 there. The shortest suspicion is \
         suspicion_mult times log10(nodes) seconds."
            .into(),
    );
    report
}

fn crash(case: Case, nodes: usize, seed: u64) -> Outcome {
    let options = lan(seed, move |config| config.suspicion_mult = case.suspicion_mult);
    let mut world = options.loss(case.loss).build();
    world.assemble(nodes);
    world.run(CALM);
    let victim = format!("n{}", seed % nodes as u64);
    world.crash(&victim);
    let (crashed, mut observers) = (world.now(), names(nodes));
    observers.retain(|name| *name != victim);
    let believers = |world: &World| {
        observers.iter().filter(|name| failed_at(world, name, &victim).is_some()).count()
    };
    while believers(&world) < observers.len() && world.now() < crashed + GIVE_UP {
        world.run(secs(1));
    }
    look_back(&world, &observers, &victim, crashed)
}

/// Returns the time when a node first declared the victim failed or learned of it.
fn failed_at(world: &World, observer: &str, victim: &str) -> Option<Instant> {
    let about =
        |event: &Event| matches!(event, Event::Failed { member, .. } if member.name == *victim);
    // It is among the latest events.
    let records = world.events(observer).iter();
    records.rev().filter(|record| about(&record.event)).last().map(|record| record.at)
}

fn look_back(world: &World, observers: &[String], victim: &str, crashed: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let mut times = Vec::with_capacity(observers.len());
    let mut suspected: Option<f64> = None;
    for observer in observers {
        times.extend(failed_at(world, observer, victim).map(|at| since(at, crashed)));
        for record in world.events(observer) {
            match &record.event {
                Event::Suspected { member, .. }
                    if member.name == *victim && record.at >= crashed =>
                {
                    let at = since(record.at, crashed);
                    suspected = Some(suspected.map_or(at, |earliest| earliest.min(at)));
                }
                Event::Failed { member, .. } if member.name != *victim => {
                    outcome.false_failures += 1
                }
                _ => {}
            }
        }
    }
    let times: Samples = times.into_iter().collect();
    outcome.suspected = suspected;
    outcome.failed = times.percentile(0.0);
    outcome.everywhere = times.max().filter(|_| times.len() == observers.len());
    outcome
}

fn since(at: Instant, start: Instant) -> f64 {
    (at - start).as_secs_f64()
}
