//! The programs of this package, run as a user runs them. Cargo gives their paths to tests of this
//! package alone; all other tests are in `tests`, a package of its own.

mod program;
