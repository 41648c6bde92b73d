//! Wrong usage is reported in one line on standard error, with exit code 2.

use std::net::UdpSocket;
use std::process::{Output, Stdio};

use crate::common::swim;

/// Valid arguments of an agent.
const AGENT: [&str; 7] = ["agent", "--name", "a", "--cluster", "c", "--profile", "local"];

/// Every command of the program.
const COMMANDS: [&str; 14] = [
    "agent", "demo", "simulate", "keygen", "members", "info", "join", "leave", "tags", "ping",
    "rtt", "stats", "monitor", "forget",
];

fn run(arguments: &[&str]) -> Output {
    swim(arguments).stdin(Stdio::null()).output().expect("swim starts")
}

/// Runs the program, expects a refusal, and returns its one line.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let line = told.strip_prefix("swim: ").and_then(|told| told.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("{arguments:?}: {told:?}")).to_string();
    assert!(!line.contains('\n'), "{arguments:?}: {told}");
    line
}

/// Valid arguments of an agent, and these further ones.
pub(crate) fn agent<'a>(further: &[&'a str]) -> Vec<&'a str> {
    AGENT.iter().chain(further).copied().collect()
}

#[test]
fn wrong_arguments() {
    for (arguments, expected) in [
        (vec![], "requires a subcommand"),
        (vec!["agnet"], "unrecognized subcommand 'agnet'"),
        (vec!["--frob"], "unexpected argument '--frob'"),
        (vec!["demo", "--nodes", "2"], "2 is not in 3..=50"),
        (vec!["demo", "--nodes", "51"], "51 is not in 3..=50"),
        (vec!["demo", "--nodes", "five"], "'five' for '--nodes <N>'"),
        (vec!["demo", "5"], "unexpected argument '5'"),
        (vec!["agent"], "missing: --bind <ADDR> --cluster <LABEL>, or a settings file"),
        (agent(&[]), "missing: --bind <ADDR>, or"),
        (agent(&["--bind", "127.0.0.1:0", "--tag", "role"]), "--tag"),
        (
            vec!["agent", "--cluster", "c", "--bind", ":0", "--name", "a\nb"],
            "must not contain control characters",
        ),
        (agent(&["--bind", "127.0.0.1:0", "--name", ""]), "--name"),
        (agent(&["--bind", "localhost:1"]), "expected IP:PORT, IP or :PORT"),
        (agent(&["--bind", "127.0.0.1:65536"]), "expected IP:PORT, IP or :PORT"),
        (agent(&["--bind", "127.0.0.1:0", "--advertise", "0.0.0.0:1"]), "unspecified"),
        (agent(&["--bind", "127.0.0.1:0", "--join", ":1"]), "--join"),
        (
            agent(&["--bind", "127.0.0.1:0", "--join", "host:port"]),
            "\"host:port\" is not a seed: the port is not a number",
        ),
        (agent(&["--bind", "127.0.0.1:0", "--wire", "carrier-pigeon"]), "swim, memberlist"),
        (vec!["agent", "--name", "a", "--bind", "127.0.0.1:0", "--wire", "swim"], "--cluster"),
        (vec!["keygen", "--cipher", "rot13"], "aes-256"),
        (vec!["agent", "--profile", "moon"], "'moon'"),
    ] {
        let line = refused(&arguments);
        assert!(line.contains(expected), "{arguments:?}: {line}");
        assert!(line.contains("--help'"), "{arguments:?}: {line}");
    }
    let long = "x".repeat(256);
    let line = refused(&["agent", "--name", &long, "--cluster", "c", "--bind", "127.0.0.1:0"]);
    assert!(line.contains("at most 255 bytes"), "{line}");
    let line = refused(&["agent", "--name", "a", "--cluster", &long, "--bind", "127.0.0.1:0"]);
    assert!(line.contains("at most 255 bytes"), "{line}");
}

#[test]
fn metadata_that_does_not_fit() {
    let line = refused(&agent(&["--bind", "127.0.0.1:0", "--meta", &"x".repeat(513)]));
    assert!(line.contains("513 bytes") && line.contains("512"), "{line}");
}

#[test]
fn a_port_that_is_taken() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&agent(&["--bind", &address]));
    assert!(line.contains(&address) && line.contains("stop the other program"), "{line}");
}

#[test]
fn an_address_that_this_machine_does_not_have() {
    // From the block reserved for documentation: no machine has it.
    let line = refused(&agent(&["--bind", "192.0.2.1:0"]));
    assert!(line.contains("192.0.2.1"), "{line}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_cannot_be_written() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [agent(&["--bind", "127.0.0.1:0"]), vec!["demo"], vec!["simulate"]] {
        let output = swim(&arguments).stdin(Stdio::null()).stdout(full()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.starts_with("swim: cannot write to standard output"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_log_filter_that_is_none() {
    let output = swim(&["demo"]).env("RUST_LOG", "swim=loud").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("swim: RUST_LOG") && told.lines().count() == 1, "{told}");
}

#[test]
fn help_and_version_are_no_errors() {
    for (arguments, expected) in [
        (&["--version"][..], concat!("swim ", env!("CARGO_PKG_VERSION"), "\n")),
        (&["help"], "Usage: swim [OPTIONS] <COMMAND>"),
        (&["--help"], "swim demo"),
        (&["help", "agent"], "swim agent [OPTIONS] --bind <ADDR> --cluster <LABEL>"),
        (&["help", "agent"], "swim agent [OPTIONS] --config <FILE>"),
        (&["help", "agent"], "[alias: --label]"),
        (&["help", "keygen"], "aes-256"),
        (&["demo", "--help"], "--nodes <N>"),
        (&["simulate", "--help"], "--crash <N[@TIME]>"),
    ] {
        let output = run(arguments);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_is_at_most_100_columns_wide() {
    for command in COMMANDS {
        for help in ["-h", "--help"] {
            let output = run(&[command, help]);
            let told = String::from_utf8(output.stdout).unwrap();
            for line in told.lines() {
                assert!(line.chars().count() <= 100, "{command} {help}: {line}");
            }
        }
    }
}
