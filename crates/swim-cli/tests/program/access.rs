//! Agents with keys, labels and networks, and their messages when those do not match.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::common::{Agent, Line, form_with, secs, swim, wait_for_exit};

/// A directory for one test, removed at its end.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Files {
        let directory = std::env::temp_dir().join(format!("swim-{}-{test}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Files(directory)
    }

    /// A file that only its owner can read, with that text.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        let mut file = File::create(&path).unwrap();
        file.set_permissions(Permissions::from_mode(0o600)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path.to_str().unwrap().to_string()
    }

    /// A file with a new key.
    fn key(&self, name: &str) -> String {
        self.write(name, &keygen(&[]))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // If it cannot be removed, it stays in the system's temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn keygen(arguments: &[&str]) -> String {
    let output = swim(&["keygen"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "the hint is for terminals");
    String::from_utf8(output.stdout).unwrap()
}

fn fingerprints(agent: &mut Agent) -> Vec<String> {
    let listed = agent.ask("key list", "keys");
    let keys = listed["keys"].as_array().unwrap();
    keys.iter().map(|key| key["fingerprint"].as_str().unwrap().to_string()).collect()
}

/// Checks that each agent lists all agents as alive, and never reported trouble.
fn all_alive(agents: &mut [Agent]) {
    let count = agents.len();
    for agent in agents {
        let members = agent.members();
        assert_eq!(members.len(), count, "{}: {members:?}", agent.name);
        assert!(members.iter().all(|(_, state)| state == "alive"), "{}: {members:?}", agent.name);
        for trouble in ["failed", "left", "bad_input"] {
            assert!(!agent.lines_from(0).iter().any(|line| line.is(trouble)), "{}", agent.name);
        }
    }
}

#[test]
fn keygen_prints_keys_of_every_cipher() {
    for (cipher, size) in [("aes-256", 44), ("aes-192", 32), ("aes-128", 24)] {
        let key = keygen(&["--cipher", cipher]);
        assert_eq!(key.trim_end().len(), size, "{cipher}");
        assert_ne!(key, keygen(&["--cipher", cipher]));
    }
    assert_eq!(keygen(&[]).len(), keygen(&["--cipher", "aes-256"]).len());
    assert!(keygen(&["--cipher", "xchacha20"]).starts_with("xchacha20:"));
}

#[test]
fn a_running_cluster_is_moved_to_encryption_and_to_another_key() {
    for wire in ["swim", "memberlist"] {
        let files = Files::new(&format!("moved-{wire}"));
        let (old, new) = (files.key("old"), files.key("new"));
        let mut agents = form_with("moved", &["a", "b", "c"], &["--wire", wire]);
        let everywhere = |agents: &mut Vec<Agent>, line: &str| {
            for agent in agents {
                assert!(agent.ask(line, "done")["command"].is_string());
            }
        };
        everywhere(&mut agents, "encryption off");
        everywhere(&mut agents, &format!("key install {old}"));
        everywhere(&mut agents, "encryption outgoing");
        everywhere(&mut agents, "encryption required");
        all_alive(&mut agents);

        everywhere(&mut agents, &format!("key install {new}"));
        let known = fingerprints(&mut agents[0]);
        assert_eq!(known.len(), 2);
        let told = agents[0].ask(&format!("key remove {}", known[0]), "error");
        assert!(told["message"].as_str().unwrap().contains("primary key cannot be removed"));
        everywhere(&mut agents, &format!("key use {}", known[1]));
        everywhere(&mut agents, &format!("key remove {}", known[0]));
        for agent in &mut agents {
            assert_eq!(fingerprints(agent), known[1..]);
            let told = agent.ask(&format!("key use {}", known[0]), "error");
            assert!(told["message"].as_str().unwrap().contains("not installed"));
        }
        // Reachable by datagram and by stream.
        assert_eq!(agents[0].ask("ping b", "pong")["name"], "b");
        assert_eq!(agents[1].ask("send-reliable c hello", "done")["name"], "c");
        all_alive(&mut agents);
    }
}

#[test]
fn a_running_cluster_is_moved_to_another_label() {
    let mut agents = form_with("old", &["a", "b"], &[]);
    for line in ["label old new", "label new old", "label new"] {
        for agent in &mut agents {
            assert_eq!(agent.ask(line, "done")["command"], "label");
        }
        assert_eq!(agents[0].ask("send-reliable b hello", "done")["name"], "b");
    }
    all_alive(&mut agents);
    let late = Agent::start("late", "new", &[&agents[0].address]);
    late.wait(0, secs(10), "join_done", |line| line.is("join_done"));
}

#[test]
fn nothing_of_a_key_is_printed_and_nothing_of_it_is_kept() {
    let files = Files::new("secret");
    let (wrong, right) = (files.key("wrong"), files.key("right"));
    let with = |key| ["--key-file", key];
    let first = Agent::start_at("127.0.0.1:0", "a", "kept", &[], &with(&right));
    let mut agent = Agent::start_at("127.0.0.1:0", "b", "kept", &[&first.address], &with(&wrong));
    let failed = agent.wait(0, secs(10), "join_failed", |line| line.is("join_failed")).json;
    assert!(failed["hint"].as_str().unwrap().contains("--key-file"), "{failed}");
    let told = first.wait(0, secs(10), "bad_input", |line| line.is("bad_input")).json;
    assert_eq!(told["reason"], "wrong_key");
    assert!(told["hint"].as_str().unwrap().contains("'key list'"), "{told}");
    agent.ask(&format!("key install {wrong}"), "done");
    agent.ask("key list", "keys");
    let secret = fs::read_to_string(&wrong).unwrap();
    for line in agent.lines_from(0) {
        assert!(!line.json.to_string().contains(secret.trim()), "{}", line.json);
    }
    // Commands of an earlier run have no effect on a new one.
    let address = agent.address.clone();
    drop(agent);
    let agent = Agent::start_at(&address, "b", "kept", &[&first.address], &with(&right));
    agent.wait(0, secs(10), "join_done", |line| line.is("join_done"));
}

#[test]
fn strangers_at_an_encrypted_port_are_told_apart_once_each() {
    let files = Files::new("strangers");
    let key = files.key("key");
    let agent = Agent::start_at("127.0.0.1:0", "a", "strange", &[], &["--key-file", &key]);
    let plain = Agent::start("b", "strange", &[]);
    for _ in 0..3 {
        for bytes in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC]]
        {
            let mut stranger = TcpStream::connect(&agent.address).unwrap();
            // The agent may close the connection before everything is written.
            let _ = stranger.write_all(bytes);
        }
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"GET / HTTP/1.1\r\n", &agent.address).unwrap();
    }
    let mut plain = plain;
    plain.ask(&format!("add-seed {}", agent.address), "done");
    let told = |reason: &'static str| {
        move |line: &Line| line.is("bad_input") && line.json["reason"] == reason
    };
    for (reason, explanation, flag) in [
        ("http", "an HTTP request", "--bind"),
        ("tls", "a TLS handshake", "--key-file"),
        ("plaintext", "not encrypted, as this node requires", "--encryption off on all members"),
    ] {
        let line = agent.wait(0, secs(20), reason, told(reason)).json;
        assert_eq!(line["explanation"], explanation);
        assert!(line["hint"].as_str().unwrap().contains(flag), "{line}");
    }
    let count = |reason| agent.lines_from(0).iter().filter(|line| told(reason)(line)).count();
    assert_eq!((count("http"), count("tls"), count("plaintext")), (1, 1, 1));
    plain.refuse(0, secs(1), "joined", |line| line.is("joined"));
}

