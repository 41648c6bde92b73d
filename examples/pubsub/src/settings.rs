//! Settings of a node of the service.

/// The longest line of a client in bytes, without its end. It limits what a connection holds.
pub const LINE_SIZE_MAX: usize = 4096;

/// Settings of a node of the service.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The port for peers; 0 takes a free one.
    pub data_port: u16,
    /// The port for clients; 0 takes a free one.
    pub client_port: u16,
    /// How many of its latest messages a node keeps for peers that are behind; 0 counts as 1. A
    /// peer that is further behind misses messages, and is told how many.
    pub ring_messages_max: usize,
    /// How many bytes these may have; the latest message is kept in any case. Without this limit
    /// the messages would be limited in number alone.
    pub ring_bytes_max: usize,
    /// How many clients a node serves at once. Each takes a descriptor and a queue.
    pub clients_max: usize,
    /// How many of these from one address, so that one host does not keep all others out. Raise it
    /// behind a proxy.
    pub clients_per_address_max: usize,
    /// A bug to plant, so that tests can show that their checkers find it.
    #[doc(hidden)]
    pub flaw: Flaw,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            data_port: 0,
            client_port: 0,
            ring_messages_max: 4096,
            ring_bytes_max: 4 << 20,
            clients_max: 256,
            clients_per_address_max: 128,
            flaw: Flaw::None,
        }
    }
}

/// A planted bug.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// A receiver forgets how far it was when a link ends, so that messages arrive twice.
    ForgetsPosition,
    /// A receiver does not tell its subscribers of a gap.
    HidesGaps,
    /// A sender goes on with its latest message after a break, and the receiver believes it.
    SkipsAfterBreak,
    /// A receiver takes two messages that came together in the wrong order.
    SwapsMessages,
    /// Nobody is told when a node is gone that did not take its leave.
    HidesEnds,
    /// A node that leaves says that all is sent before it is.
    LeavesTooEarly,
    /// A message is taken only once every peer has it.
    WaitsForPeers,
}
