//! Many nodes join few within a second.

use core::fmt;
use core::time::Duration;

use swim_sim::{millis, secs};

use super::cluster::{Cluster, Setting};
use super::{float, median, number};

/// The column headings.
pub const HEADINGS: &str = concat!(
    "                             99% of all   99% of nodes   all nodes   KB sent per   ",
    "... within   ... with    streams    pairs still\n",
    "                       runs pairs known       know all    know all  node by then         ",
    "60 s    headers   per node   unknown then",
);

/// The number of nodes at the start.
const BEFORE: usize = 24;
/// The number of nodes that join.
const JOINING: usize = 1_000;
/// The time between two checks which nodes know each other.
const LOOK_EVERY: Duration = millis(10);
/// The time after which traffic is counted, even if some nodes do not know all.
const MINUTE: Duration = secs(60);
/// The longest wait.
const PATIENCE: Duration = secs(300);

/// The results of large joins: medians.
#[derive(Clone, Debug)]
pub struct Joining {
    name: &'static str,
    runs: Vec<Run>,
}

/// The result of one large join.
///
/// Times are in seconds from the first join, infinite if the wait ended first. Traffic is in
/// thousands of bytes.
#[derive(Clone, Copy, Debug)]
struct Run {
    most_pairs: f64,
    most_nodes: f64,
    all_nodes: f64,
    /// Sent per node when all nodes knew all.
    sent_then: f64,
    /// Sent per node in the first minute.
    sent: f64,
    sent_on_wire: f64,
    streams: f64,
    /// The ordered pairs after a minute of which one node did not know the other.
    missing: f64,
}

/// Makes `runs` runs, each with its own seed.
#[must_use]
pub fn measure<C: Cluster>(runs: u64) -> Joining {
    Joining { name: C::NAME, runs: (1..=runs).map(run::<C>).collect() }
}

/// Joins 1,000 nodes to 24, one each millisecond, through these in turn.
fn run<C: Cluster>(seed: u64) -> Run {
    let expected = BEFORE + JOINING;
    let mut cluster = C::assemble(Setting { expected, ..Setting::new(seed, BEFORE) });
    cluster.run(secs(5));
    let (start, sent) = (cluster.now(), cluster.volume());
    for joiner in 0..JOINING {
        cluster.join(joiner % BEFORE);
        cluster.run(millis(1));
    }
    let each = |bytes: u64| float(bytes) / number(expected) / 1e3;
    let mut run = Run::begun();
    loop {
        let now = cluster.now() - start;
        let sent = cluster.volume().since(sent);
        let missing = run.look(&cluster, now, each(sent.bytes()));
        if run.sent.is_infinite() && now >= MINUTE {
            run.sent = each(sent.bytes());
            run.sent_on_wire = each(sent.wire_bytes());
            run.streams = float(sent.streams) / number(expected);
            run.missing = number(missing);
        }
        if now >= PATIENCE || (now >= MINUTE && missing == 0) {
            return run;
        }
        cluster.run(LOOK_EVERY);
    }
}

impl Run {
    fn begun() -> Self {
        let never = f64::INFINITY;
        Run {
            most_pairs: never,
            most_nodes: never,
            all_nodes: never,
            sent_then: never,
            sent: never,
            sent_on_wire: never,
            streams: never,
            missing: never,
        }
    }

    /// Records what is reached for the first time.
    ///
    /// Returns the number of ordered pairs of which one node does not know the other.
    fn look<C: Cluster>(&mut self, cluster: &C, now: Duration, sent: f64) -> usize {
        let nodes = cluster.nodes();
        let (mut missing, mut knowing) = (0, 0);
        for node in 0..nodes {
            let unknown = nodes.saturating_sub(cluster.live(node));
            missing += unknown;
            knowing += usize::from(unknown == 0);
        }
        let now = now.as_secs_f64();
        if missing * 100 <= nodes * nodes {
            self.most_pairs = self.most_pairs.min(now);
        }
        if knowing * 100 >= nodes * 99 {
            self.most_nodes = self.most_nodes.min(now);
        }
        if knowing == nodes && self.all_nodes.is_infinite() {
            (self.all_nodes, self.sent_then) = (now, sent);
        }
        missing
    }
}

impl fmt::Display for Joining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |part: fn(&Run) -> f64| median(self.runs.iter().map(part));
        let time = |seconds: f64| {
            if seconds.is_finite() { format!("{seconds:.2} s") } else { "> 300 s".to_owned() }
        };
        write!(f, "{:<22}{:>5}{:>12}", self.name, self.runs.len(), time(of(|run| run.most_pairs)))?;
        let all = time(of(|run| run.all_nodes));
        write!(f, "{:>15}{all:>12}", time(of(|run| run.most_nodes)))?;
        let then = of(|run| run.sent_then);
        let then = if then.is_finite() { format!("{then:.1}") } else { "-".to_owned() };
        write!(f, "{then:>14}{:>13.1}", of(|run| run.sent))?;
        write!(f, "{:>11.1}{:>11.2}", of(|run| run.sent_on_wire), of(|run| run.streams))?;
        write!(f, "{:>15.0}", of(|run| run.missing))
    }
}
