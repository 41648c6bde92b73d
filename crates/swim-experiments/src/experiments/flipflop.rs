//! Members that can send but not receive.
//!
//! These are figures 9 and 10 of
//! [Rapid](https://www.usenix.org/conference/atc18/presentation/suresh) (Suresh et al., ATC 2018).

use std::time::Duration;

use swim_core::Event;
use swim_sim::{World, secs};

use crate::cluster::{borrowed, lan, names, number, size};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::plot::{Axis, Plot};
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

/// The time with a fault, after a calm time of [`CALM`].
const SPAN: Duration = secs(400);
const CALM: Duration = secs(30);

/// The faults of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Figure 9: 1% of the nodes receive nothing for 20 s in every 40 s.
    FlipFlop,
    /// Figure 10: 1% of the nodes lose four of five datagrams sent to them.
    IngressLoss,
}

const FAULTS: [(Fault, &str); 2] = [
    (Fault::FlipFlop, "nothing in for 20 s, and again"),
    (Fault::IngressLoss, "80% lost on the way in"),
];

const FLIP_EVERY: Duration = secs(20);
const INGRESS_LOSS: f64 = 0.8;

/// The measurements of one second.
#[derive(Clone, Copy, Debug)]
struct Second {
    /// Changes of the views of good nodes, per good node: about bad members, and about good ones.
    about_bad: f64,
    about_good: f64,
    /// The smallest and the largest view of a good node at its end.
    smallest: usize,
    largest: usize,
}

#[derive(Debug)]
struct Outcome {
    seconds: Vec<Second>,
    load: Load,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let nodes = scope.pick(200, 1000);
    let runs = scope.runs_of(&FAULTS, scope.pick(1, 3));
    let outcomes =
        parallel::map(scope.jobs, &runs, |((fault, _), seed)| disturb(*fault, nodes, *seed));
    let per_case = runs.len() / FAULTS.len();
    let mut table = Table::new(
        format!("{nodes} nodes, 1% of them bad for {} s; means of {per_case} runs", SPAN.as_secs()),
        &[
            "fault",
            "view changes per good node, about bad ones",
            "about good ones",
            "seconds in which good nodes disagree on the size, %",
            "smallest view of a good node",
            "bad members in a good view at the end",
            "bytes per node and second",
        ],
    );
    let mut lines = Vec::new();
    for ((_, words), outcomes) in FAULTS.iter().zip(outcomes.chunks(per_case)) {
        let good = nodes - nodes / 100;
        let mean = |value: &dyn Fn(&Outcome) -> f64| -> Option<f64> {
            outcomes.iter().map(value).collect::<Samples>().mean()
        };
        let last = |outcome: &Outcome| {
            outcome.seconds.last().map_or(0.0, |s| size(s.largest) - size(good))
        };
        let smallest =
            outcomes.iter().flat_map(|outcome| &outcome.seconds).map(|s| s.smallest).min();
        table.row(vec![
            Cell::words(*words),
            Cell::number(mean(&|o| o.seconds.iter().map(|second| second.about_bad).sum()), 2),
            Cell::number(mean(&|o| o.seconds.iter().map(|second| second.about_good).sum()), 4),
            Cell::number(mean(&disagreeing), 1),
            smallest.map_or(Cell::Nothing, |size| Cell::Count(size as u64)),
            Cell::number(mean(&last), 1),
            Cell::number(mean(&|o| o.load.per_node_second(o.load.bytes(), nodes)), 0),
        ]);
        lines.extend(outcomes.first().map(|first| ((*words).to_owned(), so_far(&first.seconds))));
    }
    let plot = Plot {
        title: "View changes per good node so far, first run".into(),
        x: Axis::linear("seconds of bad network"),
        y: Axis::linear("changes per good node"),
        lines,
    };
    let notes = vec![
        "A view change is a report by a node that a member joined, failed or left. Rapid's \
         argument: a membership should either keep such members or remove them once, at all \
         nodes alike."
            .into(),
    ];
    Report { tables: vec![table], plots: vec![("view-changes", plot)], notes }
}

fn disturb(fault: Fault, nodes: usize, seed: u64) -> Outcome {
    let mut world = lan(seed, |_| {}).build();
    world.assemble(nodes);
    world.run(CALM);
    let everybody = names(nodes);
    let (bad, good) = everybody.split_at((nodes / 100).max(1));
    if fault == Fault::IngressLoss {
        bad.iter().for_each(|name| world.set_loss_to(name, INGRESS_LOSS));
    }
    let meter = Meter::start(&world);
    let mut seconds = Vec::new();
    for second in 0..SPAN.as_secs() {
        let (turn, begins) =
            (second / FLIP_EVERY.as_secs(), second.is_multiple_of(FLIP_EVERY.as_secs()));
        if fault == Fault::FlipFlop && begins {
            flip(&mut world, bad, &everybody, turn.is_multiple_of(2));
        }
        world.run(secs(1));
        seconds.push(look(&mut world, bad, good));
    }
    Outcome { seconds, load: meter.read(&world) }
}

fn flip(world: &mut World, bad: &[String], everybody: &[String], off: bool) {
    if off {
        world.cut_groups_one_way(&borrowed(everybody), &borrowed(bad));
    } else {
        world.heal();
    }
}

fn look(world: &mut World, bad: &[String], good: &[String]) -> Second {
    let (mut about_bad, mut about_good) = (0, 0);
    for observer in good {
        for record in world.take_events(observer) {
            let member = match &record.event {
                Event::Joined { member, .. }
                | Event::Failed { member, .. }
                | Event::Left { member, .. } => member,
                _ => continue,
            };
            let is_bad = bad.iter().any(|name| member.name == *name.as_str());
            *(if is_bad { &mut about_bad } else { &mut about_good }) += 1;
        }
    }
    for name in bad {
        drop(world.take_events(name));
    }
    let sizes = good.iter().map(|name| world.node(name).members_live());
    let (smallest, largest) = (sizes.clone().min(), sizes.max());
    Second {
        about_bad: number(about_bad) / size(good.len()),
        about_good: number(about_good) / size(good.len()),
        smallest: smallest.unwrap_or(0),
        largest: largest.unwrap_or(0),
    }
}

/// Returns the percentage of seconds in which good nodes see different numbers of members.
fn disagreeing(outcome: &Outcome) -> f64 {
    let seconds = outcome.seconds.iter().filter(|second| second.smallest != second.largest);
    size(seconds.count()) / size(outcome.seconds.len()) * 100.0
}

/// Returns the changes up to every tenth second.
fn so_far(seconds: &[Second]) -> Vec<(f64, f64)> {
    let mut changes = 0.0;
    let mut line = vec![(0.0, 0.0)];
    for (place, second) in seconds.iter().enumerate() {
        changes += second.about_bad + second.about_good;
        if place % 10 == 9 {
            line.push((size(place + 1), changes));
        }
    }
    line
}
