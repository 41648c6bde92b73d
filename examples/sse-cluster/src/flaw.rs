//! Bugs that tests plant, to see that their checkers find them.

/// A bug that a test plants.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// Clients are not told that events are missing.
    HidesGaps,
    /// Clients that come back get only what is new.
    ForgetsPositions,
    /// Clients that were further at another node are set back to where this one is.
    GoesBack,
}
