//! Whether clients should be sent to this node.

use swim_driver::{Change, State};

/// The node's relation to the other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has no peer and needs none: it has no seeds, or all peers left.
    Alone,
    /// It has seeds, but has not seen a peer yet.
    NotJoined,
    /// It sees a peer.
    Joined,
    /// The last peer that it saw failed. It cannot know whether it is cut off or all peers crashed.
    CutOff,
    /// It is leaving.
    Leaving,
}

impl Standing {
    /// Returns the standing of a node that starts.
    pub(crate) fn first(has_seeds: bool) -> Self {
        if has_seeds { Standing::NotJoined } else { Standing::Alone }
    }

    /// Returns the standing after a change, with so many live peers.
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

    /// Returns why clients should not be sent here, if so.
    pub(crate) fn complaint(self) -> Option<&'static str> {
        match self {
            Standing::Alone | Standing::Joined => None,
            Standing::NotJoined => Some(
                "no other node has been met yet: check that those in gossip.hosts run and have \
                 the same key; a node that should run alone needs no gossip.hosts",
            ),
            Standing::CutOff => {
                Some("cut off: no other node answers any longer, and the last one did not leave")
            }
            Standing::Leaving => Some("this node is leaving the cluster: use another node"),
        }
    }
}
