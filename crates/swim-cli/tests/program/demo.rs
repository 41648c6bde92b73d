//! The demo, with the fewest nodes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::{secs, swim, wait_for_exit};

#[test]
fn the_demo_shows_every_stage_and_ends_well() {
    let output = swim(&["demo", "--nodes", "3"]).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{complaints}");
    assert!(complaints.is_empty(), "{complaints}");
    // Long sentences are wrapped.
    let words: Vec<&str> = told.split_whitespace().collect();
    let words = words.join(" ");
    for expected in [
        "1. The cluster forms",
        "all 3 nodes agree",
        "node-2 crashes",
        "it suspects node-2",
        "declares node-2 failed",
        "every other node agrees that node-2 has failed",
        "accused by node-",
        "every other node sees node-3 as left, not as failed",
        "every node sees node-2 alive again",
        "How each node (row) sees each node",
        "Timings: formed ",
        "every node was right at every stage",
    ] {
        assert!(words.contains(expected), "{expected}:\n{told}");
    }
    // No colours and no progress without a terminal.
    assert!(!told.contains(['\u{1b}', '\r']), "{told:?}");
}

#[test]
fn the_demo_for_programs_is_one_object_per_line() {
    let output = swim(&["demo", "--nodes", "3", "--json"]).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let lines: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!(of("stage").len(), 4);
    assert_eq!(of("agreed").len(), 4);
    let crash = of("agreed")[1];
    assert_eq!(crash["stage"], "crash");
    assert!(!crash["accusers"].as_array().unwrap().is_empty());
    assert!(crash["failed_after_max_ms"].as_u64() >= crash["failed_after_min_ms"].as_u64());
    for view in of("view") {
        assert_eq!(view["beliefs"]["node-1"], "alive");
        assert_eq!(view["beliefs"]["node-2"], "alive");
        assert_ne!(view["beliefs"]["node-3"], "alive");
    }
    assert_eq!(of("failed").len(), 2);
    assert_eq!(lines.last().unwrap()["event"], "result");
    assert_eq!(lines.last().unwrap()["ok"], true);
}

#[test]
fn an_interrupted_demo_says_so_and_ends_at_once() {
    let mut demo = start();
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let pid = Pid::from_raw(i32::try_from(demo.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(wait_for_exit(&mut demo, secs(5)).code(), Some(130));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("SIGINT: all nodes are stopped"), "{rest}");
    expect_no_complaints(&mut demo);
}

#[test]
fn a_demo_whose_reader_is_gone_ends_quietly() {
    let mut demo = start();
    drop(demo.stdout.take());
    // The demo did not run to its end.
    assert_eq!(wait_for_exit(&mut demo, secs(10)).code(), Some(1));
    expect_no_complaints(&mut demo);
}

fn start() -> Child {
    let mut command = swim(&["demo"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn expect_no_complaints(demo: &mut Child) {
    let mut complaints = String::new();
    demo.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert!(complaints.is_empty(), "{complaints}");
}
