//! Settings from a file and from the environment.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::Signal;

use crate::common::{Agent, secs, swim};

/// A folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("swim-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    }
}

impl Folder {
    /// A file that only its owner can read.
    fn secret(&self, name: &str, text: &str) -> String {
        let path = self.write(name, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // An error here would hide the failure of the test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keygen() -> String {
    let output = swim(&["keygen"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The metadata of tags in JSON: hexadecimal, since it is not text.
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_hangup_reads_keys_tags_seeds_and_the_log_level_again_and_does_not_leave() {
    let folder = Folder::new("reload");
    let (old, new) = (keygen(), keygen());
    let key_file = folder.write("keys", &old);
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = |rest: &str| {
        format!(
            "[node]\nkey_file = 'keys'\nlabel = 'reload'\nbind = '127.0.0.1:0'\n{rest}\n\
             [protocol]\nprofile = 'local'\n"
        )
    };
    let file = folder.write("swim.toml", &settings("tags = { role = 'db' }"));
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    let further = ["--key-file", &key_file];
    let peer = Agent::start_at("127.0.0.1:0", "b", "reload", &[&agent.address], &further);
    agent.wait(0, secs(10), "b joined", |line| line.is_about("joined", "b"));
    let fingerprints = |agent: &mut Agent| {
        let keys = agent.ask("key list", "keys")["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["fingerprint"].as_str().unwrap().into()).collect::<Vec<String>>()
    };
    let before = fingerprints(&mut agent);

    folder.write("keys", &format!("{old}{new}"));
    let changed = "tags = { role = 'cache' }\nseeds = ['127.0.0.1:1']\nevents_max = 9\n";
    folder.write("swim.toml", &(settings(changed) + "[agent]\nlog = 'swim=info'\n"));
    let mark = agent.mark();
    agent.signal(Signal::HUP);
    let told = agent.wait(mark, secs(20), "reloaded", |line| line.is("reloaded")).json;
    let changes = told["changed"].to_string();
    for expected in ["keys ", "tags role=cache", "seed 127.0.0.1:1 added", "log swim=info"] {
        assert!(changes.contains(expected), "{told}");
    }
    assert_eq!(told["restart"], serde_json::json!(["events_max"]));
    let after = fingerprints(&mut agent);
    assert_eq!((after.len(), &after[0]), (2, &before[0]));
    let seen = |line: &crate::common::Line| line.is_about("updated", "a");
    assert!(peer.wait(0, secs(10), "updated", seen).json.to_string().contains(&hex("cache")));

    // An invalid file changes nothing.
    folder.write("swim.toml", &settings("tags = { role = 7 }"));
    let mark = agent.mark();
    agent.signal(Signal::HUP);
    let told = agent.wait(mark, secs(10), "error", |line| line.is("error")).json;
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("swim.toml, line 5: tags must be a table of strings"), "{told}");
    assert_eq!(fingerprints(&mut agent), after);

    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}

/// Has the agent reload its settings, and returns the line about it.
fn reload(agent: &mut Agent) -> serde_json::Value {
    let mark = agent.mark();
    agent.signal(Signal::HUP);
    agent.wait(mark, secs(20), "reloaded", |line| line.is("reloaded")).json
}

#[test]
fn hangups_do_not_harm_an_agent_whose_input_has_ended() {
    let folder = Folder::new("ended");
    let file = folder.write(
        "swim.toml",
        "[node]\nlabel = 'ended'\nbind = '127.0.0.1:0'\n[protocol]\nprofile = 'local'\n",
    );
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    agent.close_stdin();
    for _ in 0..5 {
        assert_eq!(reload(&mut agent)["changed"], serde_json::json!([]));
    }
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn a_hangup_leaves_keys_alone_of_which_the_file_says_nothing_new() {
    let folder = Folder::new("rotating");
    folder.secret("key", &keygen());
    let further = folder.secret("further", &keygen());
    let settings = |keys: &str, role: &str| {
        format!(
            "[node]\n{keys}label = 'rotating'\nbind = '127.0.0.1:0'\ntags = {{ role = '{role}' }}\n\
             [protocol]\nprofile = 'local'\n"
        )
    };
    let keyed = "key_file = 'key'\n";
    let file = folder.write("swim.toml", &settings(keyed, "db"));
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    agent.ask(&format!("key install {further}"), "done");
    folder.write("swim.toml", &settings(keyed, "cache"));
    let told = reload(&mut agent);
    assert_eq!(told["changed"], serde_json::json!(["tags role=cache"]));
    assert_eq!(agent.ask("key list", "keys")["keys"].as_array().unwrap().len(), 2);

    // Without keys it could not reach its peers, so the last key stays while it runs.
    folder.write("swim.toml", &settings("", "cache"));
    for _ in 0..2 {
        assert_eq!(reload(&mut agent)["restart"], serde_json::json!(["key_file"]));
    }
    folder.write("swim.toml", &settings(keyed, "cache"));
    assert_eq!(reload(&mut agent)["restart"], serde_json::json!([]));
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn a_hangup_takes_all_keys_of_a_file_at_once_also_after_one_that_took_none() {
    let folder = Folder::new("all-keys");
    folder.secret("one", &keygen());
    folder.secret("another", &keygen());
    let many: String = (0..16).map(|_| keygen()).collect();
    folder.secret("many", &many);
    let settings = |keys: &str| {
        format!(
            "[node]\n{keys}label = 'all-keys'\nbind = '127.0.0.1:0'\n\
             [protocol]\nprofile = 'local'\n"
        )
    };
    let file = folder.write("swim.toml", &settings("key_file = 'one'\n"));
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    let mut keys_after = |keys: &str| {
        folder.write("swim.toml", &settings(keys));
        reload(&mut agent);
        let keys = agent.ask("key list", "keys")["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["fingerprint"].to_string()).collect::<Vec<_>>()
    };
    let one = keys_after("");
    let another = keys_after("key_file = 'another'\n");
    assert_eq!((one.len(), another.len()), (1, 1));
    assert_ne!(one, another);
    // A full ring in place of another key, and one key in place of a full ring.
    let full = keys_after("key_file = 'many'\n");
    assert_eq!(full.len(), 16);
    assert!(!full.contains(&another[0]));
    assert_eq!(keys_after("key_file = 'one'\n"), one);
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn a_hangup_gives_no_first_key() {
    let folder = Folder::new("first-key");
    folder.secret("key", &keygen());
    let settings = |keys: &str| {
        format!(
            "[node]\n{keys}label = 'first'\nbind = '127.0.0.1:0'\n[protocol]\nprofile = 'local'\n"
        )
    };
    let file = folder.write("swim.toml", &settings(""));
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    folder.write("swim.toml", &settings("key_file = 'key'\n"));
    let told = reload(&mut agent);
    assert_eq!(told["changed"], serde_json::json!([]));
    assert_eq!(told["restart"], serde_json::json!(["key_file"]));
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn encryption_that_is_asked_for_needs_a_key() {
    for asked in ["outgoing", "required"] {
        let arguments = ["agent", "--bind", "127.0.0.1:0", "--cluster", "c", "--encryption", asked];
        let output = swim(&arguments).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        let expected = format!("--encryption: encryption \"{asked}\" needs a key: set --key-file");
        assert!(told.contains(&expected), "{told}");
    }
    let bind = ["--bind", "127.0.0.1:0", "--cluster", "c"];
    let variable = [("SWIM_ENCRYPTION", "required")];
    assert_refused(&bind, &variable, "SWIM_ENCRYPTION: encryption \"required\" needs a key");
}

/// Expects that an agent refuses to start with this message.
fn assert_refused(arguments: &[&str], environment: &[(&str, &str)], expected: &str) {
    let output = swim(&["agent"])
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with(&format!("swim: {expected}")), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn what_a_settings_file_lacks_or_has_wrong_is_told_by_its_keys() {
    let folder = Folder::new("lacking");
    let file = folder.write("swim.toml", "[node]\nbind = '127.0.0.1:0'\n");
    assert_refused(&["--config", &file], &[], &format!("{file}: label is missing in [node]"));

    let text = "[node]\nlabel = 'c'\nkey_file = 'nowhere'\n";
    let file = folder.write("swim.toml", text);
    let expected = format!("{file}, line 3: key_file: cannot read the key file ");
    assert_refused(&["--config", &file], &[], &expected);

    let key = folder.write("key", &keygen());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let file = folder.write("swim.toml", "[node]\nlabel = 'c'\nkey_file = 'key'\n");
    for (arguments, environment, origin, allow) in [
        (
            &["--config", &file][..],
            &[][..],
            format!("{file}, line 3: key_file"),
            "allow_shared_key_file = true",
        ),
        (
            &["--bind", "127.0.0.1:0", "--cluster", "c", "--key-file", &key],
            &[],
            "--key-file".into(),
            "--allow-shared-key-file",
        ),
        (
            &["--bind", "127.0.0.1:0", "--cluster", "c"],
            &[("SWIM_KEY_FILE", &*key)],
            "SWIM_KEY_FILE".into(),
            "SWIM_ALLOW_SHARED_KEY_FILE=true",
        ),
    ] {
        let expected = format!(
            "{origin}: other users can read the key file {key} (mode 0644): run 'chmod 600 {key}', \
             or set {allow} if it is a mounted secret"
        );
        assert_refused(arguments, environment, &expected);
    }
    let file = folder.write(
        "swim.toml",
        "[node]\nlabel = 'c'\nbind = '127.0.0.1:0'\nkey_file = 'key'\n\
         allow_shared_key_file = true\n",
    );
    let mut agent = Agent::run(&["--config", &file, "--name", "a"]);
    assert_eq!(agent.ask("key list", "keys")["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_environment_has_wrong_is_told_in_its_own_syntax() {
    for (name, value, expected) in [
        (
            "SWIM_TAGS",
            "role",
            "SWIM_TAGS: tags must be KEY=VALUE, separated by commas, such as role=cache,zone=a, \
             not \"role\"",
        ),
        (
            "SWIM_SEEDS",
            "cache-1:http",
            "SWIM_SEEDS: seeds = \"cache-1:http\": \"cache-1:http\" is not a seed: the port is not",
        ),
        ("SWIM_PROFILE", "moon", "SWIM_PROFILE: profile must be lan or wan or local, not \"moon\""),
        (
            "SWIM_PROBE_INTERVAL",
            "true",
            "SWIM_PROBE_INTERVAL: probe_interval: 'true' is not a time: write one like 500ms",
        ),
        ("SWIM_AGENT_JSON", "yes", "SWIM_AGENT_JSON: json must be true or false, not \"yes\""),
        ("SWIM_AGENT_LOG", "wanr", "SWIM_AGENT_LOG: log = \"wanr\": \"wanr\" is not a level"),
    ] {
        let arguments = ["--bind", "127.0.0.1:0", "--cluster", "c"];
        assert_refused(&arguments, &[(name, value)], expected);
    }
}

#[test]
fn the_environment_goes_before_the_file_and_misspelt_variables_are_warned_of() {
    let folder = Folder::new("environment");
    let file = folder.write("swim.toml", "[node]\nname = 'file'\nlabel = 'file'\n");
    let output = swim(&["agent", "--json", "--config", &file, "--name", "flag"])
        .env("SWIM_NAME", "variable")
        .env("SWIM_LABEL", "variable")
        .env("SWIM_BIND", "127.0.0.1:0")
        .env("SWIM_PROBE_TIMOUT", "1s")
        .env("SWIM_SERVICE_HOST", "10.0.0.1")
        .env("SWIM_INTEROP_REQUIRE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            use std::io::Write;
            child.stdin.take().unwrap().write_all(b"leave\n")?;
            child.wait_with_output()
        })
        .unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{complaints}");
    let warned = "swim: warning: the environment variable SWIM_PROBE_TIMOUT is not a setting and \
                  has no effect; did you mean SWIM_PROBE_TIMEOUT?\n";
    assert_eq!(complaints, warned);
    let told = String::from_utf8(output.stdout).unwrap();
    let started: serde_json::Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    assert_eq!((&started["name"], &started["cluster"]), (&"flag".into(), &"variable".into()));
}

#[test]
fn a_misspelt_variable_is_told_also_where_its_lack_ends_the_program() {
    let output = swim(&["agent", "--cluster", "c"])
        .env("SWIM_BNID", "127.0.0.1:0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let [warning, error] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert!(warning.ends_with("did you mean SWIM_BIND?"), "{told}");
    assert!(error.starts_with("swim: missing: --bind <ADDR>"), "{told}");
}

#[test]
fn a_name_that_nobody_gives_is_that_of_the_host() {
    let mut agent =
        Agent::run(&["--cluster", "host", "--bind", "127.0.0.1:0", "--profile", "local"]);
    let host = rustix::system::uname().nodename().to_str().unwrap().to_string();
    assert_eq!(agent.wait(0, secs(1), "started", |line| line.is("started")).json["name"], host);
    agent.signal(Signal::TERM);
    assert_eq!(agent.wait_for_exit(secs(10)).code(), Some(0));
}
