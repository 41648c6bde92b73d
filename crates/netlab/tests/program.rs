//! The parts of the program that need no rights.

use std::process::{Command, Output};

fn netlab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_netlab")).args(arguments).output().expect("it starts")
}

#[test]
fn each_case_is_listed_with_its_oracle() {
    let output = netlab(&["list"]);
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).expect("it is text");
    let blocks: Vec<&str> = listed.split("\n\n").filter(|block| !block.trim().is_empty()).collect();
    assert!(blocks.len() >= 10, "{listed}");
    assert!(blocks.iter().all(|block| block.contains("\n    Oracle: ")), "{listed}");
    assert!(listed.starts_with("udp-dropped\n"), "the longest case begins first: {listed}");
}

#[test]
fn wrong_arguments_are_told_apart_from_broken_oracles() {
    for (arguments, word) in [
        (&["run"] as &[&str], "CASE"),
        (&["run", "gnat"], "netlab list"),
        (&["run", "nat", "--swim", "/nowhere/swim"], "/nowhere/swim"),
        (&["lab", "--loss", "110%", "--", "true"], "10%"),
        (&["lab", "--nodes", "251", "--", "true"], "250"),
        (&["lab", "--nodes", "3"], "COMMAND"),
    ] {
        let output = netlab(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}
