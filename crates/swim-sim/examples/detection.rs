//! Measures how long a cluster needs to agree on a failure, with each preset.
//!
//! `cargo run --release -p swim-sim --example detection -- [NODES [RUNS]]`

use std::net::SocketAddr;
use std::time::Duration;

use swim_core::{Config, Name, State};
use swim_sim::{WorldOptions, secs};

/// One of the presets of `Config`.
type Profile = fn(Name, SocketAddr) -> Config;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Ok(nodes), Ok(runs)) =
        (arguments.next().unwrap_or(Ok(5)), arguments.next().unwrap_or(Ok(200)))
    else {
        eprintln!("detection: NODES and RUNS are numbers, 5 and 200 by default");
        std::process::exit(2);
    };
    if nodes < 3 || runs == 0 {
        eprintln!("detection: at least 3 nodes and 1 run are needed");
        std::process::exit(2);
    }
    println!("{nodes} nodes, {runs} runs: from a crash until the last one knows, in seconds");
    println!("profile    min   50%   95%   max");
    let profiles: [(&str, Profile); 3] =
        [("local", Config::local), ("lan", Config::lan), ("wan", Config::wan)];
    for (name, profile) in profiles {
        let mut times: Vec<f64> =
            (0..runs).map(|seed| detection(seed, nodes, profile).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        println!("{name:<8}{:6.1}{:6.1}{:6.1}{:6.1}", at(0), at(50), at(95), at(100));
    }
}

fn detection(seed: u64, nodes: u64, profile: Profile) -> Duration {
    let mut world = WorldOptions::new(seed).profile(profile).build();
    let count = usize::try_from(nodes).expect("a number of nodes that fits memory");
    world.form(count);
    world.run(secs(7));
    let victim = format!("n{}", nodes - 1);
    world.crash(&victim);
    let start = world.now();
    let observers: Vec<String> = (0..nodes - 1).map(|number| format!("n{number}")).collect();
    // Early observers may have unlisted it before the last one knows.
    let is_gone = |state: Option<State>| state.is_none_or(|state| state == State::Failed);
    world.run_until(secs(3600), |world| {
        observers.iter().all(|name| is_gone(world.state(name, &victim)))
    });
    world.now() - start
}
