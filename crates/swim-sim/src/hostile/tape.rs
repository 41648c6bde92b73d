//! The recordings of a hostile host on the path.

use core::net::SocketAddr;

use bytes::Bytes;

use crate::connection::{ConnectionId, Side};
use crate::dice::Dice;

/// The most datagrams and streams that are kept, and the most bytes of each stream.
const DATAGRAMS_MAX: usize = 128;
const TALKS_MAX: usize = 32;
const TALK_BYTES_MAX: usize = 64 << 10;

/// A recorded datagram.
#[derive(Clone, Debug)]
pub(crate) struct Taped {
    pub(crate) from: SocketAddr,
    /// The host that sent it, and its receiver.
    pub(crate) sender: u32,
    pub(crate) receiver: u32,
    pub(crate) payload: Bytes,
}

/// A recorded stream.
#[derive(Clone, Debug)]
pub(crate) struct TapedTalk {
    id: ConnectionId,
    /// The host that opened it, and the host that it was for.
    pub(crate) dialler: u32,
    pub(crate) acceptor: u32,
    /// The data that each side wrote, by [`Side`].
    pub(crate) said: [Vec<Bytes>; 2],
    bytes: usize,
}

/// All recordings. New ones replace old ones at random, so that recent and very old ones remain.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    datagrams: Vec<Taped>,
    talks: Vec<TapedTalk>,
}

impl Tape {
    pub(crate) fn keep(&mut self, dice: &mut Dice, taped: Taped) {
        if self.datagrams.len() < DATAGRAMS_MAX {
            return self.datagrams.push(taped);
        }
        if let Some(place) = self.datagrams.get_mut(dice.below(2 * DATAGRAMS_MAX)) {
            *place = taped;
        }
    }

    pub(crate) fn begin_talk(
        &mut self,
        dice: &mut Dice,
        id: ConnectionId,
        (dialler, acceptor): (u32, u32),
    ) {
        let talk = TapedTalk { id, dialler, acceptor, said: [Vec::new(), Vec::new()], bytes: 0 };
        if self.talks.len() < TALKS_MAX {
            return self.talks.push(talk);
        }
        let place = dice.below(TALKS_MAX);
        self.talks[place] = talk;
    }

    /// Records data from one side of a stream, if that stream is recorded.
    pub(crate) fn hear(&mut self, id: ConnectionId, by: Side, bytes: &Bytes) {
        let Some(talk) = self.talks.iter_mut().find(|talk| talk.id == id) else {
            return;
        };
        if talk.bytes + bytes.len() <= TALK_BYTES_MAX {
            talk.bytes += bytes.len();
            talk.said[by as usize].push(bytes.clone());
        }
    }

    /// A random recorded datagram.
    pub(crate) fn datagram(&self, dice: &mut Dice) -> Option<Taped> {
        if self.datagrams.is_empty() {
            return None;
        }
        Some(self.datagrams[dice.below(self.datagrams.len())].clone())
    }

    /// A random recorded stream on which the dialler sent something.
    pub(crate) fn talk(&self, dice: &mut Dice) -> Option<TapedTalk> {
        let spoken = |talk: &&TapedTalk| !talk.said[Side::Dialler as usize].is_empty();
        let count = self.talks.iter().filter(spoken).count();
        if count == 0 {
            return None;
        }
        self.talks.iter().filter(spoken).nth(dice.below(count)).cloned()
    }
}

impl TapedTalk {
    pub(crate) fn by(&self, side: Side) -> &[Bytes] {
        &self.said[side as usize]
    }
}
