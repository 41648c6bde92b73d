//! One file for an application, the agent and the simulation.

use std::path::PathBuf;

use swim_tokio::settings::{NODE, NodeSettings, PROTOCOL, Profile, example};
use swim_tokio::{Options, Tags};

use super::*;
use crate::cli::{Cli, Command};
use crate::simulate::SimulateSettings;

const ALL: &str = "src/settings/all.toml";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn parsed(arguments: &[&str]) -> Command {
    use clap::Parser;
    let all = std::iter::once(&"swim").chain(arguments);
    Cli::try_parse_from(all).unwrap().command
}

fn node_defaults() -> NodeSettings {
    NodeSettings::new("node".parse().unwrap(), Profile::Lan)
}

/// `UPDATE_GOLDEN=1 cargo test -p swim-cli the_example` writes the file anew.
#[test]
fn the_example_file_is_what_the_readers_know_and_the_default() {
    let head = "# Settings of a swim node: for an application (Options::from_toml_file), for\n\
                # 'swim agent --config FILE' and for 'swim simulate --config FILE'. Each reads\n\
                # its own tables and skips the rest. This file has every setting with its\n\
                # default; keep only the settings that you change. Flags override environment\n\
                # variables, such as SWIM_PROBE_INTERVAL=500ms, and those override this file.\n\
                # Values in variables have no quotes, and commas separate the items of lists and\n\
                # tables: SWIM_TAGS=role=cache,zone=a. Put an item that contains a comma into\n\
                # the file.\n\n";
    let made = [
        example(&NODE, &node_defaults()),
        example(&PROTOCOL, &node_defaults()),
        example(&AGENT, &AgentSettings::default()),
        example(&SIMULATE, &SimulateSettings::default()),
    ];
    let made = format!("{head}{}", made.join("\n"));
    let path = folder().join("../../docs/swim.example.toml");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), made);

    let settings = Settings::read(&path).unwrap();
    let host = settings.node().unwrap().options.config.name;
    assert_eq!(settings.options().unwrap(), Options::lan(host));
    let mut agent = AgentSettings { json: true, ..AgentSettings::default() };
    settings.apply(&AGENT, &mut agent).unwrap();
    assert_eq!(agent, AgentSettings::default());
    let mut simulated = SimulateSettings { nodes: 7, ..SimulateSettings::default() };
    settings.apply(&SIMULATE, &mut simulated).unwrap();
    assert_eq!(simulated, SimulateSettings::default());
}

/// The settings of a table that have their default.
fn unchanged<T>(table: &Table<T>, defaults: &T, target: &T) -> Vec<&'static str> {
    let same = |setting: &&Setting<T>| setting.shown(defaults) == setting.shown(target);
    table.settings.iter().filter(same).map(|setting| setting.key).collect()
}

#[test]
fn one_file_with_all_fields_is_the_same_to_an_application_the_agent_and_the_simulation() {
    let path = folder().join(ALL);
    let file = path.to_str().unwrap();
    let application = Options::from_toml_file(&path).unwrap();
    assert_eq!(application.config.name, "cache-7");
    assert_eq!(application.seeds.len(), 2);
    let tags = Tags::decode(&application.config.meta).unwrap();
    assert_eq!(tags.to_string(), "role=cache,zone=a");

    let Command::Agent(arguments) = parsed(&["agent", "--config", file]) else { panic!() };
    let agent = crate::agent::load(&arguments).unwrap();
    assert_eq!(agent.node.options, application);
    let expected = AgentSettings {
        json: true,
        log: "swim=debug".into(),
        rpc: Some("/run/swim/cache-7.sock".into()),
        rpc_group: Some("adm".into()),
        metrics_listen: Some("10.0.0.7:9107".parse().unwrap()),
    };
    assert_eq!(agent.agent, expected);

    let Command::Simulate(arguments) = parsed(&["simulate", "--config", file]) else { panic!() };
    let asked = arguments.asked().unwrap();
    assert_eq!(asked.node.options, application);
    assert_eq!((asked.settings.nodes, asked.settings.seed), (12, 9));
    let plan = asked.plan().unwrap();
    assert_eq!((plan.nodes, plan.runs, plan.faults.len()), (12, 2, 4));
    assert_eq!(plan.config.probe_interval.as_secs(), 4);

    // The file has every field. A name has no default, and is not shown.
    let of_node = unchanged(&NODE, &node_defaults(), &agent.node);
    assert_eq!(of_node, ["name", "advertise", "meta", "key_file"]);
    // The default of compression depends on the wire, which the file changes.
    assert_eq!(unchanged(&PROTOCOL, &node_defaults(), &agent.node), ["compression"]);
    assert!(unchanged(&AGENT, &AgentSettings::default(), &agent.agent).is_empty());
    assert!(unchanged(&SIMULATE, &SimulateSettings::default(), &asked.settings).is_empty());
}

#[test]
fn a_flag_goes_before_the_file() {
    let path = folder().join(ALL);
    let file = path.to_str().unwrap();
    let flags = ["--name", "b", "--join", "10.0.0.9", "--tag", "zone=b", "--profile", "local"];
    let Command::Agent(arguments) = parsed(&[&["agent", "--config", file], &flags[..]].concat())
    else {
        panic!()
    };
    let agent = crate::agent::load(&arguments).unwrap().node;
    assert_eq!(agent.options.config.name, "b");
    assert_eq!(agent.options.seeds, ["10.0.0.9:7946"]);
    assert_eq!(agent.tags.to_string(), "role=cache,zone=b");
    assert_eq!(agent.profile, Profile::Local);
    // The file sets these, so the profile does not change them.
    assert_eq!(agent.options.config.gossip_nodes, 5);
}

#[test]
fn mistakes_in_the_tables_of_the_program_are_told_like_those_of_nodes() {
    for (text, expected) in [
        ("[agent]\njsn = true", "line 2: there is no setting jsn in [agent]; did you mean json?"),
        ("[agent]\njson = 1", "line 2: json must be true or false, not 1"),
        (
            "[agent]\nlog = \"swim=loud\"",
            "line 2: log = \"swim=loud\": \"loud\" is not a level; write",
        ),
        (
            "[agent]\nlog = \"wanr\"",
            "line 2: log = \"wanr\": \"wanr\" is not a level; write \"off\"",
        ),
        ("[agent]\nlog = \"swmi=info\"", "there is no log target \"swmi\"; write"),
        ("[agent]\nrpc = \"\"", "the path of a socket, a directory with a slash"),
        ("[agent]\nrpc_group = \"a:b\"", "the name or the number of a group"),
        ("[agent]\nmetrics_listen = \"9107\"", "expected IP:PORT or :PORT"),
        ("[simulate]\nloss = [\"1%\", \"2%\"]", "two losses for the whole time"),
        ("[simulate]\nnodes = 1", "nodes must be a whole number of nodes from 2 to 4_294_967_295"),
        ("[simulate]\nlatency = \"20\"", "write '20s' or '20ms'"),
        ("[simulate]\nloss = [\"5\"]", "did you mean 5%?"),
        ("[simulate]\nduration = \"0s\"", "above zero"),
        ("[simulate]\nprobe_interval = \"1s\"", "belongs in [protocol], not in [simulate]"),
    ] {
        let settings = Settings::parse(text).unwrap();
        let agent = settings.apply(&AGENT, &mut AgentSettings::default());
        let simulated = settings.apply(&SIMULATE, &mut SimulateSettings::default());
        let told = agent.and(simulated).unwrap_err().to_string();
        assert!(told.contains(expected), "{text:?}: {told}");
    }
}
