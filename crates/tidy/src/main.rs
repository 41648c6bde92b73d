//! Prints violations of this repository's rules: `cargo run -p tidy`. See the library.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use tidy::{Repository, calls, exceptions, owners};

const USAGE: &str = "\
usage: tidy [calls | exceptions | owners]

Prints violations of this repository's rules. Exits with 1 if there are any.

  calls        print the files of swim-core that call each other in a circle, and the calls
  exceptions   print the line in exceptions.txt that each finding would need
  owners       print a table of the owners of swim-core: fields, callers, lines";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if !matches!(arguments[..], [] | ["calls" | "exceptions" | "owners"]) {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let repository = match Repository::read() {
        Ok(repository) => repository,
        Err(why) => {
            eprintln!("tidy: {why}");
            return ExitCode::from(2);
        }
    };
    match arguments[..] {
        ["calls"] => {
            say(calls::Calls::of(&repository.sources));
            return ExitCode::SUCCESS;
        }
        ["owners"] => {
            return match owners::Owners::of(&repository.sources) {
                Ok(owners) => {
                    say(owners);
                    ExitCode::SUCCESS
                }
                Err(why) => {
                    eprintln!("tidy: {why}");
                    ExitCode::from(2)
                }
            };
        }
        _ => {}
    }
    let findings = repository.check();
    match arguments[..] {
        ["exceptions"] => {
            findings.iter().for_each(|finding| say(exceptions::line_for(finding) + "\n"));
        }
        _ => findings.iter().for_each(|finding| say(format_args!("{finding}\n"))),
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints, unless the reader is gone, such as `head`. The exit code reports the result anyway.
fn say(what: impl Display) {
    let _ = write!(std::io::stdout(), "{what}");
}
