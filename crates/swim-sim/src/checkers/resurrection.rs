//! No member comes back from the dead by old news.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use swim_core::{Event, Incarnation, Instant, Name, State};

use super::{Checker, Sight, Verdict, expect, of_host};

/// Checks that a suspect, failed or departed member comes back only with a higher incarnation.
///
/// Another node of that name may also outrank it, with an equal incarnation and a higher address.
/// The rule holds for forgotten members too, as long as the node keeps evidence against them.
///
/// The highest incarnation is exempt, as there is no higher one: there the member's own claim is
/// enough.
#[derive(Debug, Default)]
pub struct Resurrection {
    hosts: Vec<Graves>,
}

/// A node's evidence against members.
#[derive(Debug, Default)]
struct Graves {
    by_name: BTreeMap<Name, Grave>,
    /// The number of lost members at the last look.
    lost: usize,
}

#[derive(Debug)]
struct Grave {
    state: State,
    incarnation: Incarnation,
    address: SocketAddr,
    forgotten_at: Option<Instant>,
}

impl Graves {
    fn returned(&mut self, by: &Sight<'_>, member: &swim_core::Member) -> Verdict {
        let Some(grave) = self.by_name.remove(&member.name) else {
            return Ok(());
        };
        if grave.forgotten_at.is_some_and(|at| may_have_lapsed(by, at)) {
            return Ok(());
        }
        let (before, now) = (grave.incarnation, member.incarnation);
        let outranks = (now, member.address) > (before, grave.address);
        expect(outranks || now == Incarnation::MAX, || {
            format!("{} was {} at {before} and is back at {now}", member.name, grave.state)
        })
    }
}

/// Whether the evidence against a forgotten member may have expired. Half of the time is enough, as
/// the node's clock may run twice as fast as the world's.
fn may_have_lapsed(by: &Sight<'_>, forgotten_at: Instant) -> bool {
    by.at - forgotten_at >= by.node.config().lost_members_keep / 2
}

impl Checker for Resurrection {
    fn name(&self) -> &'static str {
        "no resurrection"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        *of_host(&mut self.hosts, by.host) = Graves::default();
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let graves = of_host(&mut self.hosts, by.host);
        match event {
            Event::Suspected { member, .. }
            | Event::Failed { member, .. }
            | Event::Left { member, .. } => {
                let grave = Grave {
                    state: member.state,
                    incarnation: member.incarnation,
                    address: member.address,
                    forgotten_at: None,
                };
                graves.by_name.insert(member.name.clone(), grave);
                Ok(())
            }
            Event::Unlisted { member, .. } => {
                if let Some(grave) = graves.by_name.get_mut(&member.name) {
                    grave.forgotten_at = Some(by.at);
                }
                let (before, lost) = (graves.lost, by.node.stats().members_lost);
                graves.lost = lost;
                // The lost members are too many: for each new one an old one went, and nothing
                // shows which.
                if lost <= before || lost >= by.node.config().lost_members_max {
                    graves.by_name.retain(|_, grave| grave.forgotten_at.is_none());
                }
                Ok(())
            }
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Refuted { member, .. } => graves.returned(by, member),
            _ => Ok(()),
        }
    }

    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        let graves = of_host(&mut self.hosts, by.host);
        let lost = by.node.stats().members_lost;
        // The application may have had the node forget a lost member, which raises no event.
        if lost < graves.lost {
            graves.by_name.retain(|_, grave| grave.forgotten_at.is_none());
        }
        graves.lost = lost;
        Ok(())
    }
}
