//! Settings of a node of the service.

/// The longest line of a client in bytes, without its end. It bounds the memory of a connection.
pub const LINE_SIZE_MAX: usize = 4096;

/// Settings of a node of the service.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The port for peers; 0 takes a free one.
    pub data_port: u16,
    /// The port for clients; 0 takes a free one.
    pub client_port: u16,
    /// How many of its latest messages a node keeps for peers that are behind; 0 counts as 1. A
    /// peer that is further behind misses messages, and learns how many.
    pub ring_messages_max: usize,
    /// Limit on the bytes of these messages; the latest message is always kept. Without it, only
    /// their number would be limited.
    pub ring_bytes_max: usize,
    /// Clients served at a time. Each takes a descriptor and a queue.
    pub clients_max: usize,
    /// Clients served at a time from one address, so that one host cannot keep all other hosts out.
    /// Raise it behind a proxy.
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
    /// A receiver forgets its position when a link ends, so that messages arrive twice.
    ForgetsPosition,
    /// A receiver does not report gaps to its subscribers.
    HidesGaps,
    /// After a break, a sender skips to its latest message, and the receiver accepts that.
    SkipsAfterBreak,
    /// A receiver swaps two messages that came together.
    SwapsMessages,
    /// Subscribers get no notice when a publisher is gone without a leave.
    HidesEnds,
    /// A leaving node announces that everything is sent before it is.
    LeavesTooEarly,
    /// A message is taken only once every peer has it.
    WaitsForPeers,
}
