//! Measures how often failed members are pinged, and how soon two halves of a cluster reunite.
//!
//! `cargo run --release -p swim-sim --example search -- [NODES...]`. With `--features sabotage` it
//! also measures nodes that look for one member per period, however many others do the same.

use std::time::Duration;

use swim_core::Config;
use swim_sim::{World, WorldOptions, secs};

#[path = "../tests/cluster/searches.rs"]
mod searches;

use searches::{to_many_addresses, to_one_address};

/// Changes the rules.
type Rule = fn(&mut Config);

fn main() {
    let sizes: Result<Vec<usize>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    let sizes = match sizes {
        Ok(sizes) if sizes.is_empty() => vec![10, 100, 1000],
        Ok(sizes) if sizes.iter().all(|&nodes| nodes >= 4) => sizes,
        _ => {
            eprintln!("search: NODES are numbers, each at least 4; 10, 100 and 1000 by default");
            std::process::exit(2);
        }
    };
    println!("pings to one dead address per second, in a minute that begins so long after the");
    println!("verdict; seconds from the heal of two halves, cut for 300 s, until all agree");
    println!("nodes            0 s    10 min       1 h    healed");
    for (rule, change) in rules() {
        for &nodes in &sizes {
            let options = WorldOptions::new(1).configure(move |_, config| change(config));
            let rates = to_one_address(options, nodes, &[secs(0), secs(600), secs(3600)]);
            let healed = healed(change, nodes);
            print!("{nodes:>5} {rule:<6}");
            rates.iter().for_each(|rate| print!("{rate:>8.2}  "));
            println!("{:>8.1}", healed.as_secs_f64());
        }
    }
    println!("pings per probe after 500 names joined and died within two hours");
    for (rule, change) in rules() {
        // A thousand nodes that each search alone take an hour.
        for &nodes in sizes.iter().filter(|&&nodes| nodes <= 100 || rule == "now") {
            let options = WorldOptions::new(1).configure(move |_, config| change(config));
            println!("{nodes:>5} {rule:<6}{:>8.3}", to_many_addresses(options, nodes));
        }
    }
}

#[cfg(feature = "sabotage")]
fn rules() -> Vec<(&'static str, Rule)> {
    let alone: Rule = |config| config.sabotage = Some(swim_core::Sabotage::SearchesAlone);
    vec![("before", alone), ("now", |_| {})]
}

#[cfg(not(feature = "sabotage"))]
fn rules() -> Vec<(&'static str, Rule)> {
    vec![("now", |_| {})]
}

/// The mean time, over a few runs, until two halves agree again.
fn healed(change: Rule, nodes: usize) -> Duration {
    let runs: u32 = if nodes > 100 { 1 } else { 10 };
    let times = (0..runs).map(|run| {
        let mut world = WorldOptions::new(run.into())
            .configure(move |_, config| change(config))
            .digest(false)
            .records(false)
            .build();
        world.form(nodes);
        let names: Vec<String> = world.running().map(str::to_owned).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (one, other) = names.split_at(nodes / 2);
        world.cut(one, other);
        world.run(world.node("n0").config().gossip_to_the_dead * 10);
        world.heal();
        let start = world.now();
        assert!(world.run_until(secs(600), World::converged), "{}", world.report(None));
        world.now() - start
    });
    times.sum::<Duration>() / runs
}
