//! Incarnations rise.

use std::collections::BTreeMap;

use swim_core::{Event, Incarnation, Name};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::trace::event_member;

/// What a node believes of a member's incarnation never goes down while the member is listed, and
/// its own never goes down while it lives: evidence is monotone.
///
/// Looks at a member with every event about it, at the node itself after every turn, and at
/// everybody now and then, since hearsay may raise an incarnation without an event.
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
                // No event told of it: the checker of agreement says so.
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
            // What is still held against it is watched as a resurrection.
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
        // A look at everybody costs a step per member, and so one step per turn on average.
        known.turns_to_full_look = 64 + known.highest.len();
        known.look_at_all(by)
    }
}
