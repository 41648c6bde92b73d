//! Folders of certificates.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use swim_driver::TlsFiles;
use tempfile::{NamedTempFile, TempDir};

use crate::authority::{Authority, Issued};

/// A folder of certificates, removed when this is dropped.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    /// An empty folder.
    #[must_use]
    pub fn new() -> Self {
        Folder { folder: tempfile::tempdir().unwrap() }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the files of a node: its trusted CAs, its certificate and its key.
    ///
    /// Only the owner can read the key.
    #[must_use]
    pub fn files(&self, node: &str, trusted: &[&Authority], own: &Issued) -> TlsFiles {
        let trusted: String = trusted.iter().map(|authority| authority.pem()).collect();
        TlsFiles::new(
            self.put(&format!("{node}-ca.pem"), &trusted),
            self.put(&format!("{node}.pem"), &own.certificate),
            self.put(&format!("{node}.key"), &own.key),
        )
    }

    /// Puts a file in place atomically, like `mv`. Only its owner can read it.
    pub fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        let mut file = NamedTempFile::new_in(self.path()).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file.persist(&path).unwrap();
        path
    }

    /// Reads a file of the folder.
    #[must_use]
    pub fn get(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }
}

impl Default for Folder {
    fn default() -> Self {
        Folder::new()
    }
}
