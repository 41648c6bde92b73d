//! The loop around a node.

use core::net::SocketAddr;

use swim_core::{
    CommandError, ConfigError, Event, Instant, Node, Output, Refused, StreamId, StreamInput,
    StreamOp,
};

use crate::Settings;

/// The operations of the network chip. The chip keeps the table of streams.
pub trait Network {
    /// Sends a datagram.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);

    /// Carries out an operation of a stream.
    fn stream(&mut self, id: StreamId, op: StreamOp);

    /// Shows what happened, on a display or a serial line.
    fn show(&mut self, event: &Event);
}

/// A node and its network.
#[derive(Debug)]
pub struct Member<N> {
    node: Node,
    network: N,
}

impl<N: Network> Member<N> {
    /// Starts a member that knows no peers yet. `seed` comes from the chip's random generator.
    ///
    /// # Errors
    ///
    /// The settings cannot work.
    pub fn start(
        settings: Settings,
        seed: [u8; 32],
        now: Instant,
        network: N,
    ) -> Result<Self, ConfigError> {
        let node = Node::new(settings.config(), seed, now)?;
        Ok(Member { node, network })
    }

    /// Joins the cluster of the node at this address.
    ///
    /// # Errors
    ///
    /// Too many requests are in progress.
    pub fn join(&mut self, now: Instant, contact: SocketAddr) -> Result<(), CommandError> {
        self.node.join(now, contact)?;
        self.carry_out();
        Ok(())
    }

    /// Takes a datagram.
    pub fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.node.handle_packet(now, from, datagram);
        self.carry_out();
    }

    /// Accepts a connection. On an error, the chip closes it.
    ///
    /// # Errors
    ///
    /// Too many streams are open.
    pub fn accept(&mut self, now: Instant, from: SocketAddr) -> Result<StreamId, Refused> {
        let accepted = self.node.handle_accept(now, from);
        self.carry_out();
        accepted
    }

    /// Takes an input of a stream.
    pub fn receive_on(&mut self, now: Instant, id: StreamId, input: StreamInput<'_>) {
        self.node.handle_stream(now, id, input);
        self.carry_out();
    }

    /// Does the work that is due, and returns the time of the next call.
    pub fn tick(&mut self, now: Instant) -> Option<Instant> {
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
            self.carry_out();
        }
        self.node.poll_timeout()
    }

    /// The node, for queries.
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// The network.
    pub const fn network(&mut self) -> &mut N {
        &mut self.network
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Packet { to, payload, .. } => self.network.send(to, &payload),
                Output::Stream { id, op } => self.network.stream(id, op),
                Output::Event(event) => self.network.show(&event),
                // The member list also shows the result of a join.
                Output::Answer { .. } => {}
            }
        }
    }
}
