//! Faults that last: each begins and ends at its own times, independently of other faults.
//!
//! They do not change the steps of the chaos, as each kind has its own random numbers. Repairs in
//! between do not end them. All have ended when the calm begins.

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

/// One lasting fault of a plan.
#[derive(Debug)]
pub(super) struct Course {
    kind: Lasting,
    dice: Dice,
    /// The time of its next stage; `None` once it is over.
    due: Option<Instant>,
    stage: Stage,
}

/// The stage of a lasting fault.
#[derive(Debug)]
enum Stage {
    /// It has not begun, or not begun again.
    Waiting,
    /// These links are broken.
    Broken(Vec<Between>),
    /// This host's node announces another address than its own.
    Misplaced(usize),
    /// This host's node has the name of another, ...
    Second(usize),
    /// ... and is leaving.
    Leaving(usize),
    /// Nodes change keys, label or encryption.
    Rollout(Rollout),
}

impl Course {
    fn new(seed: u64, kind: Lasting) -> Self {
        Course { kind, dice: Dice::new(seed, kind.draws()), due: None, stage: Stage::Waiting }
    }
}

impl Run {
    /// Sets the start of each planned kind that has not begun, mostly before the end of the chaos.
    pub(super) fn plan_lasting(&mut self) {
        let (seed, now, span) = (self.world.seed(), self.world.now(), self.chaos_lasts());
        let begun: Vec<Lasting> = self.lasting.iter().map(|course| course.kind).collect();
        for kind in self.plan.lasting.iter().filter(|kind| !begun.contains(kind)) {
            let mut course = Course::new(seed, *kind);
            course.due = Some(now + course.dice.time(span * 3 / 4));
            self.lasting.push(course);
        }
    }

    /// Begins the faults that begin while the cluster forms. Returns whether there are any.
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

    /// The average duration of all steps of the chaos.
    fn chaos_lasts(&self) -> Duration {
        self.plan.pause_max * u32::try_from(self.plan.steps).expect("few steps") / 2
    }

    /// Lets time pass, in which lasting faults begin and end.
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

    /// The fault that continues next, if one does by `end`.
    fn next_due(&self, end: Instant) -> Option<usize> {
        let due =
            self.lasting.iter().enumerate().filter_map(|(at, course)| Some((course.due?, at)));
        due.min().filter(|(due, _)| *due <= end).map(|(_, place)| place)
    }

    /// Gives lasting faults some time after the last step, in which nodes notice them.
    pub(super) fn outlast(&mut self) {
        const INTERVALS: u32 = 30;
        let end = self.world.now() + self.plan.config.probe_interval * INTERVALS;
        while let Some(place) = self.next_due(end) {
            let due = self.lasting[place].due.unwrap_or(end);
            self.pass(due.max(self.world.now()) - self.world.now());
        }
    }

    /// Ends all lasting faults.
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
                // A process that was stalled first sends what it sealed before.
                self.world.run(millis(1));
                self.catch_up(&rollout);
            }
        }
    }

    /// The duration of a fault: from too short to be noticed, to half of the chaos.
    fn lasts(&self, dice: &mut Dice) -> Duration {
        let interval = self.plan.config.probe_interval;
        let longest =
            dice.pick(&[interval * 5, interval * 20, interval * 60, self.chaos_lasts() / 2]);
        dice.time(longest)
    }
}
