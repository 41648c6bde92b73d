//! The kinds of things that may go wrong.

/// A kind of fault, or of something that an application does. A plan has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A process ends without a goodbye.
    Crash,
    /// A host loses its power.
    PowerOff,
    /// A process is started again with a new incarnation.
    Restart,
    /// ... or with an equal or lower one than its past.
    RestartBelow,
    /// An address is given to a node of another name.
    AddressReuse,
    /// A second node with the name of another is started.
    Twin,
    /// A process is stopped, in three ways.
    Pause,
    TimersFirst,
    HeldIo,
    /// Links are cut between two groups, ...
    Partition,
    /// ... from one node to another, ...
    CutOneWay,
    /// ... around one node, ...
    Isolation,
    /// ... or for datagrams alone.
    Block,
    Clog,
    Loss,
    LossOfOne,
    Bursts,
    Duplication,
    Reordering,
    Bandwidth,
    Latency,
    ClockJump,
    Drift,
    /// A node says goodbye, and may come back.
    Leave,
    /// Nodes join each other once more.
    Join,
    Meta,
    Broadcasts,
    Messages,
    /// A node is told to forget another.
    Forget,
}

impl Fault {
    pub(super) const ALL: [Fault; 29] = [
        Fault::Crash,
        Fault::PowerOff,
        Fault::Restart,
        Fault::RestartBelow,
        Fault::AddressReuse,
        Fault::Twin,
        Fault::Pause,
        Fault::TimersFirst,
        Fault::HeldIo,
        Fault::Partition,
        Fault::CutOneWay,
        Fault::Isolation,
        Fault::Block,
        Fault::Clog,
        Fault::Loss,
        Fault::LossOfOne,
        Fault::Bursts,
        Fault::Duplication,
        Fault::Reordering,
        Fault::Bandwidth,
        Fault::Latency,
        Fault::ClockJump,
        Fault::Drift,
        Fault::Leave,
        Fault::Join,
        Fault::Meta,
        Fault::Broadcasts,
        Fault::Messages,
        Fault::Forget,
    ];

    /// Whether nodes may lose each other by it in a way that only a join mends: a process without
    /// memory, or a node that was told to look for another no more.
    pub(super) fn needs_joins(self) -> bool {
        use Fault::{AddressReuse, Crash, Forget, Leave, PowerOff, Restart, RestartBelow, Twin};
        let kinds = [Crash, PowerOff, Restart, RestartBelow, AddressReuse, Twin, Leave, Forget];
        kinds.contains(&self)
    }
}
