//! Prints the cost of an idle node on real sockets, on each runtime.
//!
//! All nodes run in one process and know each other.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin adapters -- \
//!     tokio|smol|async-std udp+tcp|tcp|tls|tcp+tls|memory [NODES] [SECONDS] [MORE]
//! ```
//!
//! It prints one row of a Markdown table. `benches/cost` prints the whole table, including
//! HashiCorp memberlist. The nodes then stay up for MORE seconds, for tools that watch from
//! outside. Each runtime has one thread for its tasks. The variable `LINKS_MAX` sets the number of
//! links that a node keeps. `WIRE=memberlist` selects HashiCorp memberlist's wire.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use swim_driver::{Carrier, MemoryNetwork};
use swim_test_support::totals::Totals;

use crate::measure::{Found, Plan, measure};
use crate::stacks::{AsyncStd, Smol, Stack, Tokio, certificates};

mod measure;
mod stacks;

#[global_allocator]
static ALLOCATOR: Totals = Totals;

const USAGE: &str = "usage: adapters tokio|smol|async-std udp+tcp|tcp|tls|tcp+tls|memory \
                     [NODES] [SECONDS] [MORE]";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adapters: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let number = |position: usize, default: u32| {
        arguments.get(position).map_or(Ok(default), |text| text.parse())
    };
    let words = arguments.iter().take(2).map(String::as_str).collect::<Vec<_>>();
    let [runtime, transport] = words[..] else { return Err(USAGE.into()) };
    let streams_alone = matches!(transport, "tcp" | "tcp+tls");
    let plan = Plan {
        nodes: number(2, 50)?,
        time: Duration::from_secs(number(3, 60)?.into()),
        more: Duration::from_secs(number(4, 0)?.into()),
        carrier: if streams_alone { Carrier::Streams } else { Carrier::Datagrams },
        links_max: std::env::var("LINKS_MAX").ok().map(|text| text.parse()).transpose()?,
        memberlist: match std::env::var("WIRE").as_deref() {
            Err(_) | Ok("swim") => false,
            Ok("memberlist") => true,
            Ok(other) => return Err(format!("WIRE={other}: use swim or memberlist").into()),
        },
    };
    let links = plan.links_max.map_or(String::new(), |links| format!(", links_max {links}"));
    let wire = if plan.memberlist { ", memberlist's wire" } else { "" };
    let print = |found| print_row(runtime, &format!("{transport}{links}{wire}"), plan, found);
    match runtime {
        "tokio" => run_on(Tokio, transport, plan, print),
        "smol" => run_on(Smol, transport, plan, print),
        "async-std" => run_on(AsyncStd, transport, plan, print),
        _ => Err(USAGE.into()),
    }
}

fn run_on<S: Stack>(
    stack: S,
    transport: &str,
    plan: Plan,
    print: impl FnOnce(Found),
) -> Result<()> {
    let runtime = stack.runtime();
    match transport {
        "udp+tcp" | "tcp" => {
            let open = |options: &_| stack.open(options);
            stack.block_on(measure(runtime, plan, open, print))
        }
        "tls" | "tcp+tls" => {
            let tls = certificates()?;
            let open = move |options: &_| Ok(tls.wrap(stack.open(options)?));
            stack.block_on(measure(runtime, plan, open, print))
        }
        "memory" => {
            let network = MemoryNetwork::new();
            let open = move |options: &swim_driver::Options| Ok(network.open(options.bind)?);
            stack.block_on(measure(runtime, plan, open, print))
        }
        _ => Err(USAGE.into()),
    }
}

/// The columns are those of `interop/go-peer/cost.go`.
fn print_row(runtime: &str, transport: &str, plan: Plan, mut found: Found) {
    let nodes = f64::from(plan.nodes);
    let node_seconds = nodes * plan.time.as_secs_f64();
    found.slices.sort_unstable();
    let slice = |position: usize| {
        let cpu = found.slices[position].as_secs_f64();
        cpu * 1e3 / node_seconds * f64::from(measure::SLICES)
    };
    let last = found.slices.len() - 1;
    println!(
        "| {runtime}, {transport} | {nodes} | {:.1} s, {:.1} s | {:.3} ms ({:.3} to {:.3}) \
         | {:.1} | {:.2} KB | {:.0} KB |",
        found.formed.as_secs_f64(),
        found.forming.as_secs_f64(),
        f64::midpoint(slice(last / 2), slice(last.div_ceil(2))),
        slice(0),
        slice(last),
        found.allocations / node_seconds,
        found.bytes / node_seconds / 1e3,
        found.heap / nodes / 1e3,
    );
}
