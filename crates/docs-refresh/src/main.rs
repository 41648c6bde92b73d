//! Writes the parts of the docs that are made: see the library, and `docs/refresh`.

use std::path::PathBuf;
use std::process::ExitCode;

use docs_refresh::{Sources, draw_demo, refresh};

const USAGE: &str = "\
usage: docs/refresh [--check | --demo]

Writes the parts of the docs that are made from code and from what programs print.

  --check   write nothing; exit with 1 if a part is stale
  --demo    run the demo, and draw its picture, docs/demo.svg";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] => made(false),
        ["--check"] => made(true),
        ["--demo"] => sources().and_then(|sources| draw_demo(&sources)).map(|()| true),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("docs/refresh: {why}");
            ExitCode::from(2)
        }
    }
}

/// The program `swim` is built beside this one.
fn sources() -> Result<Sources, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let swim: PathBuf = own.with_file_name(format!("swim{}", std::env::consts::EXE_SUFFIX));
    Ok(Sources::new(swim))
}

/// Makes all parts. Whether the pages are as they should be now.
fn made(is_check: bool) -> Result<bool, String> {
    let outcomes = refresh(&sources()?, is_check)?;
    let mut is_stale = false;
    for outcome in &outcomes {
        for what in &outcome.stale {
            is_stale = true;
            let verb = if is_check { "is stale; run docs/refresh" } else { "was written anew" };
            println!("{}: \"{what}\" {verb}", outcome.path.display());
        }
    }
    let parts: usize = outcomes.iter().map(|outcome| outcome.parts).sum();
    println!("{parts} parts in {} pages", outcomes.len());
    Ok(!is_check || !is_stale)
}
