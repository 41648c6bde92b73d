//! Prints what breaks a rule of this repository: `cargo run -p tidy`. See the library.

use std::process::ExitCode;

use tidy::{Repository, calls, exceptions};

const USAGE: &str = "\
usage: tidy [calls | exceptions]

Prints what breaks a rule of this repository, and exits with 1 if something does.

  calls        prints the files of swim-core that call each other in a circle, and the calls
  exceptions   prints the line of the list of exceptions that each finding would need";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if !matches!(arguments[..], [] | ["calls" | "exceptions"]) {
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
    let findings = repository.check();
    match arguments[..] {
        ["calls"] => {
            print!("{}", calls::Calls::of(&repository.sources));
            return ExitCode::SUCCESS;
        }
        ["exceptions"] => {
            findings.iter().for_each(|finding| println!("{}", exceptions::line_for(finding)));
        }
        _ => findings.iter().for_each(|finding| println!("{finding}")),
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
