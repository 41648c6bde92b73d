//! A piece of news, and where it comes from.

use core::net::SocketAddr;

use crate::members::Slot;
use crate::output::Via;
use crate::wire::Update;

/// Where a piece of news comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(super) via: Via,
    /// The member whose packet it came in, where that is known: it pinged in it, or answered a
    /// ping, from its own address.
    pub(super) sender: Option<Slot>,
    /// It is known to everybody whom this node could tell: it knew nobody before. A node that joins
    /// does not pass on what it learns in the join: the cluster that it learns it from knows it,
    /// and a newcomer to 1,000 members would send 1,000 updates.
    pub(super) is_common: bool,
    /// It is the answer to an exchange that this node opened.
    pub(super) is_answer: bool,
    /// It is what a node that joins says of itself: a question, if a member has its name.
    pub(super) asks: bool,
    /// It is the answer to an exchange of this node, which had never known anybody before.
    pub(super) is_first_answer: bool,
}

impl Origin {
    /// This node itself.
    pub(crate) const OWN: Origin = Origin {
        via: Via::Own,
        sender: None,
        is_common: false,
        is_answer: false,
        asks: false,
        is_first_answer: false,
    };

    /// A datagram; with the member that sent it, as far as that is known so far.
    #[inline]
    pub(crate) fn packet(from: SocketAddr, sender: Option<Slot>) -> Self {
        Origin { via: Via::Packet { from }, sender, ..Origin::OWN }
    }

    /// An exchange of views, which this node `dialled`, or which dialled.
    pub(super) fn push_pull(from: SocketAddr, is_common: bool, dialled: bool) -> Self {
        Origin { via: Via::PushPull { from }, is_common, is_answer: dialled, ..Origin::OWN }
    }
}

/// A piece of news about a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News<'a> {
    pub(super) update: &'a Update<'a>,
    pub(super) origin: Origin,
}

impl<'a> News<'a> {
    #[inline]
    pub(crate) fn new(update: &'a Update<'a>, origin: Origin) -> Self {
        News { update, origin }
    }

    #[inline]
    pub(super) fn via(&self) -> Via {
        self.origin.via
    }
}
