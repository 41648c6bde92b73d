//! Failed members accuse no other member.

use std::collections::BTreeSet;

use swim_core::{Event, Name, Via};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::trace::event_member;

/// Checks that a node ignores the accusations of members that it lists as failed.
///
/// No claim of such a member starts, confirms or ends a suspicion of a live member, neither in
/// packets nor in tables.
///
/// Members that failed and came back are exempt: from its second failure on, a member may be shown
/// as failed although it is back.
#[derive(Debug, Default)]
pub struct Accusers {
    hosts: Vec<Views>,
}

/// A node's view of its peers, by its events.
#[derive(Debug, Default)]
struct Views {
    failed: BTreeSet<Name>,
    /// Members that failed before and came back.
    returned: BTreeSet<Name>,
    /// Members taken off the list: they may come back as unknown ones.
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
            // A node's own verdict may follow one that it heard while the declarer was live.
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
