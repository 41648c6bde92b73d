//! Settings of a node of the cache.

/// The longest line of a client in bytes, without its end. It limits what a connection holds.
pub const LINE_SIZE_MAX: usize = 16 << 10;

/// Settings of a node of the cache.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The port for clients and peers; 0 takes a free one.
    pub port: u16,
    /// How many bytes of keys and values a node holds. The oldest make way for new ones.
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
    /// A node keeps the keys that it does not own any more.
    KeepsKeys,
    /// A node that leaves takes its keys with it.
    LeavesWithKeys,
    /// A node answers for another key when that has the same length.
    MixesKeys,
    /// A node waits for an owner however long it takes.
    WaitsForOwner,
    /// A node takes a key that is handed over, even if it has a newer value.
    TakesOldValues,
}
