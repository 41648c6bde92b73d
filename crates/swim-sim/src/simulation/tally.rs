//! Compares the nodes' judgements of each other with the truth.

use core::time::Duration;

use swim_core::{Event, Instant, Name};

use crate::simulation::mistake::Misjudged;
use crate::trace::Record;

/// The true state of the nodes, and their judgements of each other, in one run.
#[derive(Debug)]
pub(super) struct Tally {
    nodes: Vec<Truth>,
    partition: Partition,
    /// How long after a stall its false accusations may still spread.
    stall_echo: Duration,
    pub(super) crashes: Vec<Crash>,
    pub(super) failures: Misjudged,
    pub(super) suspicions: Misjudged,
    pub(super) separated: Misjudged,
    pub(super) stalled: Misjudged,
}

/// The true state of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Truth {
    /// The index of its crash, if it crashed.
    crash: Option<usize>,
    stall: Stall,
    /// The current or last partition cuts it off.
    cut_off: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stall {
    #[default]
    Never,
    Now,
    Until(Instant),
}

impl Stall {
    fn excuses(self, at: Instant) -> bool {
        match self {
            Stall::Never => false,
            Stall::Now => true,
            Stall::Until(end) => at < end,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Partition {
    None,
    Cut,
    /// The links are whole again, but the nodes do not agree yet.
    Healing,
}

/// A crash, and which nodes noticed it.
#[derive(Debug)]
pub(super) struct Crash {
    at: Instant,
    /// How long until the first node declared it failed, and until the last one heard of it.
    pub(super) first: Option<Duration>,
    pub(super) last: Option<Duration>,
    /// One bit for each node: it knows of the crash, or did not see the node as live before.
    aware: Vec<u64>,
}

impl Tally {
    pub(super) fn new(nodes: usize, stall_echo: Duration) -> Self {
        Tally {
            nodes: vec![Truth::default(); nodes],
            partition: Partition::None,
            stall_echo,
            crashes: Vec::new(),
            failures: Misjudged::default(),
            suspicions: Misjudged::default(),
            separated: Misjudged::default(),
            stalled: Misjudged::default(),
        }
    }

    /// Records a crash. The `unaware_of_it` nodes do not see the node as live at this moment.
    pub(super) fn crash(
        &mut self,
        now: Instant,
        number: u32,
        unaware_of_it: impl Iterator<Item = u32>,
    ) {
        let aware = vec![0; self.nodes.len().div_ceil(64)];
        let mut crash = Crash { at: now, first: None, last: None, aware };
        unaware_of_it.for_each(|observer| crash.note(observer));
        self.nodes[number as usize].crash = Some(self.crashes.len());
        self.crashes.push(crash);
    }

    pub(super) fn cut(&mut self, side: &[u32]) {
        self.nodes.iter_mut().for_each(|node| node.cut_off = false);
        side.iter().for_each(|number| self.nodes[*number as usize].cut_off = true);
        self.partition = Partition::Cut;
    }

    pub(super) fn heal(&mut self) {
        self.partition = Partition::Healing;
    }

    /// The nodes agree after a partition.
    pub(super) fn healed(&mut self) {
        self.partition = Partition::None;
    }

    pub(super) fn stall(&mut self, number: u32) {
        self.nodes[number as usize].stall = Stall::Now;
    }

    pub(super) fn go_on(&mut self, now: Instant, number: u32) {
        self.nodes[number as usize].stall = Stall::Until(now + self.stall_echo);
    }

    /// The nodes that run and are not stalled.
    pub(super) fn taking_part(&self) -> impl Iterator<Item = u32> + '_ {
        let nodes = (0..).zip(&self.nodes);
        let there =
            nodes.filter(|(_, node)| node.crash.is_none() && !matches!(node.stall, Stall::Now));
        there.map(|(number, _)| number)
    }

    /// How many processes run, stalled or not.
    pub(super) fn running(&self) -> usize {
        self.nodes.len() - self.crashes.len()
    }

    /// Whether every node that takes part knows of this crash.
    pub(super) fn known_everywhere(&self, crash: &Crash) -> bool {
        self.taking_part().all(|observer| crash.knows(observer))
    }

    /// Takes in an event of `observer`.
    pub(super) fn take(&mut self, observer: u32, record: &Record) {
        let (member, failed) = match &record.event {
            Event::Suspected { member, .. } => (member, false),
            Event::Failed { member, .. } => (member, true),
            _ => return,
        };
        let Some(subject) = number_of(&member.name, self.nodes.len()) else {
            return;
        };
        let (truth, own) = (self.nodes[subject as usize], self.nodes[observer as usize]);
        if let Some(crash) = truth.crash {
            if failed {
                self.crashes[crash].heard(observer, record.at);
            }
            return;
        }
        // A stalled node hears nothing and may accuse anyone. False beliefs of healthy nodes about
        // other members because of a stall count: preventing those is the job of local health.
        let excused_by_stall = [truth, own].iter().any(|node| node.stall.excuses(record.at));
        let separated = match self.partition {
            Partition::None => false,
            Partition::Cut => truth.cut_off != own.cut_off,
            // The accusations of one side are still spreading, on both sides.
            Partition::Healing => true,
        };
        let mistakes = match (failed, excused_by_stall, separated) {
            (true, true, _) => &mut self.stalled,
            (true, _, true) => &mut self.separated,
            (true, false, false) => &mut self.failures,
            (false, false, false) => &mut self.suspicions,
            (false, ..) => return,
        };
        mistakes.add(subject);
    }
}

impl Crash {
    fn heard(&mut self, observer: u32, at: Instant) {
        if !self.knows(observer) {
            self.note(observer);
            let after = at - self.at;
            self.first = Some(self.first.map_or(after, |first| first.min(after)));
            self.last = Some(self.last.map_or(after, |last| last.max(after)));
        }
    }

    fn note(&mut self, observer: u32) {
        self.aware[observer as usize / 64] |= 1 << (observer % 64);
    }

    fn knows(&self, observer: u32) -> bool {
        self.aware[observer as usize / 64] >> (observer % 64) & 1 == 1
    }
}

/// The number of the node with this name: 7 of "n7".
fn number_of(name: &Name, nodes: usize) -> Option<u32> {
    let number: u32 = name.as_str().strip_prefix('n')?.parse().ok()?;
    ((number as usize) < nodes).then_some(number)
}
