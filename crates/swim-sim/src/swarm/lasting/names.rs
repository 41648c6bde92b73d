//! Nodes with the name of another living node.

use super::{Course, Stage};
use crate::swarm::run::Run;

impl Run {
    pub(super) fn go_on_with_name(&mut self, course: &mut Course) {
        let now = self.world.now();
        match core::mem::replace(&mut course.stage, Stage::Waiting) {
            // Killed, as when an operator notices the mistake, ...
            Stage::Second(host) if course.dice.one_in(3) => self.stop_second(host),
            // ... or stopped properly.
            Stage::Second(host) => {
                if self.takes_commands(host) {
                    self.world.note(format_args!("{} leaves", self.labels[host]));
                    // It refuses if it has left already.
                    let _ = self.world.request(&self.labels[host], |node, now| node.leave(now));
                }
                course.due = Some(now + course.dice.time(self.plan.config.probe_interval * 10));
                course.stage = Stage::Leaving(host);
            }
            Stage::Leaving(host) => self.stop_second(host),
            _ => self.start_second(course),
        }
    }

    fn start_second(&mut self, course: &mut Course) {
        let lives = |host: &usize| self.world.hosts[*host].takes_part().is_some();
        let living: Vec<usize> = (0..self.labels.len()).filter(lives).collect();
        if living.is_empty() {
            return;
        }
        let (one, other) = (course.dice.pick(&living), course.dice.below(self.labels.len()));
        let name = self.world.hosts[one].config.name.clone();
        let label = "second".to_owned();
        self.world.start_with(&label, |config| config.name = name);
        self.labels.push(label);
        let host = self.labels.len() - 1;
        self.seen.add(course.kind.as_str(), 1);
        self.join(host, other);
        course.stage = Stage::Second(host);
        course.due = Some(self.world.now() + self.lasts(&mut course.dice));
    }

    pub(super) fn stop_second(&mut self, host: usize) {
        if self.exists(host) {
            self.world.crash(&self.labels[host]);
        }
    }
}
