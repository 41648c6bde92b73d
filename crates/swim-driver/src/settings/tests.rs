//! Tests of all settings.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use swim_core::{ConfigError, Wire};

use super::*;
use crate::tls_files::TlsFiles;

fn defaults() -> NodeSettings {
    NodeSettings::new(stand_in(), Profile::Lan)
}

fn wrong(text: &str) -> String {
    Options::from_toml(text).unwrap_err().to_string()
}

fn fields(debug: &str) -> BTreeSet<&str> {
    debug
        .lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}'])))
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect()
}

#[test]
fn the_example_has_every_setting_and_is_the_default() {
    let text = example(&NODE, &defaults()) + &example(&PROTOCOL, &defaults());
    let options = Options::from_toml(&text).unwrap();
    let host = options.config.name.clone();
    assert_eq!(options, Options::lan(host));
    for key in
        NODE.settings.iter().map(|it| it.key).chain(PROTOCOL.settings.iter().map(|it| it.key))
    {
        let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
        assert_eq!(text.lines().filter(|it| line(it)).count(), 1, "{key}");
    }
    // Every commented-out setting works when it is commented in.
    for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' ')) else {
            continue;
        };
        // Except files, which must exist, and TLS, which needs all three.
        if !["key_file", "tls_ca", "tls_certificate", "tls_key"].contains(&key) {
            let text = format!("[node]\n{line}\n");
            assert_eq!(Options::from_toml(&text).map(|_| ()), Ok(()), "{text}");
        }
    }
}

#[test]
fn every_field_of_the_options_can_be_set() {
    let shown = format!("{:#?}", Options::lan(stand_in()));
    let config = format!("{:#?}", Options::lan(stand_in()).config);
    let keys: BTreeSet<&str> = NODE
        .settings
        .iter()
        .map(|setting| setting.key)
        .chain(PROTOCOL.settings.iter().map(|setting| setting.key))
        .collect();
    let by_another_name = [
        ("config", "probe_interval"),
        ("address", "advertise"),
        ("keyring", "key_file"),
        ("versions", "protocol_versions"),
        ("sabotage", "name"),
        ("tls", "tls_ca"),
    ];
    let all: Vec<&str> = fields(&shown).into_iter().chain(fields(&config)).collect();
    assert!(all.len() > 55, "{all:?}");
    for field in all {
        let renamed = by_another_name.iter().find(|(name, _)| *name == field);
        let key = renamed.map_or(field, |(_, key)| key);
        assert!(keys.contains(key), "{field}");
    }
}

