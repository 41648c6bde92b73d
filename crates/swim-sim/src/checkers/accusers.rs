//! Members that are held failed accuse nobody.

use std::collections::BTreeSet;

use swim_core::{Event, Name, Via};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::trace::event_member;

/// No claim of a member that a node holds failed starts, confirms or ends a suspicion of a live
/// member there, neither in packets nor in tables.
///
/// From its second failure on a member may be shown as failed although it is back: of those no
/// accusation is looked at.
#[derive(Debug, Default)]
pub struct Accusers {
    hosts: Vec<Views>,
}

/// What a node holds of others, by its events.
#[derive(Debug, Default)]
struct Views {
    failed: BTreeSet<Name>,
    /// Those that failed before and came back.
    returned: BTreeSet<Name>,
    /// Those that were taken out of the list: they may come back as if nobody knew them.
    unlisted: BTreeSet<Name>,
}

impl Views {
    fn holds_failed(&self, accuser: &Name) -> bool {
        self.failed.contains(accuser) && !self.returned.contains(accuser)
    }

    fn note(&mut self, event: &Event) {
        let Some(member) = event_member(event) else {
            return;
        };
        let name = &member.name;
        if let Event::Failed { .. } = event {
            self.failed.insert(name.clone());
            return;
        }
        let was_failed = self.failed.remove(name);
        match event {
            Event::Unlisted { .. } => {
                self.unlisted.insert(name.clone());
            }
            Event::Joined { .. } if was_failed || self.unlisted.remove(name) => {
                self.returned.insert(name.clone());
            }
            _ => {}
        }
    }
}

impl Checker for Accusers {
    fn name(&self) -> &'static str {
        "accusers"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        *of_host(&mut self.hosts, by.host) = Views::default();
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let views = of_host(&mut self.hosts, by.host);
        let accuser = match event {
            Event::Suspected { accuser, .. } | Event::Confirmed { accuser, .. } => Some(accuser),
            // Its own verdict may be one that it heard while the declarer was live.
            Event::Failed { via: Via::Own, .. } => None,
            Event::Failed { declared_by, suspected_for, .. } if !suspected_for.is_zero() => {
                Some(declared_by)
            }
            _ => None,
        };
        let heeded = accuser.is_some_and(|accuser| views.holds_failed(accuser));
        views.note(event);
        expect(!heeded, || format!("the accuser is held failed: {event:?}"))
    }
}
