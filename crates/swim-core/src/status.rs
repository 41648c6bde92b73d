//! Whether a node takes part in the cluster.

/// Whether a node takes part in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// It takes part.
    #[default]
    Running,
    /// It is spreading its leave message.
    Leaving,
    /// It has left: it still answers, but starts nothing. It may join again.
    Left,
}