#[test]
fn other_wires_labels_and_networks_are_told_with_what_to_change() {
    let joining = |wire: [&str; 2], cluster, address: &str| {
        Agent::start_at("127.0.0.1:0", "b", cluster, &[address], &wire)
    };
    let swim_wire = Agent::start("a", "hints", &[]);
    let go_wire = Agent::start_at("127.0.0.1:0", "a", "hints", &[], &["--wire", "memberlist"]);
    // Strangers dial from 127.0.0.1, like all connections to a loopback address.
    let fenced = ["--allow-network", "127.9.0.0/16", "--allow-network", "fd00::/8"];
    let fenced = Agent::start_at("127.9.0.1:0", "a", "hints", &[], &fenced);
    for (at, wire, cluster, reason, flag) in [
        (&swim_wire, "memberlist", "hints", "memberlist", "--wire memberlist"),
        (&swim_wire, "swim", "other", "label_mismatch", "--cluster"),
        (&go_wire, "swim", "hints", "swim", "--wire"),
        (&go_wire, "memberlist", "other", "label_mismatch", "--label-also"),
        (&fenced, "swim", "hints", "not_allowed", "--allow-network"),
    ] {
        let other = joining(["--wire", wire], cluster, &at.address);
        let failed = other.wait(0, secs(10), "join_failed", |line| line.is("join_failed"));
        assert!(failed.json["seeds"].is_array());
        let told = |line: &Line| line.is("bad_input") && line.json["reason"] == reason;
        let line = at.wait(0, secs(10), reason, told).json;
        assert!(line["hint"].as_str().unwrap().contains(flag), "{line}");
    }
}

