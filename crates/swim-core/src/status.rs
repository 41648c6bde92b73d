//! Whether a node takes part in the cluster.

/// Whether a node takes part in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// It takes part.
    #[default]
    Running,
    /// It said goodbye and is spreading the word.
    Leaving,
    /// It has left: it still answers, but starts nothing. It may join again.
    Left,
}
