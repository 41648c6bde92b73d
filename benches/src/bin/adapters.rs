//! Prints what a node costs on real sockets, on each runtime: nodes of one process that know each
//! other and have nothing to say.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin adapters -- \
//!     tokio|smol|async-std udp+tcp|memory [NODES] [SECONDS]
//! ```
//!
//! Each runtime has one thread for its tasks. System calls are counted from outside, by
//! `strace -f -c`, in two runs of different length.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use cpu_time::ProcessTime;
use swim_driver::{Bound, MemoryNetwork, NoHooks, Node, Options, Runtime, Transport};
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Until what came of the start has ended.
const SETTLING: Duration = Duration::from_secs(15);

const USAGE: &str = "usage: adapters tokio|smol|async-std udp+tcp|memory [NODES] [SECONDS]";

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
    let plan = Plan { nodes: number(2, 50)?, time: Duration::from_secs(number(3, 60)?.into()) };
    let words = arguments.iter().take(2).map(String::as_str).collect::<Vec<_>>();
    let network = MemoryNetwork::new();
    let [runtime, transport] = words[..] else { return Err(USAGE.into()) };
    let found = match (runtime, transport) {
        ("tokio", "udp+tcp") => {
            on_tokio(plan, |options| Ok(swim_tokio::UdpTcp::open(options.bind)?))
        }
        ("tokio", "memory") => on_tokio(plan, |options| Ok(network.open(options.bind)?)),
        ("smol", "udp+tcp") => on_smol(plan, |options| Ok(swim_smol::UdpTcp::open(options.bind)?)),
        ("smol", "memory") => on_smol(plan, |options| Ok(network.open(options.bind)?)),
        ("async-std", "udp+tcp") => {
            on_async_std(plan, |options| Ok(swim_async_std::UdpTcp::open(options.bind)?))
        }
        ("async-std", "memory") => on_async_std(plan, |options| Ok(network.open(options.bind)?)),
        _ => return Err(USAGE.into()),
    }?;
    let node_seconds = f64::from(plan.nodes) * plan.time.as_secs_f64();
    println!(
        "{runtime:9} {transport:7} {:4} nodes {:4} s: {:.3} ms of CPU, {:.2} allocations per node \
         and second; {:.1} KB of heap per node; formed in {:.2} s",
        plan.nodes,
        plan.time.as_secs(),
        found.cpu.as_secs_f64() * 1e3 / node_seconds,
        found.allocations / node_seconds,
        found.heap / f64::from(plan.nodes) / 1e3,
        found.formed.as_secs_f64(),
    );
    Ok(())
}

#[derive(Clone, Copy)]
struct Plan {
    nodes: u32,
    time: Duration,
}

struct Found {
    cpu: Duration,
    allocations: f64,
    heap: f64,
    formed: Duration,
}

fn on_tokio<T: Transport>(plan: Plan, open: impl FnMut(&Options) -> Result<T>) -> Result<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(swim_tokio::Tokio, plan, open))
}

fn on_smol<T: Transport>(plan: Plan, open: impl FnMut(&Options) -> Result<T>) -> Result<Found> {
    // Its default is one thread, too.
    smol::block_on(measure(swim_smol::Smol, plan, open))
}

fn on_async_std<T: Transport>(
    plan: Plan,
    open: impl FnMut(&Options) -> Result<T>,
) -> Result<Found> {
    if std::env::var_os("ASYNC_STD_THREAD_COUNT").is_none_or(|count| count != "1") {
        return Err("set ASYNC_STD_THREAD_COUNT=1, so that allocations are counted".into());
    }
    async_std::task::block_on(measure(swim_async_std::AsyncStd, plan, open))
}

async fn measure<R: Runtime, T: Transport>(
    runtime: R,
    plan: Plan,
    mut open: impl FnMut(&Options) -> Result<T>,
) -> Result<Found> {
    let heap = counted(&runtime).await.live;
    let start = runtime.now();
    let mut nodes: Vec<Node> = Vec::new();
    for number in 0..plan.nodes {
        let mut options = Options::lan(format!("node-{number}").parse()?);
        options.bind = "127.0.0.1:0".parse()?;
        options.seeds.extend(nodes.first().map(|node| node.cluster().local_address().to_string()));
        let transport = open(&options)?;
        nodes.push(Bound::new(runtime.clone(), transport, &options, Box::new(NoHooks))?.spawn());
    }
    let all = usize::try_from(plan.nodes)?;
    while !nodes.iter().all(|node| node.cluster().live_count() == all) {
        pause(&runtime, Duration::from_millis(10)).await;
    }
    let formed = runtime.now() - start;
    pause(&runtime, SETTLING).await;

    let (before, cpu) = (counted(&runtime).await, ProcessTime::now());
    pause(&runtime, plan.time).await;
    let (cpu, after) = (cpu.elapsed(), counted(&runtime).await);
    let complete = nodes.iter().all(|node| node.cluster().live_count() == all);
    if !complete {
        return Err("members were lost: is the machine busy?".into());
    }
    Ok(Found {
        cpu,
        allocations: difference(before.allocations, after.allocations),
        heap: difference(heap, after.live),
        formed,
    })
}

/// What the thread that runs the tasks has counted.
struct Counted {
    allocations: usize,
    live: usize,
}

async fn counted<R: Runtime>(runtime: &R) -> Counted {
    let (tell, told) = futures_channel::oneshot::channel();
    runtime.spawn(async move {
        let _ = tell.send(Counted { allocations: counting::allocations(), live: counting::live() });
    });
    told.await.expect("a task that runs")
}

async fn pause<R: Runtime>(runtime: &R, time: Duration) {
    use swim_driver::Timer;
    let (mut timer, at) = (runtime.timer(), runtime.now() + time);
    std::future::poll_fn(|cx| timer.poll_at(cx, at)).await;
}

/// Counts here are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn difference(before: usize, after: usize) -> f64 {
    after.abs_diff(before) as f64
}
