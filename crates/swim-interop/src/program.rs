//! The two kinds of member.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::go;
use crate::missing::Missing;
use crate::namespace::Namespace;

/// The implementation of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HashiCorp memberlist.
    Go,
    /// This library.
    Rust,
}

/// A program that runs one member.
#[derive(Clone, Debug)]
pub struct Program {
    /// The implementation it runs.
    pub kind: Kind,
    path: PathBuf,
}

impl Program {
    /// Builds `go-peer` into `folder`.
    ///
    /// # Errors
    ///
    /// If it cannot be built.
    pub fn go(folder: &str) -> Result<Self, Missing> {
        Ok(Program { kind: Kind::Go, path: go::build(Path::new(folder))? })
    }

    /// Returns the `rust-peer` that Cargo built.
    #[must_use]
    pub fn rust(path: &str) -> Self {
        Program { kind: Kind::Rust, path: path.into() }
    }

    pub(crate) fn command(&self, namespace: Option<&Namespace>) -> Command {
        match namespace {
            Some(namespace) => namespace.command(&self.path),
            None => Command::new(&self.path),
        }
    }
}
