//! Runs the programs of this package as a user does. Cargo gives their paths only to tests of this
//! package; all other tests are in `tests`, a package of its own.

mod program;
