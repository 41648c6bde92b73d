//! Runs swarms of seeds: `swim-sim --seeds 0..1000`. See `swim_sim::swarm`.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::Range;
use std::process::ExitCode;

use swim_sim::swarm::{self, Setup, Sweep};

const USAGE: &str = "\
usage: swim-sim --seeds A..B [--wire swim|memberlist|both] [--hostile drawn|always|never]
                [--lasting drawn|always|never] [--jobs N] [--json]

Runs each seed from A up to, but not including, B: a cluster with faults of its own, and the calm
after them, watched by all checkers. Exits with 1 if a seed fails, or if 64 seeds or more did not
see every kind of fault.

  --seeds A..B   the seeds; A alone is A..A+1
  --wire WIRE    what the nodes speak (swim, in the clear); with the other two a seed may also have
                 keys, a label, and compression
  --hostile WHICH  which runs have a hostile host, which repeats, changes and makes up what is said
                 (drawn, that is, one in three)
  --lasting WHICH  which runs have faults that begin and end at times of their own, such as a member
                 that hears nothing for a while (drawn, that is, one in three)
  --jobs N       on so many threads (as many as there are processors)
  --json         print one JSON object instead of text";

struct Arguments {
    seeds: Range<u64>,
    setup: Setup,
    jobs: usize,
    json: bool,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            // The reader is gone: nothing can be reported.
            let _ = writeln!(stdout(), "{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("swim-sim: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    swarm::quiet_panics();
    let (terminal, total) = (stderr().is_terminal(), arguments.seeds.clone().count());
    let sweep =
        swarm::sweep_on(arguments.setup, arguments.seeds, arguments.jobs, |done, failed| {
            if terminal {
                // Progress is optional.
                let _ = write!(stderr(), "\r{done} of {total} seeds, {failed} failed ");
            }
        });
    if terminal {
        eprintln!();
    }
    let told = if arguments.json { json(&sweep) } else { text(&sweep) };
    // If the reader is gone, as `head` may be, the exit code is enough.
    let _ = writeln!(stdout(), "{told}");
    if sweep.failed.is_empty() && sweep.missing().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let (mut seeds, mut setup, mut json) = (None, Setup::default(), false);
    let mut jobs = std::thread::available_parallelism().map_or(1, usize::from);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seeds" => seeds = Some(range(&value()?)?),
            "--wire" => setup.wires = value()?.parse()?,
            "--hostile" => setup.hostile = value()?.parse()?,
            "--lasting" => setup.lasting = value()?.parse()?,
            "--jobs" => jobs = number(&value()?)?,
            "--json" => json = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("{other:?} is not an option")),
        }
    }
    let seeds = seeds.ok_or("--seeds A..B is missing")?;
    Ok(Some(Arguments { seeds, setup, jobs, json }))
}

fn range(text: &str) -> Result<Range<u64>, String> {
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => number(text).map(|seed: u64| seed..seed.saturating_add(1)),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn text(sweep: &Sweep) -> String {
    let failed = sweep.failed.iter();
    let mut lines: Vec<String> = failed
        .map(|failed| format!("seed {}: {}\nreplay: {}\n", failed.seed, failed.why, failed.replay))
        .collect();
    lines.push(format!("seen: {}", sweep.seen));
    lines.push(format!("{} seeds, {:.0?} of virtual time", sweep.runs, sweep.lasted));
    if let Some((seed, share)) = sweep.slowest {
        lines.push(format!("slowest to settle: seed {seed}, {:.0}% of its bound", share * 100.0));
    }
    lines.extend(sweep.missing().iter().map(|what| format!("never seen: {what}")));
    if !sweep.failed.is_empty() {
        let seeds: Vec<String> = sweep.failed.iter().map(|f| f.seed.to_string()).collect();
        lines.push(format!("{} seeds failed: {}", seeds.len(), seeds.join(" ")));
    }
    lines.join("\n")
}

fn json(sweep: &Sweep) -> String {
    let seen: Vec<String> =
        sweep.seen.iter().map(|(what, count)| format!("{}:{count}", quoted(what))).collect();
    let failed: Vec<String> = sweep
        .failed
        .iter()
        .map(|failed| {
            let (why, replay) = (quoted(&failed.why), quoted(&failed.replay));
            format!("{{\"seed\":{},\"why\":{why},\"replay\":{replay}}}", failed.seed)
        })
        .collect();
    let missing: Vec<String> = sweep.missing().into_iter().map(quoted).collect();
    format!(
        "{{\"seeds\":{},\"virtual_seconds\":{},\"failed\":[{}],\"missing\":[{}],\"seen\":{{{}}}}}",
        sweep.runs,
        sweep.lasted.as_secs(),
        failed.join(","),
        missing.join(","),
        seen.join(",")
    )
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
