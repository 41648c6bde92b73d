//! Variants of foca: the user's choices that matter here.

/// A variant of a foca cluster.
pub trait Kind {
    /// Its name in the tables.
    const NAME: &'static str;
    /// The bytes of each identity on the wire for the member's name.
    const NAME_BYTES: usize = 0;
    /// The multiple of the default time that a suspect has.
    const PATIENCE: u32 = 1;
}

/// The smallest variant: members have an address and no name.
#[derive(Clone, Copy, Debug)]
pub struct Lean;

impl Kind for Lean {
    const NAME: &'static str = "foca";
}

/// Each identity carries a name, as in this library: a length and 5 characters.
#[derive(Clone, Copy, Debug)]
pub struct Named;

impl Kind for Named {
    const NAME: &'static str = "foca, with names";
    const NAME_BYTES: usize = 6;
}

/// A suspect has as long as this library's longest suspicion.
#[derive(Clone, Copy, Debug)]
pub struct Patient;

impl Kind for Patient {
    const NAME: &'static str = "foca, patient";
    const PATIENCE: u32 = 6;
}
