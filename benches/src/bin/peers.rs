//! Prints the cost and quality of this library and foca, side by side, in one run.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin peers -- [--quick]
//! ```
//!
//! It takes some minutes. With `--quick` there are fewer and shorter runs.

use std::process::ExitCode;

use swim_benches::peers::{
    FocaCluster, Lean, MISMATCHES, Named, OursByDatagram, OursWithStreams, Patient, crashing,
    joining, losing, operations, steady,
};
use swim_sim::secs;
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The extent of the measurements.
#[derive(Clone, Copy)]
enum Extent {
    Quick,
    Full,
}

impl Extent {
    /// Returns one of two values, by the extent.
    fn choose<T>(self, quick: T, full: T) -> T {
        match self {
            Extent::Quick => quick,
            Extent::Full => full,
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let extent = match arguments.as_slice() {
        [] => Extent::Full,
        [option] if option == "--quick" => Extent::Quick,
        _ => {
            eprintln!("usage: peers [--quick]");
            return ExitCode::FAILURE;
        }
    };
    print_operations(extent);
    print_joining(extent);
    print_crashing(extent);
    print_losing(extent);
    // The last one, because 10,000 nodes leave a heap of 11 GB behind.
    print_steady(extent);
    print_mismatches();
    ExitCode::SUCCESS
}

fn print_operations(extent: Extent) {
    let samples = extent.choose(2_001, 20_001);
    println!("Nanoseconds of a single node: the median of {samples}\n");
    println!("{}", operations::HEADINGS);
    for members in [100, 10_000] {
        println!("{}", operations::ours(members, samples));
        println!("{}", operations::foca(members, samples));
    }
    println!();
}

fn print_joining(extent: Extent) {
    println!("1,000 nodes join 24, one each millisecond; times from the first join: medians\n");
    let runs = extent.choose(1, 3);
    println!("{}", joining::HEADINGS);
    println!("{}", joining::measure::<OursWithStreams>(runs));
    println!("{}", joining::measure::<FocaCluster<Lean>>(runs));
    println!("{}", joining::measure::<FocaCluster<Named>>(runs));
    println!();
}

fn print_crashing(extent: Extent) {
    println!("One of 1,000 loses its power: times until the first and the last peer know\n");
    println!("{}", crashing::HEADINGS);
    let runs = extent.choose(3, 7);
    for loss in [0.0, 0.05] {
        println!("{}", crashing::measure::<OursWithStreams>(loss, runs));
        println!("{}", crashing::measure::<FocaCluster<Lean>>(loss, runs));
    }
    println!("{}", crashing::measure::<FocaCluster<Patient>>(0.0, runs));
    println!();
}

fn print_losing(extent: Extent) {
    println!("128 nodes, a quarter of all datagrams lost, no node fails\n");
    println!("{}", losing::HEADINGS);
    let span = secs(extent.choose(600, 3_600));
    println!("{}", losing::measure::<OursWithStreams>(span));
    println!("{}", losing::measure::<OursByDatagram>(span));
    println!("{}", losing::measure::<FocaCluster<Lean>>(span));
    println!("{}", losing::measure::<FocaCluster<Patient>>(span));
    println!();
}

fn print_steady(extent: Extent) {
    println!("Steady state: nothing fails, nothing is lost, nobody joins\n");
    println!("{}", steady::HEADINGS);
    let (cycles, sizes) = extent.choose((1, &[100, 1_000][..]), (3, &[100, 1_000, 3_000]));
    for nodes in sizes {
        println!("{}", steady::measure::<OursWithStreams>(*nodes, cycles, counting::live));
        println!("{}", steady::measure::<FocaCluster<Lean>>(*nodes, cycles, counting::live));
    }
    println!("{}", steady::measure::<FocaCluster<Named>>(1_000, cycles, counting::live));
    // A foca node finds a new member by searching its whole list. For 10,000 nodes that know each
    // other this takes 10,000^3 / 2 steps, ten minutes.
    if let Extent::Full = extent {
        println!("{}", steady::measure::<OursWithStreams>(10_000, 1, counting::live));
    }
    println!();
}

fn print_mismatches() {
    println!("Differences that remain:\n");
    for mismatch in MISMATCHES {
        println!("- {mismatch}");
    }
}
