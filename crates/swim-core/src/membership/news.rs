//! A piece of news, and its source.

use core::net::SocketAddr;

use crate::members::Slot;
use crate::output::Via;
use crate::wire::Update;

/// The source of a piece of news.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(super) via: Via,
    /// The member whose packet it came in, if known: it pinged or answered a ping in that packet,
    /// from its own address.
    pub(super) sender: Option<Slot>,
    /// All possible receivers know it, because this node knew nobody before. A node that joins does
    /// not pass on what it learns in the join: the cluster knows it already, and a newcomer to
    /// 1,000 members would send 1,000 updates.
    pub(super) is_common: bool,
    /// It answers an exchange that this node opened.
    pub(super) is_answer: bool,
    /// It is a joining node's entry about itself, which asks whether a member has its name.
    pub(super) asks: bool,
    /// It answers an exchange of this node, which had never known a peer before.
    pub(super) is_first_answer: bool,
}

impl Origin {
    /// News from this node itself.
    pub(crate) const OWN: Origin = Origin {
        via: Via::Own,
        sender: None,
        is_common: false,
        is_answer: false,
        asks: false,
        is_first_answer: false,
    };

    /// News from a datagram, with the member that sent it, if known so far.
    #[inline]
    pub(crate) fn packet(from: SocketAddr, sender: Option<Slot>) -> Self {
        Origin { via: Via::Packet { from }, sender, ..Origin::OWN }
    }

    /// News from a push/pull; `dialled` if this node opened it.
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
