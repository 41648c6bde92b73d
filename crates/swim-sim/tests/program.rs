//! The program `swim-sim`: its options, what it prints, and its exit codes.

use std::process::{Command, Output};

fn swim_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swim-sim"))
        .args(arguments)
        .output()
        .expect("it was built for this test")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it prints text")
}

#[test]
fn a_sweep_says_what_it_saw_and_ends_well() {
    let output = swim_sim(&["--seeds", "0..4", "--jobs", "2"]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("4 seeds, ") && said.contains("packets lost"), "{said}");
    assert_eq!(text(&output.stderr), "", "progress is for terminals");
}

#[test]
fn a_sweep_is_one_json_object_on_request() {
    let output = swim_sim(&["--json", "--seeds", "3"]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.starts_with("{\"seeds\":1,") && said.ends_with("}}\n"), "{said}");
    assert_eq!(said.matches('{').count(), said.matches('}').count());
}

#[test]
fn the_number_of_jobs_changes_nothing() {
    let [one, three] = ["1", "3"].map(|jobs| swim_sim(&["--seeds", "0..6", "--jobs", jobs]).stdout);
    assert_eq!(text(&one), text(&three));
}

#[test]
fn what_is_no_option_is_named_and_ends_with_2() {
    for (arguments, named) in [
        (&["--seed", "1"][..], "--seed"),
        (&["--seeds"], "--seeds needs a value"),
        (&["--seeds", "1..x"], "\"x\" is not a number"),
        (&["--seeds", "1", "--wire", "gossip"], "\"gossip\" is none of"),
        (&[], "--seeds A..B is missing"),
    ] {
        let output = swim_sim(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}
