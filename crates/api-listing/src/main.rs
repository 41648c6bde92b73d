//! Compares the public API of every published crate with a committed listing, so that reviews see
//! each change: `cargo run -p api-listing`.
#![forbid(unsafe_code)]

mod changes;
mod listing;
mod pages;

use std::fmt::Display;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use changes::Changes;

const USAGE: &str = "\
usage: api-listing [--write]

Compares the public API of every crate to be published with crates/NAME/public-api.txt, prints what
is gone (-) and what is new (+). Reads the documentation of adapters as well, and prints where it
names a crate below them. Exits with 1 if there is something to print. It needs the compiler that
.ci/compiler names, and exits with 2 on any other.

  --write   writes the listings instead";

/// The published crates with a library, and the features that show all of it.
const CRATES: &[(&str, &[&str])] = &[
    ("swim-core", &["serde"]),
    ("swim-driver", &["serde", "toml"]),
    ("swim-sim", &[]),
    ("swim-sockets", &["async-io"]),
    ("swim-tls", &[]),
    ("swim-tokio", &["serde", "signal", "tls", "toml"]),
    ("swim-smol", &["serde", "tls", "toml"]),
    ("swim-async-std", &["serde", "tls", "toml"]),
    ("swim-agent", &[]),
];

/// The crates whose documentation must be enough for their users, and the crates below them, which
/// it must not name.
const ADAPTERS: &[(&str, &[&str])] = &[
    ("swim-tokio", BELOW_ADAPTERS),
    ("swim-smol", BELOW_ADAPTERS),
    ("swim-async-std", BELOW_ADAPTERS),
];

const BELOW_ADAPTERS: &[&str] = &[
    "swim_driver",
    "swim_core",
    "swim_sockets",
    "swim_tls",
    "swim-driver",
    "swim-core",
    "swim-sockets",
    "swim-tls",
];

fn main() -> ExitCode {
    if let Some(code) = listing::as_rustdoc() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let write = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--write"] => true,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match go_through(&repository(), write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            say("If changes of an API are meant: cargo run -p api-listing -- --write");
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("api-listing: {why}");
            ExitCode::from(2)
        }
    }
}

/// Compares or writes all listings. Returns true if they match or were written.
fn go_through(repository: &Path, write: bool) -> Result<bool, String> {
    listing::check_compiler(repository)?;
    let mut as_committed = true;
    for (name, features) in CRATES {
        let now = listing::of(repository, name, features)?;
        let path = repository.join("crates").join(name).join("public-api.txt");
        if write {
            let text = now.join("\n") + "\n";
            fs::write(&path, text).map_err(|why| format!("{}: {why}", path.display()))?;
            say(format_args!("{name}: {} items written", now.len()));
            continue;
        }
        let committed = fs::read_to_string(&path)
            .map_err(|why| format!("{}: {why}: write it with --write", path.display()))?;
        let changes = Changes::between(&committed, &now);
        if changes.is_empty() {
            say(format_args!("{name}: {} items, as committed", now.len()));
        } else {
            as_committed = false;
            say(format_args!("{name}:\n{}", changes.to_string().trim_end()));
        }
        if let Some((_, below)) = ADAPTERS.iter().find(|(adapter, _)| adapter == name) {
            let named = pages::that_name(below, &listing::html(repository, name, features)?)?;
            let told = |place| say(format_args!("{name}: the documentation names {place}"));
            named.iter().for_each(told);
            as_committed &= named.is_empty();
        }
    }
    Ok(as_committed)
}

/// Prints a line, unless the reader is gone: then the exit code is enough.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The root of the repository that this program was built from.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
