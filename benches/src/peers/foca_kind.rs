//! Which foca: what its user decides, and what makes a difference here.

/// What a foca cluster is made of.
pub trait Kind {
    /// What it is called in the tables.
    const NAME: &'static str;
    /// How many bytes each identity takes on the wire for the name of the member.
    const NAME_BYTES: usize = 0;
    /// How many times as long as by default a suspect has.
    const PATIENCE: u32 = 1;
}

/// As small as it gets: members have an address and no name.
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

/// A suspect has as long as it has at most in this library.
#[derive(Clone, Copy, Debug)]
pub struct Patient;

impl Kind for Patient {
    const NAME: &'static str = "foca, patient";
    const PATIENCE: u32 = 6;
}
