//! Clogged links: they hold everything, and deliver it in order once they are freed.

use crate::connection::{ConnectionId, Side};
use crate::network::OUTSIDE;
use crate::queue::Task;
use crate::world::World;

/// Input held by a clogged link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The sending and the receiving host.
    link: (u32, u32),
    input: HeldInput,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum HeldInput {
    /// The datagram at this place of the packet table.
    Packet(u32),
    /// A connection request.
    Request(ConnectionId),
    /// The next item of a lane, and everything behind it.
    Lane(ConnectionId, Side),
}

impl World {
    /// Clogs the link from one node to another, but not the way back.
    ///
    /// Datagrams and streams that reach its end are held, and nothing is dropped, however long it
    /// takes. A stream breaks once data on it was held for 51 s, and a connection request when it
    /// times out.
    #[track_caller]
    pub fn clog(&mut self, from: &str, to: &str) {
        self.note(format_args!("clog {from} to {to}"));
        self.network.clog(self.host(from), self.host(to));
    }

    /// Frees a clogged link: everything held arrives at this instant, in order.
    #[track_caller]
    pub fn unclog(&mut self, from: &str, to: &str) {
        self.note(format_args!("unclog {from} to {to}"));
        self.network.unclog(self.host(from), self.host(to));
        self.release_held();
    }

    /// Clogs every link of a node, both ways.
    #[track_caller]
    pub fn clog_host(&mut self, name: &str) {
        self.note(format_args!("clog everything from and to {name}"));
        self.network.clog_host(self.host(name));
    }

    /// Frees the links of a node, except those clogged one by one.
    #[track_caller]
    pub fn unclog_host(&mut self, name: &str) {
        self.note(format_args!("unclog everything from and to {name}"));
        self.network.unclog_host(self.host(name));
        self.release_held();
    }

    /// Holds a datagram at the end of a clogged link.
    pub(crate) fn hold_packet(&mut self, place: u32) {
        let packet = self.packets.get(place);
        let link = (packet.sender.unwrap_or(OUTSIDE), packet.receiver);
        self.hold(link, HeldInput::Packet(place));
    }

    pub(crate) fn hold(&mut self, link: (u32, u32), input: HeldInput) {
        let traffic = &mut self.trace.traffic;
        match input {
            HeldInput::Packet(_) => traffic.packets_clogged += 1,
            HeldInput::Request(_) | HeldInput::Lane(..) => traffic.streams_clogged += 1,
        }
        self.held.push(Held { link, input });
    }

    /// Delivers everything that no clog holds any longer.
    pub(crate) fn release_held(&mut self) {
        for held in core::mem::take(&mut self.held) {
            if self.network.holds(held.link.0, held.link.1) {
                self.held.push(held);
                continue;
            }
            match held.input {
                HeldInput::Packet(place) => self.queue.push(self.now, Task::Packet(place)),
                HeldInput::Request(id) => self.queue.push(self.now, Task::Request(id)),
                HeldInput::Lane(id, side) => self.release_lane(id, side),
            }
        }
    }
}
