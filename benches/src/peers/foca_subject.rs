//! A foca node with many members, and its input datagrams.

use core::fmt;
use core::time::Duration;
use std::hint::black_box;

use bytes::BufMut;
use foca::{Codec, Header, Member, Message, Notification, Runtime, Timer};

use super::foca_cluster::{FocaNode, node};
use super::foca_codec::FixedWidth;
use super::foca_config::config;
use super::foca_identity::Peer;
use crate::UPDATES_PER_PACKET;

/// A node under measurement. Its outputs are looked at and dropped.
pub struct FocaSubject {
    node: FocaNode,
    codec: FixedWidth,
    datagram: Vec<u8>,
    members: u32,
    random: u64,
}

impl fmt::Debug for FocaSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FocaSubject").field("members", &self.members).finish_non_exhaustive()
    }
}

/// A runtime that drops all outputs.
struct Nowhere;

impl Runtime<Peer> for Nowhere {
    fn notify(&mut self, notification: Notification<'_, Peer>) {
        black_box(&notification);
    }

    fn send_to(&mut self, to: Peer, data: &[u8]) {
        black_box((to, data));
    }

    fn submit_after(&mut self, timer: Timer<Peer>, after: Duration) {
        black_box((timer, after));
    }
}

impl FocaSubject {
    /// Returns a node that knows `members` members, including itself, with an empty queue.
    ///
    /// # Panics
    ///
    /// If the node refuses them.
    #[must_use]
    pub fn joined(members: usize) -> Self {
        let codec = FixedWidth { name: 0 };
        let mut node = node(0, 7, config(members, 1), codec);
        let members = u32::try_from(members).expect("fewer than 2^32 members");
        let others = (1..members).map(|host| Member::alive(Peer::on(host)));
        node.apply_many(others, false, Nowhere).expect("members are taken");
        FocaSubject { node, codec, datagram: Vec::new(), members, random: 0x9E37_79B9_7F4A_7C15 }
    }

    /// Prepares a ping from one of the members.
    pub fn ask_as_anybody(&mut self) {
        let asker = self.any_peer();
        self.begin(asker, Message::Ping(77));
    }

    /// Prepares gossip about random members, all of it known.
    ///
    /// # Panics
    ///
    /// Never: there is room.
    pub fn tell_about_anybody(&mut self) {
        let teller = self.any_peer();
        self.begin(teller, Message::Gossip);
        self.datagram.put_u16(u16::try_from(UPDATES_PER_PACKET).expect("a small number"));
        for _ in 0..UPDATES_PER_PACKET {
            let member = Member::alive(Peer::on(self.any_peer()));
            self.codec.encode_member(&member, &mut self.datagram).expect("a vector has room");
        }
    }

    /// Feeds the prepared datagram.
    ///
    /// # Panics
    ///
    /// If the node refuses it.
    #[inline]
    pub fn hand_in(&mut self) {
        self.node.handle_data(black_box(&self.datagram), Nowhere).expect("a valid datagram");
    }

    fn begin(&mut self, src: u32, message: Message<Peer>) {
        let header = Header { src: Peer::on(src), src_incarnation: 0, dst: Peer::on(0), message };
        self.datagram.clear();
        self.codec.encode_header(&header, &mut self.datagram).expect("a vector has room");
    }

    /// Returns the host of a random peer, all equally likely.
    fn any_peer(&mut self) -> u32 {
        // Xorshift, Marsaglia 2003.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        1 + u32::try_from(self.random % u64::from(self.members - 1)).expect("below a u32")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_known_already() {
        let mut subject = FocaSubject::joined(50);
        for _ in 0..100 {
            subject.ask_as_anybody();
            subject.hand_in();
            subject.tell_about_anybody();
            subject.hand_in();
        }
        assert_eq!(subject.node.num_members(), 49);
        assert_eq!(subject.node.updates_backlog(), 0);
    }
}
