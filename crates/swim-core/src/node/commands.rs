//! The commands of the application.

use core::net::SocketAddr;

use bytes::Bytes;

use super::Node;
use crate::error::{CommandError, at_most};
use crate::output::{Failure, PacketKind, RequestId};
use crate::stats::MessageKind;
use crate::status::Status;
use crate::time::Instant;
use crate::wire::{BROADCAST_KEY_SIZE_MAX, Message, User, memberlist};

/// Commands. Each that takes time has one answer: [`Output::Answer`](crate::Output::Answer).
impl Node {
    /// Joins the cluster that the node at this address belongs to, by a push/pull with it. Answered
    /// with [`Answer::Joined`](crate::Answer::Joined), or with why it failed. A node that has left
    /// comes back with a higher incarnation. Any number of joins may be under way at once.
    ///
    /// On the native wire, a newcomer with the name of a member first asks that one. If it answers,
    /// the join fails with [`Failure::NameTaken`](crate::Failure::NameTaken), and the node goes on
    /// asking; if it is silent for two probe intervals, the name is the newcomer's.
    pub fn join(&mut self, now: Instant, address: SocketAddr) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_join(address))
    }

    /// Says goodbye. Answered with [`Answer::Left`](crate::Answer::Left) once the goodbye was sent
    /// as often as an update is sent and has had time to spread; until then keep driving the node.
    /// If no peer acknowledged it, neither in a datagram nor on a stream, the answer is
    /// [`Failure::NobodyHeard`](crate::Failure::NobodyHeard). Without a live peer the node leaves
    /// at once.
    ///
    /// The node has left either way, and may join again. Until then its view is frozen: it probes
    /// nobody and hears no more news, so [`members`](Node::members) does not show members that
    /// join, change, fail or leave later.
    pub fn leave(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        self.turn(now, Node::start_leave)
    }

    /// Changes the node's metadata. Answered with [`Answer::Spread`](crate::Answer::Spread). While
    /// another node has this node's name ([`Event::NameTaken`](crate::Event::NameTaken)), it is
    /// kept until the name is free, and answered with
    /// [`Failure::NameTaken`](crate::Failure::NameTaken) at once.
    pub fn set_meta(&mut self, now: Instant, meta: Bytes) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.membership.set_meta(&mut node.cx, &mut node.gossip, &meta))
    }

    /// Sends a message to every member, by gossip: each member that is alive while it spreads
    /// receives it once with overwhelming probability, in no particular order. At most
    /// [`broadcast_size_max`](Node::broadcast_size_max) bytes. Answered with
    /// [`Answer::Spread`](crate::Answer::Spread).
    pub fn broadcast(&mut self, now: Instant, payload: &[u8]) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_broadcast(&[], payload))
    }

    /// Like [`broadcast`](Node::broadcast), with a key of up to 255 bytes: it replaces an older
    /// broadcast of this node with the same key, wherever that one still waits to be passed on. For
    /// state of which only the latest matters. Key and payload together have at most
    /// [`broadcast_size_max`](Node::broadcast_size_max) bytes.
    pub fn broadcast_keyed(
        &mut self,
        now: Instant,
        key: &[u8],
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_broadcast(key, payload))
    }

    /// Sends a message to one member in a datagram, which may be lost. At most
    /// [`message_size_max`](Node::message_size_max) bytes.
    pub fn send(&mut self, now: Instant, to: &str, payload: &[u8]) -> Result<(), CommandError> {
        self.turn(now, |node| node.send_user_message(to, payload))
    }

    /// Sends a message to one member over a stream, at most `reliable_size_max` bytes. Answered
    /// with [`Answer::Delivered`](crate::Answer::Delivered) when the member has acknowledged it. On
    /// memberlist's wire, that is by closing the stream, and an empty message is told to no
    /// application.
    pub fn send_reliable(
        &mut self,
        now: Instant,
        to: &str,
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_send_reliable(to, payload))
    }

    /// Pings a member once, directly. Answered with [`Answer::Pong`](crate::Answer::Pong), or
    /// [`Failure::Timeout`](crate::Failure::Timeout) after a probe interval. Changes nobody's
    /// state.
    pub fn ping(&mut self, now: Instant, to: &str) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_ping(to))
    }

    /// Forgets a member that failed or left, and all that is held against it: it is not looked for
    /// any more, and old news may bring it back for a while. For names that will never return.
    pub fn forget(&mut self, now: Instant, name: &str) -> Result<(), CommandError> {
        self.turn(now, |node| {
            let Node { cx, membership, gossip, detector, .. } = node;
            membership.forget(cx, gossip, detector, name)
        })
    }

    /// Sets the data that this node sends with every ack of a direct ping. Others receive it as
    /// [`Event::AckPayload`](crate::Event::AckPayload). At most
    /// [`ack_payload_size_max`](Node::ack_payload_size_max) bytes; the less it is, the more room is
    /// left for gossip.
    pub fn set_ack_payload(&mut self, now: Instant, payload: Bytes) -> Result<(), CommandError> {
        self.turn(now, |node| {
            at_most(payload.len(), node.ack_payload_size_max())?;
            node.detector.set_ack_payload(payload);
            Ok(())
        })
    }

    /// Sets the application state that this node gives in every push/pull, at most
    /// `user_state_size_max` bytes. Others receive it as
    /// [`Event::UserState`](crate::Event::UserState).
    pub fn set_user_state(&mut self, now: Instant, state: Bytes) -> Result<(), CommandError> {
        self.turn(now, |node| {
            at_most(state.len(), node.cx.config.user_state_size_max)?;
            node.exchange.set_user_state(state);
            Ok(())
        })
    }

    /// Takes another label, and says which other one is accepted as well: empty for none at all,
    /// `None` for no other. To move a running cluster to another label: accept the new one
    /// everywhere, then take it everywhere and accept the old one, then accept no other.
    pub fn set_label(
        &mut self,
        now: Instant,
        label: Bytes,
        also: Option<Bytes>,
    ) -> Result<(), CommandError> {
        self.turn(now, |node| node.change_label(label, also))
    }

    fn start_join(&mut self, address: SocketAddr) -> Result<RequestId, CommandError> {
        if self.status() == Status::Leaving {
            return Err(CommandError::NotRunning);
        }
        let request = self.cx.begin_request()?;
        if self.status() == Status::Left {
            self.membership.rejoin(&mut self.cx, &mut self.gossip);
            self.start_periods();
        }
        if self.cx.config.is_own_address(address) {
            self.cx.answer(request, Err(Failure::OwnAddress));
        } else {
            self.exchange.join(&mut self.cx, self.membership.members(), address, request);
        }
        Ok(request)
    }

    fn start_broadcast(&mut self, key: &[u8], payload: &[u8]) -> Result<RequestId, CommandError> {
        self.membership.may_speak()?;
        at_most(key.len(), BROADCAST_KEY_SIZE_MAX)?;
        at_most(key.len() + payload.len(), self.broadcast_size_max())?;
        self.gossip.start_broadcast(&mut self.cx, self.membership.members(), key, payload)
    }

    fn send_user_message(&mut self, to: &str, payload: &[u8]) -> Result<(), CommandError> {
        let Node { cx, membership, gossip, .. } = self;
        let to = membership.live_peer(to)?;
        at_most(payload.len(), cx.config.message_size_max())?;
        let (members, life) = (membership.members(), membership.life());
        let seals = cx.config.seals_natively();
        let envelope = seals.then(|| gossip.next_envelope(members.entry(to), life));
        let from = cx.config.name.as_str();
        let mut draft = cx.channel.datagram();
        draft.append(&Message::User(User { from, payload, envelope }));
        cx.stats.sent[MessageKind::User] += 1;
        gossip.fill(&mut draft, (members, to), &cx.config, &mut cx.stats, &mut cx.outputs);
        let entry = members.entry(to);
        let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
        cx.send(entry.address(), payload, PacketKind::News);
        Ok(())
    }

    fn start_send_reliable(&mut self, to: &str, payload: &[u8]) -> Result<RequestId, CommandError> {
        let Node { cx, membership, exchange, .. } = self;
        let to = membership.live_peer(to)?;
        at_most(payload.len(), cx.config.reliable_size_max)?;
        let request = cx.begin_request()?;
        exchange.send_message(cx, membership.members().entry(to), payload, request);
        Ok(request)
    }

    fn start_ping(&mut self, to: &str) -> Result<RequestId, CommandError> {
        let Node { cx, membership, gossip, detector, .. } = self;
        let to = membership.live_peer(to)?;
        let request = cx.begin_request()?;
        detector.ping_for(cx, gossip, membership.members(), to, request);
        Ok(request)
    }
}
