//! Bugs that tests plant, to show that their checkers find them.

/// A bug that a test plants.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// Clients get no gap events.
    HidesGaps,
    /// Clients that come back get only new events.
    ForgetsPositions,
    /// A client that had read further at another node is set back to this node's position.
    GoesBack,
}
