//! Prints the speed and memory of the simulator in the steady state of a cluster.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin simulator -- [NODES...]
//! ```

use std::time::Duration;

use cpu_time::ProcessTime;
use swim_sim::{World, WorldOptions, secs};
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let sizes: Result<Vec<usize>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    let sizes = match sizes {
        Ok(sizes) if sizes.iter().all(|size| *size >= 2) => sizes,
        _ => {
            eprintln!("simulator: NODES are numbers from 2 [default: 100 1000 10000]");
            std::process::exit(2);
        }
    };
    let sizes = if sizes.is_empty() { vec![100, 1_000, 10_000] } else { sizes };
    println!("LAN profile, no faults, from a formed cluster, over one whole push/pull cycle\n");
    println!(
        "{:>8}{:>10}{:>14}{:>20}{:>22}{:>16}{:>14}",
        "nodes",
        "seconds",
        "packets",
        "node-s per CPU-s",
        "heap/(node x member)",
        "peak",
        "B/node-s"
    );
    for nodes in sizes {
        measure(nodes);
    }
}

fn measure(nodes: usize) {
    let before = counting::live();
    let mut world = WorldOptions::new(1).digest(false).records(false).build();
    world.assemble(nodes);
    // Waits for the effects of the start to end.
    world.run(secs(30));
    let cycle = cycle(&world);
    counting::restart_peak();
    let (traffic, start) = (world.traffic(), ProcessTime::now());
    world.run(cycle);
    let cpu = start.elapsed().as_secs_f64();
    let (heap, peak) = (counting::live() - before, counting::peak() - before);
    let after = world.traffic();
    world.expect_converged();

    let names: usize = world.running().map(str::len).sum();
    let pairs = count(nodes * nodes);
    let node_seconds = count(nodes) * cycle.as_secs_f64();
    let each = |bytes: usize| (count(bytes) - count(names * nodes)) / pairs;
    let bytes =
        after.packet_bytes + after.stream_bytes - traffic.packet_bytes - traffic.stream_bytes;
    println!(
        "{nodes:>8}{:>10}{:>14}{:>20.0}{:>22.1}{:>16.1}{:>14.1}",
        cycle.as_secs(),
        after.packets - traffic.packets,
        node_seconds / cpu,
        each(heap),
        each(peak),
        count(usize::try_from(bytes).expect("a number of bytes")) / node_seconds,
    );
}

/// The time for each node to make one push/pull: the profile's interval, scaled by cluster size.
fn cycle(world: &World) -> Duration {
    world.node("n0").config().push_pull_interval_at(world.running().count())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}
