//! The cost of nodes in one process, once they know each other.

use std::time::Duration;

use cpu_time::ProcessTime;
use swim_driver::{Bound, Carrier, NoHooks, Node, Options, Runtime, Timer, Transport};
use swim_test_support::totals::total;

use crate::Result;

/// The number of equal slices of the measured time. Their CPU times show the spread.
pub(crate) const SLICES: u32 = 6;

/// The time for the effects of the start to end.
const SETTLING: Duration = Duration::from_secs(15);

/// The same without datagrams: nodes open their links as they probe, one member a second.
const SETTLING_OF_LINKS_MAX: u32 = 60;

#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) nodes: u32,
    pub(crate) time: Duration,
    /// The time for which the nodes then stay up.
    pub(crate) more: Duration,
    pub(crate) carrier: Carrier,
    /// The number of links that a node keeps, if not the default.
    pub(crate) links_max: Option<usize>,
    /// Whether they use HashiCorp memberlist's wire.
    pub(crate) memberlist: bool,
}

pub(crate) struct Found {
    /// CPU time of each slice.
    pub(crate) slices: Vec<Duration>,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    pub(crate) heap: f64,
    /// The time from the first node's start until all nodes know all.
    pub(crate) formed: Duration,
    /// CPU time until then.
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
        return Err("members were lost: the machine may be busy".into());
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

/// Starts all nodes. They join through the first.
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
