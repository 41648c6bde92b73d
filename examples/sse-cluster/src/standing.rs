//! How a node stands among others: whether clients should be sent to it.

use swim_driver::{Change, State};

/// How a node stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has no peer, and is to have none: it has no seeds, or all others left.
    Alone,
    /// It has seeds, and has seen no peer yet.
    NotJoined,
    /// It sees a peer.
    Joined,
    /// The last peer that it saw failed. They may all have crashed; it cannot know.
    CutOff,
    /// It was told to stop.
    Leaving,
}

impl Standing {
    /// That of a node that starts.
    pub(crate) fn first(has_seeds: bool) -> Self {
        if has_seeds { Standing::NotJoined } else { Standing::Alone }
    }

    /// How it stands after a change, with so many live peers.
    #[must_use]
    pub(crate) fn after(self, change: &Change, peers: usize) -> Self {
        match (self, change) {
            (Standing::Leaving, _) => Standing::Leaving,
            (_, Change::Gone { member, .. }) if peers == 0 => match member.state {
                State::Left => Standing::Alone,
                _ => Standing::CutOff,
            },
            _ if peers > 0 => Standing::Joined,
            (standing, _) => standing,
        }
    }

    /// Why clients should not be sent to it.
    pub(crate) fn complaint(self) -> Option<&'static str> {
        match self {
            Standing::Alone | Standing::Joined => None,
            Standing::NotJoined => Some(
                "no other node was met yet: see that those of gossip.hosts run and have the same \
                 key; a node that is to be alone needs no gossip.hosts",
            ),
            Standing::CutOff => {
                Some("cut off: no other node answers any more, and the last one did not leave")
            }
            Standing::Leaving => Some("this node leaves the cluster: use another one"),
        }
    }
}
