//! The cost of the rule that gossip goes only to members that answered this node: time and bytes.

use std::time::Duration;

use swim_core::Config;
use swim_sim::{World, millis, secs};

use crate::cluster::{lan, names, number, size, sum};
use crate::load::{Load, Meter};
use crate::parallel;
use crate::report::Report;
use crate::samples::Samples;
use crate::scope::Scope;
use crate::table::{Cell, Table};

/// The time between two checks which nodes know the news.
const LOOK_EVERY: Duration = millis(10);

/// The time during which bytes are counted.
const SPAN: Duration = secs(30);

/// The number of nodes that know each other before the rest join.
const FOUNDERS: usize = 24;

/// By then each node has probed only a few others.
const YOUNG: Duration = secs(15);

/// The metadata of the member that changes it.
const CHANGED: &str = "changed";

/// Whether the rule is on. Only builds with the feature `sabotage` can switch it off.
const RULES: &[bool] = if cfg!(feature = "sabotage") { &[true, false] } else { &[true] };

/// The news to spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Nearly all members of the cluster join within a second.
    Everybody,
    /// One member joins, while hardly any member has answered another yet.
    Newcomer,
    /// A member changes its metadata, at the same stage.
    ChangeEarly,
    /// A member changes its metadata after each has probed all.
    ChangeLate,
}

const NEWS: [News; 4] = [News::Everybody, News::Newcomer, News::ChangeEarly, News::ChangeLate];

impl News {
    fn as_text(self) -> &'static str {
        match self {
            News::Everybody => "all but 24 join within 1 s",
            News::Newcomer => "one joins, after 15 s",
            News::ChangeEarly => "metadata changes, after 15 s",
            News::ChangeLate => "metadata changes, after two rounds of probes",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    nodes: usize,
    news: News,
    /// Whether the rule is on: members that did not answer yet are pinged first.
    asks: bool,
}

#[derive(Debug)]
struct Outcome {
    /// Seconds until nearly all and until all nodes knew.
    most: Option<f64>,
    all: Option<f64>,
    load: Load,
    pings: u64,
}

pub(crate) fn run(scope: &Scope) -> Report {
    let sizes: &[usize] = scope.pick(&[50], &[100, 1000]);
    let cases: Vec<Case> = sizes
        .iter()
        .flat_map(|&nodes| NEWS.map(|news| (nodes, news)))
        .flat_map(|(nodes, news)| RULES.iter().map(move |&asks| Case { nodes, news, asks }))
        .collect();
    let runs = scope.runs_of(&cases, scope.pick(1, 10));
    let outcomes = parallel::map(scope.jobs, &runs, |(case, seed)| tell(*case, *seed));
    let per_case = runs.len() / cases.len();
    let mut table = Table::new(
        format!("{per_case} runs; medians unless stated; load of 30 s, other traffic included"),
        &[
            "nodes",
            "news",
            "rule",
            "s until 99% know",
            "s until all know",
            "slowest run",
            "KB per node",
            "in datagrams",
            "packets per node",
            "pings per node",
        ],
    );
    for (case, outcomes) in cases.iter().zip(outcomes.chunks(per_case)) {
        table.row(row(*case, outcomes));
    }
    Report { tables: vec![table], ..Report::default() }
}

fn row(case: Case, outcomes: &[Outcome]) -> Vec<Cell> {
    let all: Samples = outcomes.iter().filter_map(|outcome| outcome.all).collect();
    let most: Samples = outcomes.iter().filter_map(|outcome| outcome.most).collect();
    let per_node = |amount: fn(&Outcome) -> u64, unit: f64| -> Option<f64> {
        let each = outcomes.iter().map(|it| number(amount(it)) / size(case.nodes) / unit);
        each.collect::<Samples>().median()
    };
    vec![
        Cell::Count(case.nodes as u64),
        Cell::Text(case.news.as_text().into()),
        Cell::Text(if case.asks { "on" } else { "off" }.into()),
        Cell::number(most.median(), 2),
        Cell::number(all.median(), 2),
        Cell::number(all.max(), 2),
        Cell::number(per_node(|it| it.load.bytes(), 1000.0), 2),
        Cell::number(per_node(|it| it.load.packet_bytes, 1000.0), 2),
        Cell::number(per_node(|it| it.load.packets, 1.0), 1),
        Cell::number(per_node(|it| it.pings, 1.0), 1),
    ]
}

fn tell(case: Case, seed: u64) -> Outcome {
    let Case { nodes, news, asks } = case;
    let mut world = lan(seed, move |config| set_rule(config, asks)).records(false).build();
    let everybody = names(nodes);
    let there = match news {
        News::Everybody => FOUNDERS.min(nodes / 2),
        News::Newcomer => nodes - 1,
        News::ChangeEarly | News::ChangeLate => nodes,
    };
    world.assemble(there);
    world.run(if news == News::ChangeLate { secs(2 * nodes as u64) } else { YOUNG });
    let (meter, start) = (Meter::start(&world), world.now());
    let pings = |world: &World, of: &[String]| {
        sum(world, of, |stats| stats.sent[swim_core::MessageKind::Ping])
    };
    let before = pings(&world, &everybody[..there]);
    let step = secs(1) / u32::try_from(nodes).unwrap_or(u32::MAX);
    for (number, name) in everybody.iter().enumerate().skip(there) {
        world.start(name);
        world.join(name, &everybody[number % there]);
        world.run(if there + 1 == nodes { Duration::ZERO } else { step });
    }
    let subject = everybody[nodes - 1].as_str();
    if there == nodes {
        world.set_meta(subject, CHANGED);
    }
    let knows = |world: &World, observer: &String| match news {
        News::Everybody => world.node(observer).members_live() == nodes,
        News::Newcomer => world.node(observer).member(subject).is_some(),
        News::ChangeEarly | News::ChangeLate => world
            .node(observer)
            .member(subject)
            .is_some_and(|member| member.meta == CHANGED.as_bytes()),
    };
    let (mut most, mut all) = (None, None);
    while world.now() < start + SPAN {
        if all.is_none() {
            let known = everybody.iter().filter(|observer| knows(&world, observer)).count();
            let now = (world.now() - start).as_secs_f64();
            most = most.or((known >= nodes - nodes / 100).then_some(now));
            all = (known == nodes).then_some(now);
        }
        world.run(if all.is_none() { LOOK_EVERY } else { start + SPAN - world.now() });
    }
    let load = meter.read(&world);
    Outcome { most, all, load, pings: pings(&world, &everybody) - before }
}

#[cfg(feature = "sabotage")]
fn set_rule(config: &mut Config, asks: bool) {
    config.sabotage = (!asks).then_some(swim_core::Sabotage::GossipsToStrangers);
}

#[cfg(not(feature = "sabotage"))]
fn set_rule(_config: &mut Config, _asks: bool) {}
