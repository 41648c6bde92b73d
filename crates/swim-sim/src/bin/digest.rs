//! Prints the digest of each seed's run. The output must be the same on every machine, and with and
//! without optimization:
//!
//! ```text
//! diff <(cargo run -p swim-sim --bin digest) <(cargo run --release -p swim-sim --bin digest)
//! ```
//!
//! It must also be the same before and after a change that keeps the behaviour:
//!
//! ```text
//! cargo run --release -p swim-sim --bin digest -- 0..1000
//! cargo run --release -p swim-sim --bin digest -- --swarm --wire both 0..1000
//! ```

use std::fmt::Display;
use std::io::{Write, stdout};
use std::ops::Range;
use std::process::ExitCode;

use swim_sim::swarm::{self, Hostility, LastingFaults, Scenario, Setup, Wires};

const USAGE: &str = "\
usage: digest [--swarm [--wire swim|memberlist|both] [--hostile drawn|always|never]
              [--lasting drawn|always|never]] [--jobs N] [SEED | FROM..TO]

Prints a line for each seed, 0..20 if none are given, in their order. Exits with 1 if a seed fails.

  --swarm       run what `swim-sim --seeds` runs, instead of the mixed scenario
  --wire WIRE   what its nodes speak (swim, in the clear)
  --hostile WHICH
                which of its runs have a hostile host (drawn, that is, one in three)
  --lasting WHICH
                which of its runs have faults that begin and end at times of their own (drawn, that
                is, one in three)
  --jobs N      on so many threads (as many as there are processors)";

struct Arguments {
    scenario: Scenario,
    seeds: Range<u64>,
    jobs: usize,
}

fn main() -> ExitCode {
    let Arguments { scenario, seeds, jobs } = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("digest: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    swarm::quiet_panics();
    let mut failed = false;
    swarm::digests(scenario, seeds, jobs, |seed, digest| match digest {
        Ok(digest) => say(digest),
        Err(why) => {
            failed = true;
            say(format_args!("seed {seed} failed"));
            eprintln!("seed {seed}: {why}\n");
        }
    });
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints a line. Exits if the reader is gone, as `head` may be.
fn say(line: impl Display) {
    if writeln!(stdout(), "{line}").is_err() {
        std::process::exit(1);
    }
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let (mut swarm, mut wires, mut seeds) = (false, None, 0..20);
    let (mut hostile, mut lasting) = (None::<Hostility>, None::<LastingFaults>);
    let mut jobs = std::thread::available_parallelism().map_or(1, usize::from);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--swarm" => swarm = true,
            "--wire" => wires = Some(value()?.parse()?),
            "--hostile" => hostile = Some(value()?.parse()?),
            "--lasting" => lasting = Some(value()?.parse()?),
            "--jobs" => jobs = number(&value()?)?,
            "--help" | "-h" => return Ok(None),
            option if option.starts_with('-') => {
                return Err(format!("{option:?} is not an option"));
            }
            range => seeds = parse_seeds(range)?,
        }
    }
    let scenario = match (wires, hostile, lasting) {
        _ if swarm => {
            let setup = Setup::from(wires.unwrap_or_default());
            let setup = setup.hostile(hostile.unwrap_or_default());
            Scenario::Swarm(setup.lasting(lasting.unwrap_or_default()))
        }
        (_, Some(hostile), _) => return Err(format!("--hostile {hostile} needs --swarm")),
        (.., Some(lasting)) => return Err(format!("--lasting {lasting} needs --swarm")),
        (None | Some(Wires::Swim), ..) => Scenario::Mixed,
        (Some(wires), ..) => return Err(format!("--wire {wires} needs --swarm")),
    };
    Ok(Some(Arguments { scenario, seeds, jobs }))
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => number(text).map(|seed: u64| seed..seed.saturating_add(1)),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}