#[test]
fn key_files_and_variables_that_cannot_be_used() {
    let files = Files::new("unusable");
    let agent = ["agent", "--name", "a", "--cluster", "c", "--bind", "127.0.0.1:0"];
    let refused = |further: &[&str], variable: Option<&str>| {
        let mut command = swim(&agent);
        command.args(further).stdin(Stdio::null());
        if let Some(value) = variable {
            command.env("SWIM_KEY", value);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        told
    };
    let bad = files.write("bad", "# a password\nhunter2\n");
    let xchacha = files.write("xchacha", &keygen(&["--cipher", "xchacha20"]));
    let key = files.key("key");
    for (further, variable, expected) in [
        (&["--key-file", "/nowhere/key"][..], None, "cannot read the key file /nowhere/key"),
        (&["--key-file", &bad], None, "line 2: the key is not standard base64"),
        (&["--key-file", &key], Some("x"), "both --key-file and SWIM_KEY"),
        (&[], Some(""), "SWIM_KEY is empty"),
        (&[], Some("hunter2"), "SWIM_KEY, key 1: the key is not standard base64"),
        (&["--key-file", &xchacha, "--wire", "memberlist"], None, "swim keygen"),
        (&["--compression", "maybe"], None, "on or off"),
        (&["--application-versions", "5:2:4"], None, "MIN:MAX:CURRENT"),
        (&["--allow-network", "10.0.0.0/40"], None, "10.1.0.0/16"),
        (&["--key", "c2VjcmV0"], None, "--key"),
    ] {
        let told = refused(further, variable);
        assert!(told.contains(expected), "{further:?}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_key_file_that_others_can_read_is_refused_unless_that_is_allowed() {
    let files = Files::new("open");
    let key = files.key("key");
    let shared = "--allow-shared-key-file";
    for (mode, further, is_refused) in [
        (0o600, None, false),
        (0o400, None, false),
        (0o440, None, true),
        (0o604, None, true),
        (0o620, None, true),
        (0o644, None, true),
        (0o400, Some(shared), false),
        (0o440, Some(shared), false),
        (0o644, Some(shared), false),
    ] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let agent = ["agent", "--name", "a", "--cluster", "c", "--bind", "127.0.0.1:0"];
        let mut child = swim(&agent)
            .args(["--key-file", &key])
            .args(further)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A refused agent may have ended already.
        let _ = child.stdin.take().unwrap().write_all(b"leave\n");
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let code = if is_refused { 2 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{mode:o}: {told}");
        assert_eq!(told.contains(&format!("mode {mode:04o}")), is_refused, "{mode:o}: {told}");
        for remedy in [&format!("chmod 600 {key}"), shared] {
            assert_eq!(told.contains(remedy), is_refused, "{mode:o}: {told}");
        }
        let started = String::from_utf8(output.stdout).unwrap().contains("encrypted with key ");
        assert_ne!(started, is_refused);
    }
}

#[test]
fn a_key_file_that_others_can_read_is_not_installed_unless_that_is_allowed() {
    let files = Files::new("install-open");
    let key = files.key("key");
    fs::set_permissions(&key, Permissions::from_mode(0o444)).unwrap();
    for (further, is_refused) in [(&[][..], true), (&["--allow-shared-key-file"], false)] {
        let mut agent = Agent::start_at("127.0.0.1:0", "a", "install-open", &[], further);
        let expected = if is_refused { "error" } else { "done" };
        let answer = agent.ask(&format!("key install {key}"), expected);
        let told = answer.to_string();
        assert_eq!(told.contains("--allow-shared-key-file"), is_refused, "{answer}");
        assert_eq!(fingerprints(&mut agent).len(), usize::from(!is_refused));
    }
}

#[test]
fn keys_can_come_from_the_environment() {
    let key = keygen(&[]);
    let files = Files::new("environment");
    let file = files.write("key", &key);
    let first = Agent::start_at("127.0.0.1:0", "a", "environment", &[], &["--key-file", &file]);
    let mut child = swim(&["agent", "--json", "--name", "b", "--cluster", "environment"])
        .args(["--bind", "127.0.0.1:0", "--profile", "local", "--join", &first.address])
        .env("SWIM_KEY", format!("{},{}", key.trim(), keygen(&[]).trim()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    first.wait(0, secs(10), "b joined", |line| line.is_about("joined", "b"));
    child.stdin.take().unwrap().write_all(b"leave\n").unwrap();
    assert_eq!(wait_for_exit(&mut child, secs(10)).code(), Some(0));
}
