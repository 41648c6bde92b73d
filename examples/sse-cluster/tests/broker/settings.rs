//! Settings of the program.

use std::process::Command;

use swim_interop::{Child, LIMIT};

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-cluster"));
    command.args(["--name", "a", "--bind", "127.0.0.1", "--gossip.port", "0"]);
    command.args(["--http.server.port", "0"]);
    command
}

#[track_caller]
fn expect(child: &Child, text: &str) {
    let found = child.lines.find(0, LIMIT, |line| line.text("text").contains(text));
    assert!(found.is_some(), "no '{text}':\n{}", child.lines.transcript());
}

#[test]
fn an_empty_variable_of_the_environment_is_as_good_as_none() {
    let mut command = command();
    for variable in [
        "ADVERTISE",
        "GOSSIP_PORT",
        "GOSSIP_HOSTS",
        "GOSSIP_SECRET_KEY",
        "KEY_FILE",
        "ALLOW_SHARED_KEY_FILE",
        "HTTP_CLIENT_TIMEOUT",
        "HTTP_SERVER_ENABLE_CORS",
        "TOKEN",
        "CLIENTS_MAX",
    ] {
        command.env(variable, "");
    }
    let child = Child::start(command);
    expect(&child, "HTTP on 127.0.0.1:");
}

#[test]
fn a_setting_that_cannot_work_is_refused_with_the_reason() {
    for (flag, value, reason) in [
        ("--clients-max", "0", "no client could listen: choose at least 1"),
        ("--http.client.timeout", "0s", "at least 1s"),
        ("--token", "", "an empty token protects nothing"),
        ("--gossip.secretKey", "short", "--gossip.secretKey"),
    ] {
        let mut command = command();
        command.args([flag, value]);
        let mut child = Child::start(command);
        assert_eq!(child.wait_for_end().code(), Some(2), "{flag}");
        expect(&child, reason);
    }
    let mut command = command();
    command.env("CLIENTS_MAX", "0");
    let mut child = Child::start(command);
    assert_eq!(child.wait_for_end().code(), Some(2));
    expect(&child, "no client could listen");
}
