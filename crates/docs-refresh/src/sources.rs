//! The sources of the parts: files of the repository, and the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{crates, events, tables};

/// The repository, and its program.
#[derive(Clone, Debug)]
pub struct Sources {
    root: PathBuf,
    swim: PathBuf,
}

impl Sources {
    /// The repository that this crate is part of, with this program `swim`.
    #[must_use]
    pub fn new(swim: PathBuf) -> Self {
        Sources { root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), swim }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a part.
    pub(crate) fn make(&self, what: &str) -> Result<String, String> {
        let (kind, rest) = what.split_once(' ').unwrap_or((what, ""));
        match kind {
            "run" => Ok(fenced("text", &self.output_of(rest)?)),
            "bench" => self.bench(rest),
            "file" => Ok(fenced(language(rest), &without_front_page(&self.read(rest)?))),
            "settings" => tables::settings(&self.read("docs/swim.example.toml")?),
            "events" => events::table(
                &self.read("crates/swim-core/src/output.rs")?,
                &self.read("crates/swim-core/src/output/kind.rs")?,
            ),
            "crates" => crates::table(&self.root),
            "counters" => Ok(tables::counters()),
            "instructions" => tables::instructions(&self.read("benches/instructions.txt")?),
            _ => Err(format!("nothing is made from \"{what}\": see the docs of docs-refresh")),
        }
    }

    /// The standard output of the program.
    fn output_of(&self, arguments: &str) -> Result<String, String> {
        printed(self.command().args(arguments.split_whitespace()))
    }

    /// The output of a program of `benches/` that `docs/refresh` has built for release.
    fn bench(&self, arguments: &str) -> Result<String, String> {
        let (name, arguments) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let target = self.swim.parent().and_then(Path::parent).ok_or("no target folder")?;
        let program =
            target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION);
        printed(Command::new(program).args(arguments.split_whitespace()))
    }

    /// The program, with none of the settings that the environment may have.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.swim);
        let of_swim = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("SWIM_") || name.starts_with("CLICOLOR")
        });
        of_swim.for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.current_dir(&self.root).env("COLUMNS", "100");
        command
    }

    fn read(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }
}

/// The standard output of a program that ends well.
fn printed(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}: build it first"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name}: {}: {said}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

fn language(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("rs") => "rust",
        Some("toml") => "toml",
        _ => "text",
    }
}

/// A file without the documentation of its crate, which is for readers of the code.
fn without_front_page(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}
