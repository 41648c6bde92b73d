//! Datagrams in transit.

use core::net::SocketAddr;

use bytes::Bytes;

/// A datagram in transit.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// Counts the datagrams of the world.
    pub(crate) number: u64,
    pub(crate) from: SocketAddr,
    /// The sending host; `None` outside the world.
    pub(crate) sender: Option<u32>,
    pub(crate) receiver: u32,
    pub(crate) payload: Bytes,
}

/// The datagrams in transit, each at a place that is reused.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    places: Vec<Option<Packet>>,
    free: Vec<u32>,
}

impl Packets {
    pub(crate) fn insert(&mut self, packet: Packet) -> u32 {
        if let Some(place) = self.free.pop() {
            self.places[place as usize] = Some(packet);
            return place;
        }
        self.places.push(Some(packet));
        u32::try_from(self.places.len() - 1).expect("fewer than 2^32 datagrams at once")
    }

    pub(crate) fn get(&self, place: u32) -> &Packet {
        self.places[place as usize].as_ref().expect("a task names a place in use")
    }

    pub(crate) fn take(&mut self, place: u32) -> Packet {
        self.free.push(place);
        self.places[place as usize].take().expect("a task names a place in use")
    }
}
