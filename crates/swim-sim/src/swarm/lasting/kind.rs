//! The kinds of lasting faults, and which of them a seed has.

use swim_core::Config;

use super::access;
use crate::dice::Dice;
use crate::random::Draws;

/// A kind of fault that begins and ends at its own times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::swarm) enum Lasting {
    /// A member receives nothing, or no datagrams.
    Deaf,
    /// Everything that a member sends is lost, or all its datagrams.
    Dumb,
    /// No datagrams arrive at all, or none from and to one member. Streams pass.
    NoDatagrams,
    /// A member announces an unused address, or another member's, until it restarts with its own.
    WrongAddress,
    /// A node starts with the name of a living member, perhaps while the cluster forms, and leaves
    /// again.
    SecondOfName,
    /// All nodes, one after the other, install a new key, then use it, then remove the old one.
    NewKey,
    /// All nodes move to another label, one after the other.
    NewLabel,
    /// All nodes stop requiring seals, stop sealing, then start both again.
    NewEncryption,
}

impl Lasting {
    pub(in crate::swarm) const ALL: [Lasting; 8] = [
        Lasting::Deaf,
        Lasting::Dumb,
        Lasting::NoDatagrams,
        Lasting::WrongAddress,
        Lasting::SecondOfName,
        Lasting::NewKey,
        Lasting::NewLabel,
        Lasting::NewEncryption,
    ];

    /// Its name in the counts of a sweep.
    pub(in crate::swarm) fn as_str(self) -> &'static str {
        match self {
            Lasting::Deaf => "members deaf",
            Lasting::Dumb => "members dumb",
            Lasting::NoDatagrams => "times without datagrams",
            Lasting::WrongAddress => "wrong addresses announced",
            Lasting::SecondOfName => "seconds of a name",
            Lasting::NewKey => "keys replaced",
            Lasting::NewLabel => "labels changed",
            Lasting::NewEncryption => "encryption changed",
        }
    }

    /// Whether it can separate nodes so that only a join helps: it starts processes without memory.
    pub(in crate::swarm) fn needs_joins(self) -> bool {
        matches!(self, Lasting::WrongAddress | Lasting::SecondOfName)
    }

    /// Whether only clusters with keys have it.
    pub(in crate::swarm) fn needs_keys(self) -> bool {
        matches!(self, Lasting::NewKey | Lasting::NewEncryption)
    }

    /// Whether clusters of this configuration can have it.
    ///
    /// With a hostile host, encryption stays on: a node that requires no seals would believe that
    /// host, and pass on what it heard.
    pub(in crate::swarm) fn is_possible(self, config: &Config, is_attacked: bool) -> bool {
        match self {
            _ if self.needs_keys() && config.keyring.is_empty() => false,
            Lasting::NewLabel => access::new_label(config).is_some(),
            Lasting::NewEncryption => !is_attacked,
            _ => true,
        }
    }

    /// Its stream of random numbers.
    pub(super) fn draws(self) -> Draws {
        match self {
            Lasting::Deaf => Draws::Deaf,
            Lasting::Dumb => Draws::Dumb,
            Lasting::NoDatagrams => Draws::NoDatagrams,
            Lasting::WrongAddress => Draws::WrongAddress,
            Lasting::SecondOfName => Draws::SecondOfName,
            Lasting::NewKey => Draws::NewKey,
            Lasting::NewLabel => Draws::NewLabel,
            Lasting::NewEncryption => Draws::NewEncryption,
        }
    }

    /// Draws the kinds of a seed with lasting faults: many or few of the possible ones.
    pub(in crate::swarm) fn draw(dice: &mut Dice, possible: impl Fn(Lasting) -> bool) -> Vec<Self> {
        let one_in = dice.pick(&[2, 2, 3, 6]);
        let drawn = Lasting::ALL.map(|kind| dice.one_in(one_in) && possible(kind));
        let usual = dice.pick(&[Lasting::Deaf, Lasting::Dumb, Lasting::NoDatagrams]);
        let kinds = Lasting::ALL.into_iter().zip(drawn).filter(|(_, drawn)| *drawn);
        let kinds: Vec<Lasting> = kinds.map(|(kind, _)| kind).collect();
        if kinds.is_empty() { vec![usual] } else { kinds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::Plan;
    use crate::swarm::{LastingFaults, Setup, Wires, run_on};

    #[test]
    fn every_kind_is_drawn_often_wherever_it_is_possible() {
        let plans: Vec<Plan> =
            (0..2000).map(|seed| Plan::of_seed(seed, Wires::Both.into())).collect();
        for kind in Lasting::ALL {
            let possible = |plan: &&Plan| kind.is_possible(&plan.config, plan.hostile.is_some());
            let possible: Vec<&Plan> = plans.iter().filter(possible).collect();
            let having = possible.iter().filter(|plan| plan.lasting.contains(&kind)).count();
            println!("{kind:?} in {having} plans of {} in which it is possible", possible.len());
            assert!(having * 12 > possible.len(), "{kind:?} in {having} of {}", possible.len());
            assert!(possible.len() > 500, "{kind:?} is possible in {}", possible.len());
            let all = plans.iter().filter(|plan| plan.lasting.contains(&kind)).count();
            assert_eq!(all, having, "{kind:?} where it is not possible");
        }
        let few = plans.iter().filter(|plan| plan.lasting.len() == 1).count();
        let many = plans.iter().filter(|plan| plan.lasting.len() > 3).count();
        assert!(few > 50 && many > 50, "{few} have one, {many} more than three");
    }

    #[test]
    fn every_kind_happens() {
        let setup = Setup::from(Wires::Both).lasting(LastingFaults::Always);
        for kind in Lasting::ALL {
            let has_it = |seed: &u64| {
                let plan = Plan::of_seed(*seed, setup);
                (2..10).contains(&plan.nodes) && plan.lasting.contains(&kind)
            };
            let mut seeds = (0..).filter(has_it).take(5);
            let happens = |seed: u64| run_on(setup, seed).seen.count(kind.as_str()) > 0;
            assert!(seeds.any(happens), "{kind:?} happens in none of 5 runs");
        }
    }
}