#[test]
fn tls_needs_all_its_files_which_begin_at_the_folder_of_the_settings() {
    let folder = std::env::temp_dir().join(format!("swim-tls-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("swim.toml");
    let all = "[node]\ntls_ca = 'ca.pem'\ntls_certificate = '/etc/node.pem'\n\
               tls_key = 'node.key'\nallow_shared_key_file = true\ntls_verify_name = true\n";
    std::fs::write(&file, all).unwrap();
    let mut expected =
        TlsFiles::new(folder.join("ca.pem"), "/etc/node.pem", folder.join("node.key"));
    expected.readers = Readers::Anybody;
    expected.verify_name = true;
    assert_eq!(Options::from_toml_file(&file).unwrap().tls, Some(expected));
    std::fs::remove_dir_all(&folder).unwrap();

    for (text, told) in [
        ("tls_ca = 'a'", "line 2: tls_ca is set without tls_certificate and tls_key"),
        ("tls_ca = 'a'\ntls_key = 'b'", "line 2: tls_ca is set without tls_certificate: TLS"),
        ("tls_verify_name = true", "line 2: tls_verify_name is set without tls_ca and"),
    ] {
        let error = Options::from_toml(&format!("[node]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(Options::from_toml("[node]\ntls_verify_name = false\n").unwrap().tls, None);
}

#[test]
fn ranges_are_those_that_the_core_checks() {
    /// Not bounded by the core.
    const BOUNDED_HERE: [&str; 1] = ["lost_members_keep"];
    let verdict = |node: &NodeSettings| {
        let address = "10.0.0.1:7946".parse().unwrap();
        node.options.config.clone().with(|config| config.address = address).validate()
    };
    // Rules across settings may reject a limit.
    let by_itself = |node: &NodeSettings| {
        if let Err(ConfigError::OutOfRange { beside: [], setting, must }) = verdict(node) {
            panic!("{setting}: {must}");
        }
    };
    for setting in PROTOCOL.settings {
        match setting.kind {
            Kind::Count { min, max, set, .. } => {
                let mut node = defaults();
                for edge in [min, max] {
                    let _ = set(&mut node, edge);
                    by_itself(&node);
                }
                for beyond in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                    if set(&mut node, beyond) {
                        assert!(verdict(&node).is_err(), "{} = {beyond}", setting.key);
                    }
                }
            }
            Kind::Time { min, max, set, .. } => {
                let mut node = defaults();
                for edge in [min, max] {
                    set(&mut node, edge);
                    by_itself(&node);
                }
                let beyond = [min.checked_sub(ABOVE_ZERO), max.checked_add(ABOVE_ZERO)];
                for beyond in beyond.into_iter().flatten() {
                    set(&mut node, beyond);
                    let refused = verdict(&node).is_err();
                    assert!(
                        refused || BOUNDED_HERE.contains(&setting.key),
                        "{} = {beyond:?}",
                        setting.key
                    );
                }
            }
            _ => {}
        }
    }
}

/// Every kind of mistake with its message. To write the messages anew:
/// `UPDATE_GOLDEN=1 cargo test -p swim-driver --features toml mistakes`.
#[test]
fn mistakes_are_told_as_in_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/settings/mistakes.txt");
    let golden = std::fs::read_to_string(&path).unwrap();
    let (head, cases) = golden.split_once("----\n").unwrap();
    let mut told = head.to_string();
    let mut count = 0;
    for case in cases.split("----\n") {
        let text = case.split(">>> ").next().unwrap();
        let message = wrong(text);
        assert!(!message.contains('\n'), "{message:?}");
        told.push_str(&format!("----\n{text}>>> {message}\n"));
        count += 1;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, told).unwrap();
        return;
    }
    assert_eq!(told, golden);
    assert!(count >= 30, "{count}");
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn flags_go_before_the_environment_that_before_the_file_that_before_the_profile() {
    let mut settings = Settings::parse(
        "[node]\nname = 'a'\nseeds = ['f:1', 'g:1']\nmeta = ''\n\
         [protocol]\nprofile = 'wan'\ngossip_nodes = 5\nindirect_probes = 5\n",
    )
    .unwrap();
    let variables = environment(&[
        ("SWIM_SEEDS", "e:1, h"),
        ("SWIM_INDIRECT_PROBES", "6"),
        ("SWIM_SUSPICION_MULT", "6"),
        ("SWIM_STREAM_PING", "false"),
        ("SWIM_PROBE_TIMEOUT", "2s"),
    ]);
    settings.add_variables(variables, &Settings::node_variables(), &[]).unwrap();
    let seven = Value::Bare("7".into());
    settings.add_flag("protocol", "suspicion_mult", "--suspicion-mult", seven);
    let options = settings.options().unwrap();
    let config = &options.config;
    assert_eq!(options.seeds, ["e:1", "h:7946"]);
    assert_eq!(config.probe_interval, std::time::Duration::from_secs(5));
    assert_eq!(config.probe_timeout, std::time::Duration::from_secs(2));
    assert_eq!((config.gossip_nodes, config.indirect_probes, config.suspicion_mult), (5, 6, 7));
    assert!(!config.stream_ping);
}

#[test]
fn the_wire_decides_what_goes_with_it_and_single_settings_go_before() {
    let options = Options::from_toml("[protocol]\nwire = 'memberlist'\n").unwrap();
    let expected = Options::lan(options.config.name.clone()).config.memberlist();
    assert_eq!(options.config, expected);
    let text = "[protocol]\ncompression = false\nwire = 'memberlist'\n";
    let options = Options::from_toml(text).unwrap();
    assert_eq!((options.config.wire, options.config.compression), (Wire::Memberlist, false));
}

#[test]
fn variables_that_are_no_settings_are_named_but_for_those_of_others() {
    let mut settings = Settings::new();
    let variables = environment(&[
        ("SWIM_PROBE_TIMOUT", "1s"),
        ("SWIM_COLOUR", "red"),
        ("SWIM_CLUSTER", "staging"),
        ("SWIM_KEYS", "secret"),
        ("SWIM_SEED", "10.0.0.1"),
        ("SWIM_SIM_SEEDS", "5"),
        ("SWIM_INTEROP_REQUIRE", "1"),
        ("SWIM_SERVICE_HOST", "10.0.0.1"),
        ("SWIM_PORT_7946_TCP_ADDR", "10.0.0.1"),
        ("SWIM_KEY", "secret"),
        ("HOME", "/"),
    ]);
    let unknown =
        settings.add_variables(variables, &Settings::node_variables(), &["SWIM_KEY"]).unwrap();
    let told: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    let no_effect =
        |name| format!("the environment variable {name} is not a setting and has no effect");
    assert_eq!(
        told,
        [
            no_effect("SWIM_CLUSTER") + "; did you mean SWIM_LABEL?",
            no_effect("SWIM_COLOUR") + "; see docs/swim.example.toml for all settings",
            no_effect("SWIM_KEYS") + "; did you mean SWIM_KEY?",
            no_effect("SWIM_PROBE_TIMOUT") + "; did you mean SWIM_PROBE_TIMEOUT?",
            no_effect("SWIM_SEED") + "; did you mean SWIM_SEEDS?",
        ]
    );
    let variables = environment(&[("SWIM_PROBE_TIMEOUT", "500")]);
    settings.add_variables(variables, &Settings::node_variables(), &[]).unwrap();
    let told = settings.options().unwrap_err().to_string();
    assert!(told.starts_with("SWIM_PROBE_TIMEOUT: ") && told.contains("no unit"), "{told}");
}

#[test]
fn a_file_is_named_and_its_keys_begin_at_its_folder() {
    let folder = std::env::temp_dir().join(format!("swim-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("swim.toml");
    let key = swim_core::Key::aes(&[7; 16]).unwrap();
    write_secret(&folder.join("keys"), key.to_text().as_str());
    std::fs::write(&file, "[node]\nkey_file = 'keys'\n").unwrap();
    let options = Options::from_toml_file(&file).unwrap();
    assert_eq!(options.config.keyring.primary(), Some(&key));

    std::fs::write(&file, "[node]\n\nkey_file = 'nowhere'\n").unwrap();
    let told = Options::from_toml_file(&file).unwrap_err();
    assert_eq!(told.line(), Some(3));
    assert!(
        told.to_string().contains("swim.toml, line 3: key_file: cannot read the key file"),
        "{told}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let told = Options::from_toml_file(&file).unwrap_err().to_string();
    assert!(told.starts_with("cannot read the settings file"), "{told}");
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) {}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused_unless_that_is_allowed() {
    let folder = std::env::temp_dir().join(format!("swim-shared-key-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let key = folder.join("keys");
    write_secret(&key, swim_core::Key::aes(&[7; 16]).unwrap().to_text().as_str());
    let shown = key.display();
    for (mode, allowed, is_refused) in [
        (0o400, "", false),
        (0o440, "", true),
        (0o604, "allow_shared_key_file = false\n", true),
        (0o644, "allow_shared_key_file = true\n", false),
    ] {
        set_mode(&key, mode);
        let read = Options::from_toml(&format!("[node]\nkey_file = '{shown}'\n{allowed}"));
        let told = read.map(|options| options.config.keyring.len()).map_err(|it| it.to_string());
        let refusal = format!(
            "line 2: key_file: other users can read the key file {shown} (mode {mode:04o}): run \
             'chmod 600 {shown}', or set allow_shared_key_file = true if it is a mounted secret"
        );
        assert_eq!(told, if is_refused { Err(refusal) } else { Ok(1) });
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn lists_and_tables_of_the_environment_have_commas_between() {
    let told = |name, value| {
        let mut settings = Settings::new();
        let known = Settings::node_variables();
        settings.add_variables(environment(&[(name, value)]), &known, &[]).unwrap();
        settings.options()
    };
    assert_eq!(told("SWIM_SEEDS", "a, b:1").unwrap().seeds, ["a:7946", "b:1"]);
    let tags = Tags::decode(&told("SWIM_TAGS", "role=cache,zone=a").unwrap().config.meta).unwrap();
    assert_eq!(tags.to_string(), "role=cache,zone=a");
    for (name, value, expected) in [
        (
            "SWIM_TAGS",
            "role",
            "SWIM_TAGS: tags must be KEY=VALUE, separated by commas, such as role=cache,zone=a, \
             not \"role\"",
        ),
        (
            "SWIM_ALLOWED_NETWORKS",
            "10.0.0.0/40",
            "SWIM_ALLOWED_NETWORKS: allowed_networks = \"10.0.0.0/40\": expected a network such as \
             10.1.0.0/16 or fd00::/8",
        ),
        ("SWIM_WIRE", "x", "SWIM_WIRE: wire must be swim or memberlist, not \"x\""),
        (
            "SWIM_GOSSIP_NODES",
            "many",
            "SWIM_GOSSIP_NODES: gossip_nodes must be a whole number of members from 1 to 16, not \
             \"many\"",
        ),
    ] {
        assert_eq!(told(name, value).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_example_names_the_variable_of_each_setting_and_writes_lists_as_it_has_them() {
    let text = example(&NODE, &defaults()).replace("\n# ", " ");
    for expected in [
        "Environment: SWIM_BIND.",
        "Environment: SWIM_SEEDS=cache-1.example.org:7946,10.0.0.2:7946.",
        "Environment: SWIM_TAGS=role=cache,zone=a.",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // The examples of lists and tables parse the same in both syntaxes.
    for setting in NODE.settings {
        let bare = match setting.kind {
            Kind::List { .. } | Kind::Map { .. } => setting.bare_example(),
            _ => continue,
        };
        let (mut by_file, mut by_variable) = (defaults(), defaults());
        let settings = Settings::parse(&format!("[node]\n{} = {}", setting.key, setting.example()));
        settings.unwrap().apply(&NODE, &mut by_file).unwrap();
        setting.set(&mut by_variable, &Value::Bare(bare)).unwrap();
        assert_eq!(by_file, by_variable, "{}", setting.key);
    }
}
