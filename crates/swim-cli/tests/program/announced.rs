//! The addresses that agents announce, and those that they refuse to announce.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::common::{Agent, form_with, secs, swim};
use crate::usage::{agent, refused};

/// The loopback interface.
const LOOPBACK: &str = if cfg!(target_os = "linux") { "lo" } else { "lo0" };

/// Starts an agent that leaves at once. Returns its first line, and its standard error.
fn started(further: &[&str]) -> (Value, String) {
    let arguments = agent(&[&["--json"], further].concat());
    let mut command = swim(&arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"leave\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{further:?}: {told}");
    let printed = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(printed.lines().next().unwrap()).unwrap(), told)
}

fn announced(started: &Value) -> String {
    let address = started["address"].as_str().unwrap();
    address.rsplit_once(':').unwrap().0.to_string()
}

#[test]
fn s66_an_agent_outside_of_its_own_allowed_networks_does_not_start() {
    for (further, announced) in [
        (&["--bind", "127.0.0.1:0"][..], "127.0.0.1"),
        (&["--bind", "127.0.0.1:0", "--advertise", "192.0.2.7"], "192.0.2.7"),
        (&["--bind", ":0", "--advertise", "192.0.2.7:80"], "192.0.2.7"),
    ] {
        let line = refused(&agent(&[further, &["--allow-network", "10.0.0.0/8"]].concat()));
        let told = format!("would announce {announced}, which is in none of allowed_networks");
        assert!(line.contains(&told), "{line}");
        assert!(line.contains(r#"(["10.0.0.0/8"], --allow-network)"#), "{line}");
        assert!(line.contains(&format!("or add {announced}/32")), "{line}");
    }
    // From the block reserved for documentation: no machine has it.
    let line = refused(&agent(&["--bind", ":0", "--allow-network", "203.0.113.0/24"]));
    assert!(line.contains("is in allowed_networks (203.0.113.0/24)"), "{line}");
    assert!(line.contains("127.0.0.1 (lo"), "it says what there is: {line}");
}

#[test]
fn s66_agents_on_every_interface_announce_an_allowed_address_and_meet() {
    let first = Agent::start_at("127.0.0.1:0", "a", "allowed", &[], &[]);
    for bind in [":0", "[::]:0"] {
        let name = if bind == ":0" { "b" } else { "c" };
        let allowed = ["--allow-network", "127.0.0.0/8"];
        let agent = Agent::start_at(bind, name, "allowed", &[&first.address], &allowed);
        assert!(agent.address.starts_with("127.0.0.1:"), "{}", agent.address);
        first.wait(0, secs(35), "it joined", |line| line.is_about("joined", name));
    }
}

#[test]
fn s66_agents_inside_of_their_allowed_networks_meet() {
    form_with("inside", &["a", "b"], &["--allow-network", "127.0.0.0/8"]);
}

#[test]
fn s68_addresses_that_belong_to_no_single_agent_are_not_announced() {
    for (address, kind) in [
        ("0.0.0.0", "an unspecified address"),
        ("[::]:7946", "an unspecified address"),
        ("224.0.0.1", "a multicast address"),
        ("[ff02::1]:7946", "a multicast address"),
        ("255.255.255.255:7946", "a broadcast address"),
        ("169.254.7.7", "a link-local address"),
        ("fe80::1", "a link-local address"),
    ] {
        let line = refused(&agent(&["--bind", ":0", "--advertise", address]));
        assert!(line.contains(&format!("peers cannot reach this node at {kind}")), "{line}");
    }
    for (address, kind) in [
        ("224.0.0.1:0", "224.0.0.1, a multicast address"),
        ("255.255.255.255:0", "255.255.255.255, a broadcast address"),
        ("169.254.7.7:0", "169.254.7.7, a link-local address"),
        ("[fe80::1%1]:0", "fe80::1, a link-local address"),
    ] {
        let line = refused(&agent(&["--bind", address]));
        assert!(line.contains(&format!("bind is {kind}")), "{line}");
        assert!(line.contains("set advertise to"), "{line}");
    }
}

#[test]
fn s68_loopback_is_announced_with_a_warning_where_the_agent_listens_elsewhere_too() {
    for further in [
        &["--bind", ":0", "--advertise", "127.0.0.1"][..],
        &["--bind", ":0", "--advertise-interface", LOOPBACK],
        &["--bind", ":0", "--advertise-network", "127.0.0.0/8"],
        &["--bind", ":0", "--allow-network", "127.0.0.0/8"],
    ] {
        let (line, told) = started(further);
        assert_eq!(announced(&line), "127.0.0.1", "{further:?}");
        assert!(told.starts_with("swim: warning: 127.0.0.1:"), "{told:?}");
        assert!(told.contains("--advertise") && told.lines().count() == 1, "{told:?}");
    }
    let (line, told) = started(&["--bind", "127.0.0.1:0"]);
    assert_eq!((announced(&line), &*told), ("127.0.0.1".into(), ""));
}

#[test]
fn an_agent_announces_an_address_of_its_interface_and_of_its_network() {
    for bind in [":0", "127.0.0.1:0"] {
        let of = ["--advertise-interface", LOOPBACK, "--advertise-network", "127.0.0.0/8"];
        let (line, _) = started(&[&["--bind", bind], &of[..]].concat());
        assert_eq!(announced(&line), "127.0.0.1", "{bind}");
    }
    for (further, expected) in [
        (&["--bind", ":0", "--advertise-interface", "none7"][..], "advertise_interface is none7"),
        (&["--bind", ":0", "--advertise-network", "203.0.113.0/24"], "advertise_network (203.0"),
        (
            &["--bind", "127.0.0.1:0", "--advertise-network", "10.0.0.0/8"],
            "127.0.0.1 only, which is not in advertise_network (10.0.0.0/8)",
        ),
        (
            &["--bind", ":0", "--advertise", "10.0.0.1", "--advertise-network", "10.0.0.0/8"],
            "'--advertise <ADDR>' cannot be used with '--advertise-network <CIDR>'",
        ),
    ] {
        let line = refused(&agent(further));
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn a_flag_and_a_variable_that_both_say_which_address_to_announce_are_told() {
    let arguments = agent(&["--bind", ":0", "--advertise", "10.0.0.1"]);
    let output = swim(&arguments)
        .env("SWIM_ADVERTISE_INTERFACE", "eth0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("advertise_interface (\"eth0\", SWIM_ADVERTISE_INTERFACE)"), "{told}");
    assert!(told.contains("advertise (\"10.0.0.1:0\", --advertise)"), "{told}");
}
