//! Faults that last: each begins and ends at times of its own, whatever else goes wrong meanwhile.
//!
//! The steps of the chaos draw what they drew before there were any, and each kind draws from a
//! stream of chance of its own. No repair in between ends them; all have ended when the calm
//! begins.

mod access;
mod addresses;
mod kind;
mod links;
mod names;

use core::time::Duration;

use swim_core::Instant;

use super::run::Run;
use crate::dice::Dice;
use crate::links::Between;
use crate::time::millis;
use access::Rollout;

pub(super) use kind::Lasting;

/// What a plan has of one kind.
#[derive(Debug)]
pub(super) struct Course {
    kind: Lasting,
    dice: Dice,
    /// When it goes on; never, once it is over.
    due: Option<Instant>,
    stage: Stage,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// It has not begun, or not again.
    Waiting,
    /// These links are broken.
    Broken(Vec<Between>),
    /// This host's node announces another address than its own.
    Misplaced(usize),
    /// This host's node has the name of another, ...
    Second(usize),
    /// ... and has said goodbye.
    Leaving(usize),
    /// Nodes change their keys, or what else they let others in by.
    Rollout(Rollout),
}

impl Course {
    fn new(seed: u64, kind: Lasting) -> Self {
        Course { kind, dice: Dice::new(seed, kind.draws()), due: None, stage: Stage::Waiting }
    }
}

impl Run {
    /// When each kind begins that the plan has and that has not begun: most often a part of the
    /// chaos is still to come then.
    pub(super) fn plan_lasting(&mut self) {
        let (seed, now, span) = (self.world.seed(), self.world.now(), self.chaos_lasts());
        let begun: Vec<Lasting> = self.lasting.iter().map(|course| course.kind).collect();
        for kind in self.plan.lasting.iter().filter(|kind| !begun.contains(kind)) {
            let mut course = Course::new(seed, *kind);
            course.due = Some(now + course.dice.time(span * 3 / 4));
            self.lasting.push(course);
        }
    }

    /// Begins what begins while the cluster forms. Whether anything does.
    pub(super) fn begin_early(&mut self) -> bool {
        let mut course = Course::new(self.world.seed(), Lasting::SecondOfName);
        if !self.plan.lasting.contains(&course.kind) || !course.dice.one_in(2) {
            return false;
        }
        self.world.run(course.dice.time(self.plan.config.probe_interval));
        self.go_on(&mut course);
        self.lasting.push(course);
        true
    }

    /// How long the steps of the chaos take on average.
    fn chaos_lasts(&self) -> Duration {
        self.plan.pause_max * u32::try_from(self.plan.steps).expect("few steps") / 2
    }

    /// Lets time pass, in which faults that last begin and end.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.world.now() + span;
        while let Some(place) = self.next_due(end) {
            let mut course = self.lasting.remove(place);
            if let Some(due) = course.due.take() {
                self.world.run_to(due.max(self.world.now()));
            }
            self.go_on(&mut course);
            self.lasting.insert(place, course);
        }
        self.world.run_to(end);
    }

    /// The fault that goes on next, if any does until then.
    fn next_due(&self, end: Instant) -> Option<usize> {
        let due =
            self.lasting.iter().enumerate().filter_map(|(at, course)| Some((course.due?, at)));
        due.min().filter(|(due, _)| *due <= end).map(|(_, place)| place)
    }

    /// The steps are over: what lasts has some time to go on, and so to be noticed.
    pub(super) fn outlast(&mut self) {
        const INTERVALS: u32 = 30;
        let end = self.world.now() + self.plan.config.probe_interval * INTERVALS;
        while let Some(place) = self.next_due(end) {
            let due = self.lasting[place].due.unwrap_or(end);
            self.pass(due.max(self.world.now()) - self.world.now());
        }
    }

    /// Ends whatever lasts.
    pub(super) fn end_lasting(&mut self) {
        for mut course in core::mem::take(&mut self.lasting) {
            self.end(&mut course);
        }
    }

    fn go_on(&mut self, course: &mut Course) {
        match course.kind {
            Lasting::Deaf | Lasting::Dumb | Lasting::NoDatagrams => self.go_on_with_links(course),
            Lasting::WrongAddress => self.go_on_with_address(course),
            Lasting::SecondOfName => self.go_on_with_name(course),
            Lasting::NewKey | Lasting::NewLabel | Lasting::NewEncryption => {
                self.go_on_with_access(course)
            }
        }
    }

    fn end(&mut self, course: &mut Course) {
        match core::mem::replace(&mut course.stage, Stage::Waiting) {
            Stage::Waiting => {}
            Stage::Broken(links) => self.mend(links),
            Stage::Misplaced(host) => self.put_right(host, &mut course.dice),
            Stage::Second(host) | Stage::Leaving(host) => self.stop_second(host),
            Stage::Rollout(rollout) => {
                // A process that stood still first sends what it sealed before.
                self.world.run(millis(1));
                self.catch_up(&rollout);
            }
        }
    }

    /// How long a fault lasts: from shorter than it takes to be noticed to most of the chaos.
    fn lasts(&self, dice: &mut Dice) -> Duration {
        let interval = self.plan.config.probe_interval;
        let longest =
            dice.pick(&[interval * 5, interval * 20, interval * 60, self.chaos_lasts() / 2]);
        dice.time(longest)
    }
}
