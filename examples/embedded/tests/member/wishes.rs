//! A network that records the requests of a member.

use std::collections::VecDeque;
use std::net::SocketAddr;

use embedded::Network;
use swim_core::{Event, StreamId, StreamOp};

/// A request of a member to its network.
#[derive(Debug)]
pub(crate) enum Wish {
    Send { to: SocketAddr, datagram: Vec<u8> },
    Stream { id: StreamId, op: StreamOp },
}

/// The requests that are not carried out yet.
#[derive(Debug, Default)]
pub(crate) struct Wishes(pub(crate) VecDeque<Wish>);

impl Network for Wishes {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.0.push_back(Wish::Send { to, datagram: datagram.to_vec() });
    }

    fn stream(&mut self, id: StreamId, op: StreamOp) {
        self.0.push_back(Wish::Stream { id, op });
    }

    fn show(&mut self, _: &Event) {}
}
