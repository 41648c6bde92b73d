//! Agents with certificates.

#[cfg(feature = "tls")]
use rustix::process::Signal;
use swim_test_certificates::{Authority, Folder};

use crate::common::swim;
#[cfg(feature = "tls")]
use crate::common::{Agent, secs};

/// The flags for the files of a node in this folder.
fn flags(folder: &Folder, node: &str) -> Vec<String> {
    let at = |name: String| folder.path().join(name).display().to_string();
    [
        ("--tls-ca", format!("{node}-ca.pem")),
        ("--tls-certificate", format!("{node}.pem")),
        ("--tls-key", format!("{node}.key")),
    ]
    .into_iter()
    .flat_map(|(flag, name)| [flag.to_owned(), at(name)])
    .collect()
}

#[cfg(feature = "tls")]
fn start(folder: &Folder, node: &str, join: &[&str]) -> Agent {
    let flags = flags(folder, node);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    Agent::start_at("127.0.0.1:0", node, "tls", join, &flags)
}

#[cfg(feature = "tls")]
#[test]
fn agents_with_certificates_join_and_take_renewed_ones_at_a_hangup() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let issue = |node| {
        let _ = folder.files(node, &[&authority], &authority.issue(&[node]));
    };
    issue("a");
    issue("b");
    let mut a = start(&folder, "a", &[]);
    let reload = |event| {
        let mark = a.mark();
        a.signal(Signal::HUP);
        a.wait(mark, secs(20), event, |line| line.is(event)).json
    };
    issue("a");
    assert_eq!(reload("reloaded")["changed"], serde_json::json!(["certificates"]));
    folder.put("a.pem", "");
    let told = reload("error").to_string();
    assert!(told.contains("a.pem has no certificate"), "{told}");

    let b = start(&folder, "b", &[&a.address]);
    b.wait(0, secs(20), "joined", |line| line.is("join_done"));

    // Its CA differs: both report it, with the remedy.
    let stranger = Authority::new("other");
    let _ = folder.files("c", &[&stranger], &stranger.issue(&["c"]));
    let mark = a.mark();
    let c = start(&folder, "c", &[&a.address]);
    let failed = c.wait(0, secs(20), "a failed join", |line| line.is("join_failed"));
    let told = failed.json["message"].as_str().unwrap().to_string();
    assert!(
        told.contains("is from a CA that is not in this node's tls_ca: give the peer"),
        "{told}"
    );
    let heard = a.wait(mark, secs(20), "a failure of TLS", |line| line.is("tls_failed"));
    assert_eq!(heard.json["reason"], "tls_own_unknown_ca");
    a.signal(Signal::TERM);
    assert_eq!(a.wait_for_exit(secs(10)).code(), Some(0));
}

#[cfg(feature = "tls")]
#[test]
fn an_agent_says_which_file_it_cannot_use() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let _ = folder.files("a", &[&authority], &authority.issue(&["a"]));
    folder.put("a.key", &authority.issue(&["b"]).key);
    contains(&refusal(&flags(&folder, "a")), "does not belong to the certificate");
}

#[cfg(not(feature = "tls"))]
#[test]
fn an_agent_that_was_built_without_tls_refuses_certificates() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let _ = folder.files("a", &[&authority], &authority.issue(&["a"]));
    contains(&refusal(&flags(&folder, "a")), "build it with the feature tls");
}

#[test]
fn all_three_files_are_needed() {
    let flags = ["--tls-ca".to_owned(), "ca.pem".to_owned()];
    contains(&refusal(&flags), "tls_ca is set without tls_certificate and tls_key");
}

/// The message of an agent that refuses to start with these flags.
fn refusal(flags: &[String]) -> String {
    let mut command = swim(&["agent", "--name", "a", "--cluster", "tls", "--bind", "127.0.0.1:0"]);
    let output = command.args(flags).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

fn contains(told: &str, expected: &str) {
    assert!(told.contains(expected), "{told}");
}
