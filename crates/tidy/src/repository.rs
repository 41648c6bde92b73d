//! The files of this repository.

use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::layers::{self, Layers};
use crate::source::Source;
use crate::{calls, columns, exceptions, imports, links, promises, prose, reasons, sizes};

/// The files that rules check.
#[derive(Debug)]
pub struct Repository {
    /// Rust, Markdown, protobuf and Go files, and `.ci/run`.
    pub sources: Vec<Source>,
    layers: Layers,
    exceptions: String,
}

impl Repository {
    /// Reads the repository that contains this crate.
    ///
    /// # Errors
    /// If a file cannot be read, or does not parse.
    pub fn read() -> Result<Self, String> {
        let root = root();
        let sources: Vec<Source> = Self::paths()?
            .into_iter()
            .map(|path| Source::new(path.clone(), read(&root.join(&path))?))
            .collect::<Result<_, String>>()?;
        let layers = Layers::parse(&read(&root.join(layers::FILE))?)?;
        let exceptions = read(&root.join(exceptions::FILE))?;
        Ok(Repository { sources, layers, exceptions })
    }

    /// Returns the paths of the files that rules check, sorted, from the repository's root.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn paths() -> Result<Vec<String>, String> {
        let root = root();
        let mut paths = Vec::new();
        walk(&root, &root, &mut paths)?;
        paths.sort();
        Ok(paths)
    }

    /// Returns all violations, without regard to exceptions.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let sources = &self.sources;
        let mut findings = [
            imports::check(sources, &self.layers),
            calls::check(sources),
            sizes::check(sources),
            columns::check(sources),
            reasons::check(sources),
            promises::check(sources),
            prose::check(sources),
            links::check(sources, |path| root().join(path).exists()),
        ]
        .concat();
        findings.sort();
        findings
    }

    /// Returns the violations without an exception, and the unused exceptions.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        exceptions::apply(&self.exceptions, self.findings())
    }
}

/// Returns the violations in the repository that contains this crate.
///
/// # Errors
/// As for [`Repository::read`].
pub fn check() -> Result<Vec<Finding>, String> {
    Ok(Repository::read()?.check())
}

/// Returns the root of the repository that contains this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Collects the files below a folder, without build output and fuzzing data.
fn walk(root: &Path, folder: &Path, paths: &mut Vec<String>) -> Result<(), String> {
    let fails = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(fails)? {
        let path: PathBuf = entry.map_err(fails)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let is_skipped = ["target", "corpus", "crashes", "artifacts"].contains(&name.as_str());
            if !is_skipped && (!name.starts_with('.') || name == ".ci") {
                walk(root, &path, paths)?;
            }
        } else {
            let below = path.strip_prefix(root).map_err(|error| error.to_string())?;
            let below = below.to_string_lossy().replace('\\', "/");
            let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if below == ".ci/run" || ["rs", "md", "proto", "go"].contains(&extension.as_str()) {
                paths.push(below);
            }
        }
    }
    Ok(())
}
