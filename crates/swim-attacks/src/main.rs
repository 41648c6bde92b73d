//! Attacks on real members on loopback: the action, the effect, the limit, and whether it holds.
//!
//! ```sh
//! cargo run --release -p swim-attacks -- list
//! cargo run --release -p swim-attacks -- run                # all of them, less than two minutes
//! cargo run --release -p swim-attacks -- run S84 S88        # some of them
//! cargo run --release -p swim-attacks -- run --large        # as long and as hard as it takes
//! cargo run --release -p swim-attacks -- run --json         # one line of JSON for each case
//! ```
//!
//! The members run in this process, on `swim-tokio` and real sockets of 127.0.0.0/8 with ports of
//! the system's choice. Different sources are different loopback addresses. A datagram with a
//! forged source is sent from a socket with that address, which on loopback is equivalent. Only
//! Linux gives a process all of 127.0.0.0/8.
//!
//! A *stranger* has no key, and an *insider* has it. An attacker *on the path* reads, stores and
//! repeats traffic. `expected.rs` lists cases that are known to be broken. Any other broken case
//! runs a second time. Exit code 1 means that a case was broken again, 2 that an attack could not
//! run.
#![forbid(unsafe_code)]

mod attacks;
mod cli;
mod expected;
mod finding;
mod insider;
mod member;
mod sender;
mod stage;
mod tallies;
mod tap;
mod third;
mod voice;
mod work;

use std::process::ExitCode;

use clap::Parser;

use crate::attacks::ATTACKS;
use crate::cli::{Cli, Run, Task};
use crate::finding::{Finding, Verdict};

fn main() -> ExitCode {
    match Cli::parse().task {
        Task::List => {
            for attack in ATTACKS {
                println!("{:6}{:9}{}", attack.name, attack.by, attack.about);
            }
            ExitCode::SUCCESS
        }
        Task::Work { case } => {
            work::run(case.as_deref().unwrap_or_default());
            ExitCode::SUCCESS
        }
        Task::Run(run) => match carry_out(&run) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("swim-attacks: {error}");
                ExitCode::from(2)
            }
        },
    }
}

fn carry_out(run: &Run) -> Result<ExitCode, String> {
    let chosen = run.chosen()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime does not start: {error}"))?;
    let (mut surprises, mut broken, mut held) = (Vec::new(), 0, 0);
    for attack in chosen {
        let mut findings = runtime.block_on((attack.run)(run.size()))?;
        if findings.iter().any(is_surprise) {
            // Times depend on this machine, and its other load must not decide. A real fault
            // repeats.
            for finding in findings.iter().filter(|finding| is_surprise(finding)) {
                eprintln!("swim-attacks: {}, running again: {}", told(finding), finding.suffered);
            }
            findings = runtime.block_on((attack.run)(run.size()))?;
        }
        for finding in findings {
            finding.print(run.json, expected::verdict(&finding));
            broken += usize::from(finding.verdict == Verdict::Broken);
            held += usize::from(finding.verdict == Verdict::Holds);
            if is_surprise(&finding) {
                surprises.push(told(&finding));
            }
        }
    }
    if !run.json {
        println!("{held} hold, {broken} are broken");
    }
    for case in &surprises {
        eprintln!("swim-attacks: broken, but expected to hold: {case}");
    }
    Ok(if surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether it is broken but should hold.
fn is_surprise(finding: &Finding) -> bool {
    finding.verdict == Verdict::Broken && expected::verdict(finding) != Verdict::Broken
}

fn told(finding: &Finding) -> String {
    format!("{} {}", finding.attack, finding.case)
}
