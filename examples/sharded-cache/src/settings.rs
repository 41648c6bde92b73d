//! Settings of a node of the cache.

/// The longest line of a client in bytes, without its end. It bounds the memory of a connection.
pub const LINE_SIZE_MAX: usize = 16 << 10;

/// Settings of a node of the cache.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The port for clients and peers; 0 takes a free one.
    pub port: u16,
    /// Bytes of keys and values that a node holds. New keys evict the oldest ones.
    pub bytes_max: usize,
    /// A bug to plant, so that tests can show that their checkers find it.
    #[doc(hidden)]
    pub flaw: Flaw,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { port: 0, bytes_max: 64 << 20, flaw: Flaw::None }
    }
}

/// A planted bug.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// The owner of a key depends on the node that is asked.
    DisagreesOnOwners,
    /// A node keeps the keys that it no longer owns.
    KeepsKeys,
    /// A leaving node does not hand over its keys.
    LeavesWithKeys,
    /// A node answers with the value of another key of the same length.
    MixesKeys,
    /// A node waits for an owner without a limit.
    WaitsForOwner,
    /// A node takes a key that is handed over although it has a newer value.
    TakesOldValues,
}
