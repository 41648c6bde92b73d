//! Incarnations never go down.

use std::collections::BTreeMap;

use swim_core::{Event, Incarnation, Name};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::trace::event_member;

/// Checks that incarnations never go down: evidence is monotone.
///
/// It covers listed members, as a node knows them, and the node's own incarnation during its life.
/// It checks a member with every event about it, the node itself after every turn, and all members
/// now and then, since hearsay may raise an incarnation without an event.
#[derive(Debug, Default)]
pub struct Incarnations {
    hosts: Vec<Known>,
}

#[derive(Debug, Default)]
struct Known {
    highest: BTreeMap<Name, Incarnation>,
    own: Incarnation,
    turns_to_full_look: usize,
}

impl Known {
    fn note(&mut self, name: &Name, incarnation: Incarnation) -> Verdict {
        match self.highest.get_mut(name) {
            Some(highest) => rise(name.as_str(), highest, incarnation),
            None => {
                self.highest.insert(name.clone(), incarnation);
                Ok(())
            }
        }
    }

    fn look_at_all(&mut self, by: &Sight<'_>) -> Verdict {
        for member in by.node.members().skip(1) {
            match self.highest.get_mut(member.name) {
                Some(highest) => rise(member.name, highest, member.incarnation)?,
                // No event announced it, which the checker of agreement reports.
                None => continue,
            }
        }
        Ok(())
    }
}

fn rise(name: &str, highest: &mut Incarnation, incarnation: Incarnation) -> Verdict {
    let before = *highest;
    *highest = before.max(incarnation);
    expect(incarnation >= before, || format!("{name} was at {before} and is at {incarnation} now"))
}

impl Checker for Incarnations {
    fn name(&self) -> &'static str {
        "rising incarnations"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let known = of_host(&mut self.hosts, by.host);
        *known = Known { own: by.node.local().incarnation, ..Known::default() };
        for member in by.node.members().skip(1) {
            known.highest.insert(member.to_member().name, member.incarnation);
        }
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let Some(member) = event_member(event) else {
            return Ok(());
        };
        let known = of_host(&mut self.hosts, by.host);
        known.note(&member.name, member.incarnation)?;
        if let Event::Unlisted { .. } = event {
            // The checker of resurrection watches any evidence that is still held against it.
            known.highest.remove(&member.name);
        }
        Ok(())
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let known = of_host(&mut self.hosts, by.host);
        rise(by.label, &mut known.own, by.node.local().incarnation)?;
        if known.turns_to_full_look > 0 {
            known.turns_to_full_look -= 1;
            return Ok(());
        }
        // A look at all members costs a step per member, and so one step per turn on average.
        known.turns_to_full_look = 64 + known.highest.len();
        known.look_at_all(by)
    }
}
