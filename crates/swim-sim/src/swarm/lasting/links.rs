//! Members that receive nothing or whose traffic is lost, and networks without datagrams.

use super::{Course, Lasting, Stage};
use crate::links::{Between, Blocks};
use crate::swarm::run::Run;

impl Run {
    pub(super) fn go_on_with_links(&mut self, course: &mut Course) {
        let now = self.world.now();
        if let Stage::Broken(links) = core::mem::replace(&mut course.stage, Stage::Waiting) {
            self.mend(links);
            let again = course.dice.one_in(2);
            let pause = course.dice.time(self.chaos_lasts() / 4);
            course.due = again.then_some(now + pause);
            return;
        }
        let one = u32::try_from(course.dice.below(self.labels.len())).expect("few hosts");
        let kinds = [Blocks::Everything, Blocks::Datagrams];
        let (blocks, of_all) = (course.dice.pick(&kinds), course.dice.one_in(2));
        let (from, to) = (Some(one), Some(one));
        let datagrams = Blocks::Datagrams;
        let links = match course.kind {
            Lasting::Dumb => vec![Between { from, to: None, blocks }],
            Lasting::NoDatagrams if of_all => {
                vec![Between { from: None, to: None, blocks: datagrams }]
            }
            Lasting::NoDatagrams => vec![
                Between { from, to: None, blocks: datagrams },
                Between { from: None, to, blocks: datagrams },
            ],
            _ => vec![Between { from: None, to, blocks }],
        };
        for between in &links {
            self.world.break_for_long(*between);
        }
        course.stage = Stage::Broken(links);
        course.due = Some(now + self.lasts(&mut course.dice));
        self.seen.add(course.kind.as_str(), 1);
    }

    pub(super) fn mend(&mut self, links: Vec<Between>) {
        for between in links {
            self.world.mend(between);
        }
    }
}
