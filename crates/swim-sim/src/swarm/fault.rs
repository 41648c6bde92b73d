//! The kinds of faults and actions.

/// A kind of fault, or of an application's actions. A plan has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A process ends without a leave message.
    Crash,
    /// A host loses power.
    PowerOff,
    /// A process restarts with a new incarnation.
    Restart,
    /// ... or with one equal to or lower than its last.
    RestartBelow,
    /// An address passes to a node of another name.
    AddressReuse,
    /// A second node with the name of another starts.
    Twin,
    /// A process stalls, in three ways.
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
    /// A node leaves, and may come back.
    Leave,
    /// Nodes join each other again.
    Join,
    Meta,
    Broadcasts,
    Messages,
    /// A node is asked to forget another.
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

    /// Whether it can separate nodes so that only a join helps: a process loses its memory, or a
    /// node stops looking for another.
    pub(super) fn needs_joins(self) -> bool {
        use Fault::{AddressReuse, Crash, Forget, Leave, PowerOff, Restart, RestartBelow, Twin};
        let kinds = [Crash, PowerOff, Restart, RestartBelow, AddressReuse, Twin, Leave, Forget];
        kinds.contains(&self)
    }
}
