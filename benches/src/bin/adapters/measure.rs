//! Nodes of one process, and what they cost once they know each other.

use std::time::Duration;

use cpu_time::ProcessTime;
use swim_driver::{Bound, Carrier, NoHooks, Node, Options, Runtime, Timer, Transport};
use swim_test_support::totals::total;

use crate::Result;

/// The time is measured in so many parts of the same length, whose CPU tells the spread.
pub(crate) const SLICES: u32 = 6;

/// Until what came of the start has ended.
const SETTLING: Duration = Duration::from_secs(15);

/// Nodes without datagrams make their links as they probe each other, one member a second.
const SETTLING_OF_LINKS_MAX: u32 = 60;

#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    pub(crate) time: Duration,
    /// For so long the nodes live on.
    pub(crate) more: Duration,
    pub(crate) carrier: Carrier,
    /// How many links a node keeps, if not as many as by default.
    pub(crate) links_max: Option<usize>,
    /// On the wire of HashiCorp memberlist.
    pub(crate) memberlist: bool,
}

pub(crate) struct Found {
    /// CPU of each slice.
    pub(crate) slices: Vec<Duration>,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    pub(crate) heap: f64,
    /// From the first node's start until all nodes know all.
    pub(crate) formed: Duration,
    /// CPU in that time.
    pub(crate) forming: Duration,
}

pub(crate) async fn measure<R: Runtime, T: Transport>(
    runtime: R,
    plan: Plan,
    open: impl FnMut(&Options) -> Result<T>,
    print: impl FnOnce(Found),
) -> Result<()> {
    let (empty, start, cpu) = (total(), runtime.now(), ProcessTime::now());
    let nodes = start_nodes(&runtime, plan, open)?;
    let all = nodes.len();
    let complete = || nodes.iter().all(|node| node.cluster().live_count() == all);
    while !complete() {
        pause(&runtime, Duration::from_millis(10)).await;
    }
    let (formed, forming) = (runtime.now() - start, cpu.elapsed());
    pause(&runtime, settling(plan)).await;

    let (before, mut slices) = (total(), Vec::new());
    for _ in 0..SLICES {
        let cpu = ProcessTime::now();
        pause(&runtime, plan.time / SLICES).await;
        slices.push(cpu.elapsed());
    }
    let after = total();
    if !complete() {
        return Err("members were lost: is the machine busy?".into());
    }
    print(Found {
        slices,
        allocations: difference(before.allocations, after.allocations),
        bytes: difference(before.bytes, after.bytes),
        heap: difference(empty.live, after.live),
        formed,
        forming,
    });
    pause(&runtime, plan.more).await;
    Ok(())
}

/// All of them join through the first.
fn start_nodes<R: Runtime, T: Transport>(
    runtime: &R,
    plan: Plan,
    mut open: impl FnMut(&Options) -> Result<T>,
) -> Result<Vec<Node>> {
    let mut nodes: Vec<Node> = Vec::new();
    for number in 0..plan.nodes {
        let mut options = Options::lan(format!("node-{number}").parse()?);
        options.bind = "127.0.0.1:0".parse()?;
        if plan.memberlist {
            options.config = options.config.memberlist();
        }
        options.transport = plan.carrier;
        options.links_max = plan.links_max.unwrap_or(options.links_max);
        options.seeds.extend(nodes.first().map(|node| node.cluster().local_address().to_string()));
        let transport = open(&options)?;
        nodes.push(Bound::new(runtime.clone(), transport, &options, Box::new(NoHooks))?.spawn());
    }
    Ok(nodes)
}

fn settling(plan: Plan) -> Duration {
    let a_round = Duration::from_secs(plan.nodes.min(SETTLING_OF_LINKS_MAX).into());
    if plan.carrier == Carrier::Streams { a_round.max(SETTLING) } else { SETTLING }
}

async fn pause<R: Runtime>(runtime: &R, time: Duration) {
    let (mut timer, at) = (runtime.timer(), runtime.now() + time);
    std::future::poll_fn(|cx| timer.poll_at(cx, at)).await;
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn difference(before: usize, after: usize) -> f64 {
    after.abs_diff(before) as f64
}
