//! One member receives little or nothing for ten minutes, but can send.
//!
//! The experiment counts how often its peers suspect each other.

use std::time::Duration;

use swim_core::{Config, Event};
use swim_sim::{World, millis, secs};

use crate::census::Census;
use crate::cluster::{lan, names, number};
use crate::parallel;
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

const SIZES: [usize; 2] = [40, 100];
const DEAF_FOR: Duration = secs(600);
const DEAF: &str = "n7";

/// The time between two checks whether all agree, and the limit.
const LOOK_EVERY: Duration = millis(100);
const PATIENCE: Duration = secs(300);

/// The traffic that still reaches the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    /// Neither datagrams nor streams.
    Nothing,
    /// Streams, but no datagrams.
    Streams,
    /// One in twenty datagrams. Segments of streams are resent until they arrive, so streams crawl.
    Little,
}

impl Hearing {
    const ALL: [Hearing; 3] = [Hearing::Nothing, Hearing::Streams, Hearing::Little];

    fn as_text(self) -> &'static str {
        match self {
            Hearing::Nothing => "nothing",
            Hearing::Streams => "streams",
            Hearing::Little => "5% of datagrams",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    memberlist: bool,
    nodes: usize,
    hears: Hearing,
}

#[derive(Debug)]
struct Outcome {
    /// Suspicions and failures of peers at other peers, over all views.
    suspected: u64,
    failed: u64,
    /// How often one of its peers declared the member itself failed.
    fell: u64,
    /// Seconds until the member reported that it is isolated.
    isolated: Option<f64>,
    /// Seconds from the end until all agree.
    healed: Option<f64>,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let sizes = scope.pick(&SIZES[..1], &SIZES[..]);
    let mut cases = Vec::new();
    for memberlist in [false, true] {
        for &nodes in sizes {
            cases.extend(Hearing::ALL.map(|hears| Case { memberlist, nodes, hears }));
        }
    }
    let runs = scope.runs_of(&cases, scope.pick(1, 5));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| deafen(*case, *seed));
    let per_case = runs.len() / cases.len();
    let mut table = Table::new(
        format!("{per_case} runs; medians unless stated"),
        &[
            "wire",
            "nodes",
            "it hears",
            "others suspected, all views",
            "most",
            "others failed, all runs",
            "it fails in a view",
            "isolated after s",
            "all agree after s",
            "slowest run",
        ],
    );
    for (case, outcomes) in cases.iter().zip(outcomes.chunks(per_case)) {
        table.row(row(*case, outcomes));
    }
    Report { tables: vec![table], ..Report::default() }
}

fn row(case: Case, outcomes: &[Outcome]) -> Vec<Cell> {
    let suspected: Samples = outcomes.iter().map(|it| number(it.suspected)).collect();
    let isolated: Samples = outcomes.iter().filter_map(|it| it.isolated).collect();
    let healed: Samples = outcomes.iter().filter_map(|it| it.healed).collect();
    vec![
        Cell::Text(if case.memberlist { "memberlist" } else { "native" }.into()),
        Cell::Count(case.nodes as u64),
        Cell::Text(case.hears.as_text().into()),
        Cell::number(suspected.median(), 0),
        Cell::number(suspected.max(), 0),
        Cell::Count(outcomes.iter().map(|it| it.failed).sum()),
        Cell::number(outcomes.iter().map(|it| number(it.fell)).collect::<Samples>().median(), 0),
        Cell::number(isolated.median(), 1),
        Cell::number(healed.median(), 1),
        Cell::number(healed.max(), 1),
    ]
}

fn deafen(case: Case, seed: u64) -> Outcome {
    let Case { memberlist, nodes, hears } = case;
    let speak = move |config: &mut Config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    };
    let mut world = lan(seed, speak).build();
    world.assemble(nodes);
    world.run(secs(2 * nodes as u64));
    for name in names(nodes) {
        drop(world.take_events(&name));
    }
    match hears {
        Hearing::Nothing => world.deafen(DEAF),
        Hearing::Streams => world.block_datagrams_to(DEAF),
        Hearing::Little => world.set_loss_to(DEAF, 0.95),
    }
    let began = world.now();
    world.run(DEAF_FOR);
    world.heal();
    world.set_loss_to(DEAF, 0.0);
    let told = |event: &Event| matches!(event, Event::Isolated { .. });
    let first = world.events(DEAF).iter().find(|record| told(&record.event));
    let isolated = first.map(|record| (record.at - began).as_secs_f64());
    let fell = failures_of(&world, "n0");
    let others: Vec<String> = names(nodes).into_iter().filter(|name| name != DEAF).collect();
    let mut census = Census::new(&[DEAF.to_owned()]);
    census.count(&mut world, &others);
    let ended = world.now();
    while !world.converged() && world.now() - ended < PATIENCE {
        world.run(LOOK_EVERY);
    }
    let healed = world.converged().then(|| (world.now() - ended).as_secs_f64());
    Outcome {
        suspected: census.suspected_healthy,
        failed: census.between_healthy,
        fell,
        isolated,
        healed,
    }
}

/// Counts how often this observer declared the deaf member failed.
fn failures_of(world: &World, observer: &str) -> u64 {
    let failed =
        |event: &Event| matches!(event, Event::Failed { member, .. } if member.name == DEAF);
    world.events(observer).iter().filter(|record| failed(&record.event)).count() as u64
}
