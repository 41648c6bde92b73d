//! What a node tells of itself.

use core::net::IpAddr;

use super::Node;
use crate::config::Config;
use crate::member::MemberRef;
use crate::members::Slot;
use crate::stats::Stats;
use crate::status::Status;

/// Getters.
impl Node {
    /// Everybody that this node knows, itself first: the live ones, and for a while those that
    /// failed or left. A member that failed and came back again and again, without ever answering
    /// this node, is shown as failed until it answers; so it is by [`member`](Node::member),
    /// [`members_live`](Node::members_live) and events. Once this node has [left](Node::leave), it
    /// learns no more of them.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'_>> + '_ {
        self.membership.listed()
    }

    /// What this node believes of a listed member.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<MemberRef<'_>> {
        self.membership.shown(self.membership.members().find(name)?)
    }

    /// Whether a live member, other than this node, has this IP address: whom to prefer where room
    /// is short.
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

    /// Local health: 0 is healthy; the higher, the slower this node itself seems to be. Stays below
    /// `awareness_max`.
    #[must_use]
    pub fn health(&self) -> u8 {
        self.detector.health()
    }

    /// What the node has done and dropped so far, and how full it is.
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

    /// The configuration that the node was created with, with what commands have changed in it
    /// since: the keyring, whether it must be used, and the labels.
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
