//! Finds the program `swim`.

use std::path::PathBuf;
use std::process::Command;

use crate::error::Error;

/// Returns the program `swim` beside this one.
///
/// Under `cargo run` it is built first, from the current code.
pub(crate) fn beside_this_program() -> Result<PathBuf, Error> {
    let this = std::env::current_exe()
        .map_err(|error| Error::new(format!("cannot find the folder of this program: {error}")))?;
    let folder = this.parent().unwrap_or(&this);
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "swim-cli"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let built = build.status().is_ok_and(|status| status.success());
        if !built {
            return Err(Error::new("the agents cannot be built: 'cargo build -p swim-cli' fails"));
        }
    }
    let swim = folder.join("swim");
    if swim.is_file() {
        return Ok(swim);
    }
    Err(Error::new(format!(
        "there is no program {}: build it with 'cargo build -p swim-cli', or name another with \
         --swim",
        swim.display()
    )))
}
