//! Getters of a node.

use core::net::IpAddr;

use super::Node;
use crate::config::Config;
use crate::member::MemberRef;
use crate::members::Slot;
use crate::stats::Stats;
use crate::status::Status;
use crate::wire::Wire;

/// Getters.
impl Node {
    /// All members that this node knows, itself first.
    ///
    /// These are the live members, and for a while those that failed or left. A member that keeps
    /// failing and coming back, without ever answering this node, is shown as failed until it
    /// answers. [`member`](Node::member), [`members_live`](Node::members_live) and events treat it
    /// likewise. Once this node has [left](Node::leave), it learns nothing further.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'_>> + '_ {
        self.membership.listed()
    }

    /// A listed member, as this node sees it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<MemberRef<'_>> {
        self.membership.shown(self.membership.members().find(name)?)
    }

    /// Whether a live member other than this node has this IP address.
    ///
    /// Use it to prefer members if room is short.
    #[must_use]
    pub fn has_member_at(&self, ip: IpAddr) -> bool {
        self.membership.members().any_at(ip.to_canonical())
    }

    /// This node as it announces itself.
    #[must_use]
    pub fn local(&self) -> MemberRef<'_> {
        self.membership.members().entry(Slot::LOCAL).view()
    }

    /// How many members are alive or suspect, this node included.
    #[must_use]
    pub fn members_live(&self) -> usize {
        self.membership.shown_live()
    }

    /// Whether the node takes part in the cluster.
    #[must_use]
    pub fn status(&self) -> Status {
        self.membership.status()
    }

    /// Local health: 0 is healthy. The higher it is, the slower this node itself seems to be.
    ///
    /// It stays below `awareness_max`.
    #[must_use]
    pub fn health(&self) -> u8 {
        self.detector.health()
    }

    /// Whether this node is not cut off, and has the view of its peers, as far as it can tell.
    ///
    /// The last peers that it probed had the same live members with the same announcements: three
    /// peers, or all of them where there are fewer. On memberlist's wire acks say nothing about
    /// views, so there it only means that this node is not cut off.
    #[must_use]
    pub fn agrees_with_peers(&self) -> bool {
        let is_told = self.cx.config.wire == Wire::Swim;
        let peers = self.membership.members().peers();
        !self.detector.is_isolated() && (!is_told || self.exchange.agrees_with(peers))
    }

    /// Whether this node has exchanged its whole view with another node: a join or a push/pull.
    #[must_use]
    pub fn has_exchanged(&self) -> bool {
        self.cx.stats.push_pulls > 0
    }

    /// Counters of the node's work and drops, and how full it is.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            health: self.health(),
            members_live: self.members_live(),
            members_lost: self.membership.members().lost_len(),
            updates_queued: self.gossip.updates_len(),
            broadcasts_queued: self.gossip.broadcasts_len(),
            streams_open: self.exchange.streams_open(),
            seals: self.cx.channel.seals(),
            ..self.cx.stats.clone()
        }
    }

    /// The node's configuration, with all changes that commands have made.
    ///
    /// Commands change the keyring, the encryption mode, and the labels.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.cx.config
    }

    /// The largest payload of an ack, in bytes.
    #[must_use]
    pub fn ack_payload_size_max(&self) -> usize {
        self.cx.config.ack_payload_size_max()
    }

    /// The largest payload of [`send`](Node::send), in bytes.
    #[must_use]
    pub fn message_size_max(&self) -> usize {
        self.cx.config.message_size_max()
    }

    /// The largest payload of [`broadcast`](Node::broadcast), in bytes.
    #[must_use]
    pub fn broadcast_size_max(&self) -> usize {
        self.cx.config.broadcast_size_max()
    }
}
