//! Events and member list agree.

use std::collections::BTreeMap;

use swim_core::{Event, Member, MemberRef, Name, State, Status};

use super::{Checker, Sight, Verdict, expect, of_host};

/// Checks that a node's member list is what its events add up to.
///
/// No member is added, removed or changed without an event. Events come in a sensible order: no
/// member fails before it has joined.
///
/// After every turn it checks each member that had an event, and the number of live members. It
/// checks all members now and then.
#[derive(Debug, Default)]
pub struct Agreement {
    hosts: Vec<Told>,
}

/// A node's members, by its events so far.
#[derive(Debug, Default)]
struct Told {
    members: BTreeMap<Name, Member>,
    /// The number of live members.
    live: usize,
    /// Members with events in this turn.
    touched: Vec<Name>,
    turns_to_full_look: usize,
}

impl Told {
    fn set(&mut self, member: &Member) {
        let before = self.members.insert(member.name.clone(), member.clone());
        self.live -= usize::from(before.is_some_and(|known| known.state.is_live()));
        self.live += usize::from(member.state.is_live());
    }

    /// Notes that a known member changed, from one of the states `from` to the state `to`.
    fn change(&mut self, event: &Event, member: &Member, from: &[State], to: State) -> Verdict {
        let before = self.state(&member.name);
        self.set(member);
        expect(before.is_some_and(|before| from.contains(&before)), || {
            format!("{} was {before:?} before {event:?}", member.name)
        })?;
        expect(member.state == to, || format!("{} is {} in {event:?}", member.name, member.state))
    }

    fn joined(&mut self, event: &Event, member: &Member, previous: Option<State>) -> Verdict {
        let before = self.state(&member.name);
        self.set(member);
        // A forgotten member may be remembered as failed or departed.
        let fits = before == previous || before.is_none();
        let gone = previous.is_none_or(|state| !state.is_live());
        expect(fits && gone && member.state == State::Alive, || {
            format!("{} was {before:?} before {event:?}", member.name)
        })
    }

    fn state(&self, name: &Name) -> Option<State> {
        self.members.get(name).map(|known| known.state)
    }

    fn compare(&self, name: &Name, by: &Sight<'_>) -> Verdict {
        match (self.members.get(name), by.node.member(name.as_str())) {
            (None, None) => Ok(()),
            (Some(told), Some(listed)) => same(told, &listed),
            (told, listed) => {
                let (told, listed) = (told.is_some(), listed.is_some());
                Err(format!("{name}: listed: {listed}, by its events: {told}"))
            }
        }
    }

    fn look_at_all(&self, by: &Sight<'_>) -> Verdict {
        let mut listed = 0;
        for member in by.node.members().skip(1) {
            listed += 1;
            match self.members.get(member.name) {
                Some(told) => same(told, &member)?,
                None => return Err(format!("{} is listed, and no event said so", member.name)),
            }
        }
        expect(listed == self.members.len(), || {
            format!("{listed} others are listed, by its events there are {}", self.members.len())
        })
    }
}

/// Compares all but the incarnation, which hearsay may raise without an event.
fn same(told: &Member, listed: &MemberRef<'_>) -> Verdict {
    let as_told = (told.state, told.address, &*told.meta, told.versions);
    let as_listed = (listed.state, listed.address, listed.meta, listed.versions);
    expect(as_told == as_listed, || {
        format!("{} is listed as {as_listed:?}, by its events it is {as_told:?}", told.name)
    })
}

impl Checker for Agreement {
    fn name(&self) -> &'static str {
        "agreement of events and list"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let told = of_host(&mut self.hosts, by.host);
        *told = Told::default();
        for member in by.node.members().skip(1) {
            told.set(&member.to_member());
        }
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        use State::{Alive, Failed, Left, Suspect};
        let told = of_host(&mut self.hosts, by.host);
        let (name, verdict) = match event {
            Event::Joined { member, previous, .. } => {
                (&member.name, told.joined(event, member, *previous))
            }
            Event::Updated { member, .. } => {
                (&member.name, told.change(event, member, &[Alive], Alive))
            }
            Event::Refuted { member, .. } => {
                (&member.name, told.change(event, member, &[Suspect], Alive))
            }
            Event::Suspected { member, .. } => {
                // A suspect may be suspected again, at another incarnation.
                (&member.name, told.change(event, member, &[Alive, Suspect], Suspect))
            }
            Event::Failed { member, .. } => {
                (&member.name, told.change(event, member, &[Alive, Suspect, Left], Failed))
            }
            Event::Left { member, previous, .. } => {
                (&member.name, told.change(event, member, &[*previous], Left))
            }
            Event::Confirmed { name, .. } => {
                let known = told.state(name);
                let fits = known == Some(Suspect);
                (name, expect(fits, || format!("{name} is {known:?} before {event:?}")))
            }
            Event::Unlisted { member, .. } => {
                let known = told.members.remove(&member.name).map(|known| known.state);
                told.live -= usize::from(known.is_some_and(State::is_live));
                let gone = known.is_some_and(|state| !state.is_live());
                let what = || format!("{} was {known:?} before {event:?}", member.name);
                (&member.name, expect(gone, what))
            }
            _ => return Ok(()),
        };
        told.touched.push(name.clone());
        verdict
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let told = of_host(&mut self.hosts, by.host);
        let mut touched = core::mem::take(&mut told.touched);
        for name in touched.drain(..) {
            told.compare(&name, by)?;
        }
        told.touched = touched;
        let own = usize::from(by.node.status() == Status::Running);
        let live = by.node.members_live();
        expect(live <= told.live + 1 && live + 1 >= told.live + own, || {
            format!("{live} members are live, by its events {} others are", told.live)
        })?;
        if told.turns_to_full_look > 0 {
            told.turns_to_full_look -= 1;
            return Ok(());
        }
        // A look at all members costs a step per member, and so one step per turn on average.
        told.turns_to_full_look = 64 + told.members.len();
        told.look_at_all(by)
    }
}
