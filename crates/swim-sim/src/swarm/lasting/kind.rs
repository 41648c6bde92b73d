//! The kinds of faults that last, and which of them a seed has.

use crate::dice::Dice;
use crate::random::Draws;

/// A kind of fault that begins and ends at times of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::swarm) enum Lasting {
    /// A member hears nothing, or no datagrams.
    Deaf,
    /// Nothing that a member sends arrives, or none of its datagrams.
    Dumb,
    /// No datagrams arrive, of all or from and to one member, and streams do.
    NoDatagrams,
    /// A member announces an address that is nobody's, or another member's, until it is started
    /// again with its own.
    WrongAddress,
    /// A node starts with the name of a living member, also while the cluster forms, and leaves
    /// again.
    SecondOfName,
}

impl Lasting {
    pub(in crate::swarm) const ALL: [Lasting; 5] = [
        Lasting::Deaf,
        Lasting::Dumb,
        Lasting::NoDatagrams,
        Lasting::WrongAddress,
        Lasting::SecondOfName,
    ];

    /// What a sweep calls it when it happened.
    pub(in crate::swarm) fn as_str(self) -> &'static str {
        match self {
            Lasting::Deaf => "members deaf",
            Lasting::Dumb => "members dumb",
            Lasting::NoDatagrams => "times without datagrams",
            Lasting::WrongAddress => "wrong addresses announced",
            Lasting::SecondOfName => "seconds of a name",
        }
    }

    /// Whether nodes may lose each other by it in a way that only a join mends: it starts processes
    /// without memory.
    pub(in crate::swarm) fn needs_joins(self) -> bool {
        matches!(self, Lasting::WrongAddress | Lasting::SecondOfName)
    }

    /// What decides how it goes on.
    pub(super) fn draws(self) -> Draws {
        match self {
            Lasting::Deaf => Draws::Deaf,
            Lasting::Dumb => Draws::Dumb,
            Lasting::NoDatagrams => Draws::NoDatagrams,
            Lasting::WrongAddress => Draws::WrongAddress,
            Lasting::SecondOfName => Draws::SecondOfName,
        }
    }

    /// Those that a seed has which has some: many, or few, of those that are possible.
    pub(in crate::swarm) fn draw(dice: &mut Dice, possible: impl Fn(Lasting) -> bool) -> Vec<Self> {
        let one_in = dice.pick(&[2, 2, 3, 6]);
        let drawn = Lasting::ALL.map(|kind| dice.one_in(one_in) && possible(kind));
        let usual = dice.pick(&[Lasting::Deaf, Lasting::Dumb, Lasting::NoDatagrams]);
        let kinds = Lasting::ALL.into_iter().zip(drawn).filter(|(_, drawn)| *drawn);
        let kinds: Vec<Lasting> = kinds.map(|(kind, _)| kind).collect();
        if kinds.is_empty() { vec![usual] } else { kinds }
    }
}
