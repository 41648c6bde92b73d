//! The application's commands.

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
    /// Joins the cluster of the node at `address`, by a push/pull with it.
    ///
    /// Answered with [`Answer::Joined`](crate::Answer::Joined), or with a [`Failure`]. A node that
    /// has left rejoins with a higher incarnation. Any number of joins may run at once.
    ///
    /// On the native wire, a newcomer with the name of a member first asks that member. If the
    /// member answers, the join fails with [`Failure::NameTaken`](crate::Failure::NameTaken), and
    /// the node keeps asking. If the member is silent for two probe intervals, the newcomer takes
    /// the name.
    ///
    /// # Errors
    ///
    /// [`CommandError::NotRunning`] during a leave; [`CommandError::Busy`].
    pub fn join(&mut self, now: Instant, address: SocketAddr) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_join(address))
    }

    /// Leaves the cluster, and gossips a leave message to its peers.
    ///
    /// Answered with [`Answer::Left`](crate::Answer::Left) once the message was sent as often as an
    /// update is sent, and has had time to spread. Keep driving the node until then. If no peer
    /// acknowledged it, in a datagram or on a stream, the answer is
    /// [`Failure::NobodyHeard`](crate::Failure::NobodyHeard). Without a live peer the node leaves
    /// at once.
    ///
    /// The node has left either way, and may join again. Until it does, its view is frozen. It
    /// neither probes nor receives news, so [`members`](Node::members) does not show later joins,
    /// changes, failures and leaves.
    ///
    /// # Errors
    ///
    /// [`CommandError::NotRunning`] during or after a leave; [`CommandError::Busy`].
    pub fn leave(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        self.turn(now, Node::start_leave)
    }

    /// Changes the node's metadata.
    ///
    /// Answered with [`Answer::Spread`](crate::Answer::Spread). While another node has this node's
    /// name ([`Event::NameTaken`](crate::Event::NameTaken)), the change is kept until the name is
    /// free, and the answer is [`Failure::NameTaken`](crate::Failure::NameTaken) at once.
    ///
    /// # Errors
    ///
    /// [`CommandError::NotRunning`], [`CommandError::TooLarge`] beyond `meta_size_max`,
    /// [`CommandError::Busy`].
    pub fn set_meta(&mut self, now: Instant, meta: Bytes) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.membership.set_meta(&mut node.cx, &mut node.gossip, &meta))
    }

    /// Sends a message to every member, by gossip.
    ///
    /// Each member that is alive while the message spreads receives it once with overwhelming
    /// probability, in no particular order. At most
    /// [`broadcast_size_max`](Node::broadcast_size_max) bytes. Answered with
    /// [`Answer::Spread`](crate::Answer::Spread).
    ///
    /// # Errors
    ///
    /// [`CommandError::NotRunning`], [`CommandError::NameTaken`], [`CommandError::TooLarge`],
    /// [`CommandError::Busy`].
    pub fn broadcast(&mut self, now: Instant, payload: &[u8]) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_broadcast(&[], payload))
    }

    /// Sends a [`broadcast`](Node::broadcast) that replaces older ones with the same key.
    ///
    /// It replaces an older broadcast of this node wherever that one still waits to be passed on.
    /// Use it for state of which only the latest value matters. The key has up to 255 bytes. Key
    /// and payload together have at most [`broadcast_size_max`](Node::broadcast_size_max) bytes.
    ///
    /// # Errors
    ///
    /// As for [`broadcast`](Node::broadcast).
    pub fn broadcast_keyed(
        &mut self,
        now: Instant,
        key: &[u8],
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_broadcast(key, payload))
    }

    /// Sends a message to one member in a datagram, which may be lost.
    ///
    /// At most [`message_size_max`](Node::message_size_max) bytes.
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownMember`] if the member is not live, [`CommandError::OwnName`],
    /// [`CommandError::TooLarge`], [`CommandError::NotRunning`], [`CommandError::NameTaken`].
    pub fn send(&mut self, now: Instant, to: &str, payload: &[u8]) -> Result<(), CommandError> {
        self.turn(now, |node| node.send_user_message(to, payload))
    }

    /// Sends a message to one member over a stream, at most `reliable_size_max` bytes.
    ///
    /// Answered with [`Answer::Delivered`](crate::Answer::Delivered) when the member has
    /// acknowledged it. On memberlist's wire the member does so by closing the stream, and an empty
    /// message reaches no application.
    ///
    /// # Errors
    ///
    /// As for [`send`](Node::send); [`CommandError::Busy`].
    pub fn send_reliable(
        &mut self,
        now: Instant,
        to: &str,
        payload: &[u8],
    ) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_send_reliable(to, payload))
    }

    /// Pings a member once, directly.
    ///
    /// Answered with [`Answer::Pong`](crate::Answer::Pong), or
    /// [`Failure::Timeout`](crate::Failure::Timeout) after a probe interval. Changes no member's
    /// state.
    ///
    /// # Errors
    ///
    /// As for [`send`](Node::send); [`CommandError::Busy`].
    pub fn ping(&mut self, now: Instant, to: &str) -> Result<RequestId, CommandError> {
        self.turn(now, |node| node.start_ping(to))
    }

    /// Forgets a failed or departed member, and all that is held against it.
    ///
    /// The node stops looking for it, and old news may bring it back for a while. For names that
    /// will never return.
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownMember`], [`CommandError::StillLive`], [`CommandError::OwnName`].
    pub fn forget(&mut self, now: Instant, name: &str) -> Result<(), CommandError> {
        self.turn(now, |node| {
            let Node { cx, membership, gossip, detector, .. } = node;
            membership.forget(cx, gossip, detector, name)
        })
    }

    /// Sets the data that this node sends with every ack of a direct ping.
    ///
    /// Peers receive it as [`Event::AckPayload`](crate::Event::AckPayload). At most
    /// [`ack_payload_size_max`](Node::ack_payload_size_max) bytes; less leaves more room for
    /// gossip.
    ///
    /// # Errors
    ///
    /// [`CommandError::TooLarge`].
    pub fn set_ack_payload(&mut self, now: Instant, payload: Bytes) -> Result<(), CommandError> {
        self.turn(now, |node| {
            at_most(payload.len(), node.ack_payload_size_max())?;
            node.detector.set_ack_payload(payload);
            Ok(())
        })
    }

    /// Sets the application state sent in every push/pull, at most `user_state_size_max` bytes.
    ///
    /// Peers receive it as [`Event::UserState`](crate::Event::UserState).
    ///
    /// # Errors
    ///
    /// [`CommandError::TooLarge`].
    pub fn set_user_state(&mut self, now: Instant, state: Bytes) -> Result<(), CommandError> {
        self.turn(now, |node| {
            at_most(state.len(), node.cx.config.user_state_size_max)?;
            node.exchange.set_user_state(state);
            Ok(())
        })
    }

    /// Sets this node's label, and the other label that it accepts.
    ///
    /// An empty label means no label, and `None` means that no other one is accepted. To move a
    /// running cluster to another label: accept the new label everywhere, then set it everywhere
    /// and accept the old one, then accept no other.
    ///
    /// # Errors
    ///
    /// [`CommandError::TooLarge`] beyond 255 bytes, [`CommandError::PacketTooSmall`].
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
