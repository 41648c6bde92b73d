//! Simulations from the command line.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{secs, swim, wait_for_exit};

/// A small and short simulation, so that a test can run many.
const SMALL: [&str; 5] = ["simulate", "--nodes", "8", "--runs", "3"];

fn run(further: &[&str]) -> Output {
    let arguments: Vec<&str> = SMALL.iter().chain(further).copied().collect();
    swim(&arguments).stdin(Stdio::null()).output().expect("swim starts")
}

/// The output of a successful run.
fn told(further: &[&str]) -> String {
    let output = run(further);
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{further:?}: {complaints}");
    assert!(complaints.is_empty(), "neither bar nor complaint: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

fn report(further: &[&str]) -> Value {
    let told = told(&[further, &["--json"]].concat());
    assert_eq!(told.lines().count(), 1, "{told}");
    serde_json::from_str(&told).unwrap()
}

/// The one line of a refusal.
fn refused(further: &[&str]) -> String {
    let arguments: Vec<&str> = ["simulate"].iter().chain(further).copied().collect();
    let output = swim(&arguments).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{further:?}: {told}");
    assert!(output.stdout.is_empty(), "{further:?}");
    assert!(told.starts_with("swim: ") && told.lines().count() == 1, "{further:?}: {told:?}");
    told
}

/// A file with this name for this process only.
fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("swim-simulate-{}-{name}", std::process::id()))
}

#[test]
fn a_simulation_tells_figures_and_what_follows_from_them() {
    let told = told(&[]);
    let words: Vec<&str> = told.split_whitespace().collect();
    let words = words.join(" ");
    for expected in [
        "8 nodes for 60s, 3 runs, seeds 1 to 3",
        "lan: probe every 1s, timeout 500ms, suspicion 4.00 s to 24.0 s",
        "1 node crashes at 10s",
        "time until p50 p99 max seen",
        "crash: every node knows",
        "3 of 3",
        "false positives (declared failed) 0 0",
        "push/pulls completed",
        "In short",
        "No running member was suspected or declared failed in 3 minutes of simulated time.",
    ] {
        assert!(words.contains(expected), "{expected}:\n{told}");
    }
    assert!(!told.contains("warning") && !told.contains(['\u{1b}', '\r']), "{told:?}");
}

#[test]
fn the_same_seed_prints_the_same_report() {
    let arguments = ["--crash", "2@10s", "--partition", "40%@60s+20s", "--loss", "5%,burst=500ms"];
    assert_eq!(told(&arguments), told(&arguments));
    let seed = |seed| told(&[&arguments[..], &["--json", "--seed", seed]].concat());
    assert_eq!(seed("5"), seed("5"));
    assert_ne!(seed("5"), seed("6"));
}

#[test]
fn the_report_for_programs_has_every_figure() {
    let faults = ["--partition", "40%@80s+30s", "--crash", "1@20s", "--stall", "1@70s+2s"];
    let report = report(&[&faults[..], &["--form", "--latency", "median=2ms,p99=9ms"]].concat());
    assert_eq!(report["event"], "simulation");
    assert_eq!((&report["nodes"], &report["runs"]), (&8.into(), &3.into()));
    assert_eq!(report["start"], "joining");
    assert_eq!(report["interrupted"], false);
    assert_eq!(report["warnings"], Value::Array(vec![]));
    assert_eq!(report["faults"].as_array().unwrap().len(), 3);
    assert_eq!(report["network"]["latency"]["p99_ms"], 9.0);
    for (key, count) in
        [("first_declared", 3), ("known_everywhere", 3), ("healed", 3), ("formed", 3)]
    {
        let times = &report[key];
        assert_eq!(times["count"], count, "{key}: {report}");
        let at = |quantile: &str| times[quantile].as_u64().unwrap();
        assert!(at("p50_ms") <= at("p99_ms") && at("p99_ms") <= at("max_ms"), "{key}");
    }
    for key in ["false_failures", "false_suspicions", "separated_failures", "stalled_failures"] {
        assert!(report[key]["members"].as_u64() <= report[key]["events"].as_u64(), "{key}");
    }
    assert!(report["separated_failures"]["members"].as_u64() > Some(0));
    for key in ["packets_per_second", "packet_bytes_per_second", "stream_bytes_per_second"] {
        assert!(report[key].as_f64() > Some(0.0), "{key}");
    }
}

#[test]
fn settings_that_cannot_work_are_warned_of_and_simulated() {
    let arguments = ["--latency", "300ms..600ms", "--duration", "20s"];
    let told = told(&arguments);
    assert!(told.contains("warning: probe_timeout is 500ms, below the 99th"), "{told}");
    let report = report(&arguments);
    let warned: Vec<&Value> =
        report["warnings"].as_array().unwrap().iter().map(|it| &it["setting"]).collect();
    assert_eq!(warned, ["probe_timeout", "suspicion_mult", "push_pull_interval", "crash"]);
    assert!(report["false_suspicions"]["members"].as_u64() > Some(0));
}

