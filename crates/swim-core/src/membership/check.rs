//! Invariants of a node's view of the members.

use super::Membership;
use crate::config::Config;
use crate::member::State;
use crate::members::Slot;
use crate::output::RequestId;
use crate::sabotage::Sabotage;
use crate::status::Status;

impl Membership {
    /// Asserts that the tables agree with each other and keep to their limits.
    pub(crate) fn check(&self, config: &Config) {
        self.members.check();
        self.suspicions.check();
        self.candidates.check();
        self.evidence.check();
        self.own.check();
        self.check_hidden();
        let (listed, max) = (self.members.len(), config.members_max);
        assert!(listed <= max, "{listed} members, members_max is {max}");
        let (lost, max) = (self.members.lost_len(), config.lost_members_max);
        assert!(lost <= max, "{lost} lost members, lost_members_max is {max}");
        self.check_self(config);
        self.check_suspects();
        for slot in self.candidates.slots() {
            let live = self.members.holds(slot) && self.members.entry(slot).state().is_live();
            assert!(live && slot != Slot::LOCAL, "a candidate for the name of {slot:?}");
        }
    }

    /// Commands that wait for the leave to end, or for this node to have its name again.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> + '_ {
        self.own.requests()
    }

    fn check_self(&self, config: &Config) {
        let (withheld, waits) = (self.members.is_withheld(), self.own.naming().is_waiting());
        assert_eq!(withheld, waits, "a name is withheld while another node has it");
        let (local, status) = (self.members.entry(Slot::LOCAL), self.status());
        let expected = if status == Status::Running { State::Alive } else { State::Left };
        let agrees = local.state() == expected || config.breaks(Sabotage::BelievesItsDeath);
        assert!(agrees, "the node itself is {:?} while {status:?}", local.state());
        assert_eq!(local.name(), config.name.as_str(), "the node's own name");
        assert_eq!(local.announced_address(), config.address, "the node's own address");
    }

    /// Asserts that there is a suspicion of each suspect, and no other.
    fn check_suspects(&self) {
        let mut suspects = 0;
        for (slot, entry) in self.members.slots() {
            if entry.state() == State::Suspect {
                assert!(self.suspicions.get(slot).is_some(), "{slot:?} is suspect without end");
                suspects += 1;
            }
        }
        let suspected = self.suspicions.suspects().count();
        assert_eq!(suspected, suspects, "as many suspicions as suspects");
    }
}

#[cfg(test)]
mod tests {
    use super::super::candidates::Candidate;
    use super::super::suspicion::Terms;
    use super::*;
    use crate::member::{Incarnation, Name, Versions};
    use crate::members::Announcement;
    use crate::output::Via;
    use crate::random::Random;
    use crate::time::Instant;

    fn config() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    fn announcement() -> Announcement<'static> {
        Announcement {
            incarnation: Incarnation(1),
            address: "10.0.0.2:7946".parse().unwrap(),
            meta: b"",
            versions: Versions::DEFAULT,
        }
    }

    /// The node itself, and a suspect whose name has a candidate.
    fn membership() -> (Membership, Slot) {
        let (config, mut random) = (config(), Random::new([1; 32]));
        let mut membership = Membership::new(Instant::ORIGIN, &config, &mut random);
        let Membership { members, suspicions, candidates, .. } = &mut membership;
        let suspect = members.add(Instant::ORIGIN, "b", &announcement());
        members.set_state(Instant::ORIGIN, suspect, State::Suspect);
        let accuser = (Name::new("c").unwrap(), false);
        let terms = Terms::new(&config, 2);
        suspicions.start(Instant::ORIGIN, suspect, accuser, terms, &mut random);
        let candidate = Candidate::new(&announcement(), Via::Own, Instant::ORIGIN);
        candidates.insert(suspect, candidate);
        membership.check(&config);
        (membership, suspect)
    }

    #[test]
    #[should_panic(expected = "2 members, members_max is 1")]
    fn more_members_than_may_be_are_noticed() {
        membership().0.check(&Config { members_max: 1, ..config() });
    }

    #[test]
    #[should_panic(expected = "1 lost members, lost_members_max is 0")]
    fn more_lost_members_than_may_be_are_noticed() {
        let (mut membership, slot) = membership();
        membership.suspicions.end(slot);
        membership.members.set_state(Instant::ORIGIN, slot, State::Failed);
        membership.members.lose(slot);
        membership.check(&Config { lost_members_max: 0, ..config() });
    }

    #[test]
    #[should_panic(expected = "Slot(1) is suspect without end")]
    fn a_suspect_that_is_not_suspected_is_noticed() {
        let (mut membership, slot) = membership();
        membership.suspicions.end(slot);
        membership.check(&config());
    }

    #[test]
    #[should_panic(expected = "as many suspicions as suspects")]
    fn a_suspicion_of_somebody_alive_is_noticed() {
        let (mut membership, slot) = membership();
        membership.members.set_state(Instant::ORIGIN, slot, State::Alive);
        membership.check(&config());
    }

    #[test]
    #[should_panic(expected = "a candidate for the name of Slot(1)")]
    fn a_candidate_for_the_name_of_somebody_gone_is_noticed() {
        let (mut membership, slot) = membership();
        membership.suspicions.end(slot);
        membership.members.set_state(Instant::ORIGIN, slot, State::Failed);
        membership.check(&config());
    }

    #[test]
    #[should_panic(expected = "the node itself is Left while Running")]
    fn a_node_that_runs_and_holds_itself_for_gone_is_noticed() {
        let (mut membership, _) = membership();
        membership.members.set_state(Instant::ORIGIN, Slot::LOCAL, State::Left);
        membership.check(&config());
    }

    #[test]
    #[should_panic(expected = "the node's own address")]
    fn another_address_than_the_own_is_noticed() {
        let (mut membership, _) = membership();
        membership.members.announce(Slot::LOCAL, &announcement());
        membership.check(&config());
    }
}
