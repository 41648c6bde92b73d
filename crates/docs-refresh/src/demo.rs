//! The picture of the demo.

use std::fs;
use std::process::{Command, Stdio};

use anstyle_svg::{Term, WIN10_CONSOLE};

use crate::sources::Sources;

/// The file of the picture, from the root of the repository.
const PICTURE: &str = "docs/demo.svg";

/// Pixels: the lines of the demo have at most 100 columns.
const WIDTH: usize = 860;

/// Runs the demo, which takes a few seconds, and draws what it printed. The run is on real sockets,
/// so no two pictures are equal; the picture names the commit.
///
/// # Errors
///
/// When the demo fails, or the picture cannot be written.
pub fn draw_demo(sources: &Sources) -> Result<(), String> {
    let output = sources
        .command()
        .arg("demo")
        .env("CLICOLOR_FORCE", "1")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("swim demo: {error}"))?;
    if !output.status.success() {
        return Err(format!("swim demo: {}", output.status));
    }
    let told = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let commit = commit(sources)?;
    let told = format!("$ swim demo\n{}...\n", beginning(&told)?);
    let picture = Term::new().palette(WIN10_CONSOLE).min_width_px(WIDTH).render_svg(&told);
    let picture = format!("<!-- Made by docs/refresh at {commit}. -->\n{picture}");
    fs::write(sources.root().join(PICTURE), picture).map_err(|error| format!("{PICTURE}: {error}"))
}

/// The part of the output that the picture shows: a cluster forms, and a node crashes.
fn beginning(told: &str) -> Result<&str, String> {
    let end = told.find("3. ").ok_or("swim demo printed no third part")?;
    let start_of_line = told[..end].rfind('\n').map_or(0, |at| at + 1);
    Ok(&told[..start_of_line])
}

fn commit(sources: &Sources) -> Result<String, String> {
    let output = Command::new("git")
        .args(["log", "-1", "--format=%h of %cs"])
        .current_dir(sources.root())
        .output()
        .map_err(|error| format!("git: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
