//! Prints the digest of a mixed scenario for each seed: `digest [SEED | FROM..TO]` (default 0..20).
//!
//! The same seeds must print the same on every machine, and with and without optimization:
//!
//! ```text
//! diff <(cargo run -p swim-sim --bin digest) <(cargo run --release -p swim-sim --bin digest)
//! ```

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "0..20".to_owned());
    let Some((from, to)) = seeds(&argument) else {
        eprintln!("{argument:?} is neither a seed nor a range of seeds FROM..TO");
        std::process::exit(2);
    };
    for seed in from..to {
        let outcome = swim_sim::swarm::mixed(seed);
        println!(
            "seed {seed} digest {:016x} packets {} settled after {:.2?}",
            outcome.digest, outcome.traffic.packets, outcome.settled_after
        );
    }
}

fn seeds(argument: &str) -> Option<(u64, u64)> {
    if let Some((from, to)) = argument.split_once("..") {
        return Some((from.parse().ok()?, to.parse().ok()?));
    }
    let seed: u64 = argument.parse().ok()?;
    Some((seed, seed + 1))
}