#[test]
fn a_file_changes_settings_by_their_names() {
    let path = scratch("settings.toml");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "[protocol]\nprobe_interval = \"500ms\"\nprobe_timeout = \"200ms\"\n")
        .unwrap();
    let faster = report(&["--config", file]);
    assert_eq!(faster["settings"]["probe_interval_ms"], 500);
    assert!(
        faster["known_everywhere"]["max_ms"].as_u64()
            < report(&[])["known_everywhere"]["max_ms"].as_u64()
    );
    for (text, expected) in [
        (
            "[protocol]\nprobe_timout = \"1s\"",
            "line 2: there is no setting probe_timout in [protocol]; did you mean probe_timeout?",
        ),
        ("probe_timeout = \"1s\"", "line 1: probe_timeout is outside of a table"),
        ("[protocol]\n\nprobe_timeout = 500", "line 3: probe_timeout = 500 has no unit"),
        (
            "[protocol]\nprobe_timeout = \"2s\"",
            "line 2: probe_timeout (\"2s\", line 2) must be above zero and below probe_interval",
        ),
        ("probe_timeout \"2s\"", "line 1: "),
    ] {
        std::fs::write(&path, text).unwrap();
        let line = refused(&["--config", file]);
        assert!(line.contains(expected), "{text:?}: {line}");
    }
    std::fs::remove_file(&path).unwrap();
    let line = refused(&["--config", file]);
    assert!(line.contains("cannot read the settings file"), "{line}");
}

#[test]
fn what_cannot_be_simulated_is_refused_in_one_line() {
    for (arguments, expected) in [
        (&["--nodes", "1"][..], "1 is not in 2.."),
        (&["--nodes", "5", "--crash", "5"], "at least one node has to be left"),
        (&["--nodes", "200000"], "200000 nodes need about"),
        (&["--nodes", "4294967295"], "cannot be simulated"),
        (&["--latency", "20"], "write '20s' or '20ms'"),
        (&["--loss", "5"], "did you mean 5%?"),
        (
            &["--loss", "1%", "--loss", "2%"],
            "--loss: loss = [\"1%\", \"2%\"]: two losses for the whole time",
        ),
        (&["--partition", "50%"], "write it like 50%@60s+120s"),
        (&["--partition", "1%@60s+10s"], "leaves one side empty"),
        (
            &["--partition", "50%@60s+10s", "--partition", "50%@65s+10s"],
            "two partitions overlap at 65s",
        ),
        (&["--duration", "9000years"], "at most a year"),
        (&["--runs", "0"], "0 is not in 1..="),
        (&["--crash", "0", "--plot", "x.svg"], "add --crash 1"),
        (&["--plot", "/nonexistent/x.svg"], "nothing was simulated"),
    ] {
        let line = refused(arguments);
        assert!(line.contains(expected), "{arguments:?}: {line}");
    }
}

#[test]
fn a_plot_has_both_curves_and_replaces_the_file() {
    let path = scratch("plot.svg");
    std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
    told(&["--plot", path.to_str().unwrap()]);
    let svg = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert_well_formed(&svg);
    for (label, colour) in
        [("the first node declares it failed", "#1F77B4"), ("every node knows", "#D62728")]
    {
        assert!(svg.contains(label));
        let curve = svg.split("<polyline").find(|line| line.contains(colour)).unwrap();
        let points = curve.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(points.split_whitespace().count() >= 8, "three steps: {points}");
    }
}

/// Checks that all tags close in order. The pictures have no comments and no quoted brackets.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{tag}");
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_plot_of_crashes_that_nobody_noticed_leaves_no_file() {
    let path = scratch("none.svg");
    let output = run(&["--duration", "2s", "--plot", path.to_str().unwrap()]);
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaints}");
    assert!(complaints.contains("no crash was detected"), "{complaints}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("3 of 3 crashes were not known"));
    assert!(!path.exists());
}

#[test]
fn a_signal_breaks_it_off_with_a_report() {
    let mut child =
        swim(&["simulate", "--nodes", "100", "--runs", "1", "--duration", "10days", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    // By then the simulation has started; it would take hours.
    std::thread::sleep(secs(2));
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(wait_for_exit(&mut child, secs(20)).code(), Some(130));
    let told = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&report["interrupted"], &report["runs"]), (&true.into(), &0.into()));
    assert!(report["simulated_ms"].as_u64() > Some(0), "{told}");
}

#[test]
fn the_wire_changes_the_figures_and_the_seed_repeats_them() {
    let swim = report(&[]);
    let memberlist = report(&["--wire", "memberlist"]);
    assert_eq!(memberlist, report(&["--wire", "memberlist"]), "the same seed, the same report");
    assert_ne!(swim, memberlist);
}
