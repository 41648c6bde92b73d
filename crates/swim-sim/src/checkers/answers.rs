//! Each request has one answer.

use std::collections::{BTreeMap, BTreeSet};

use swim_core::{Answer, Failure, Instant, RequestId};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::world::World;

/// Checks that each command that returned a request is answered, once.
///
/// In a [calm](World::calm) world the answer comes within
/// [`bounds::settling`](crate::bounds::settling), plus the longest time that an exchange over a
/// stream takes. It watches every world.
#[derive(Debug, Default)]
pub struct Answers {
    hosts: Vec<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    life: u32,
    newest: Option<RequestId>,
    open: BTreeMap<RequestId, Instant>,
    answered: BTreeSet<RequestId>,
}

impl Checker for Answers {
    fn name(&self) -> &'static str {
        "one answer per request"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        *of_host(&mut self.hosts, by.host) = Asked { life: by.life, ..Asked::default() };
        Ok(())
    }

    fn request(&mut self, by: &Sight<'_>, id: RequestId) -> Verdict {
        let asked = of_host(&mut self.hosts, by.host);
        let before = asked.newest.replace(id);
        asked.open.insert(id, by.at);
        expect(Some(id) > before, || format!("{id:?} was given out twice"))
    }

    fn answer(
        &mut self,
        by: &Sight<'_>,
        id: RequestId,
        result: &Result<Answer, Failure>,
    ) -> Verdict {
        let asked = of_host(&mut self.hosts, by.host);
        // Some requests are unknown here: a test may give commands without `World::request`.
        asked.open.remove(&id);
        expect(asked.answered.insert(id), || format!("a second answer to {id:?}: {result:?}"))
    }

    fn look(&mut self, world: &World) -> Verdict {
        let Some(calm) = world.calm_since() else {
            return Ok(());
        };
        let nodes = world.running().count();
        for (host, asked) in world.hosts.iter().zip(&mut self.hosts) {
            let Some(node) = host.node().filter(|_| host.life == asked.life) else {
                continue;
            };
            let settled = calm + world.settling(node.config(), nodes);
            // Leaves time for the longest exchange.
            let late = settled + node.config().stream_timeout * 3 <= world.now();
            if let Some((id, at)) = asked.open.iter().find(|(_, at)| late && **at <= calm) {
                let what = format!("{}: {id:?} of {:.3?}", host.label, at.since_origin());
                asked.open.clear();
                return Err(format!("no answer after all this time: {what}"));
            }
        }
        Ok(())
    }
}
