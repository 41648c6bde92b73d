//! The programs `swim-sim` and `digest`: options, output, and exit codes.

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
fn a_hostile_host_is_in_all_runs_or_in_none_on_request() {
    for (which, is_there) in [("always", true), ("never", false)] {
        let output = swim_sim(&["--seeds", "0..3", "--hostile", which]);
        assert_eq!(output.status.code(), Some(0), "{which}");
        let said = text(&output.stdout);
        assert_eq!(said.contains("hostile hosts 3"), is_there, "{which}: {said}");
    }
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
        (&["--seeds", "1", "--hostile", "no"], "\"no\" is none of"),
        (&["--seeds", "1", "--lasting", "no"], "\"no\" is none of"),
        (&[], "--seeds A..B is missing"),
    ] {
        let output = swim_sim(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}

fn digest(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_digest"))
        .args(arguments)
        .output()
        .expect("it was built for this test")
}

#[test]
fn digests_come_in_the_order_of_the_seeds_whatever_the_number_of_jobs() {
    for scenario in [&[][..], &["--swarm", "--wire", "both"]] {
        let [one, three] = ["1", "3"].map(|jobs| {
            let output = digest(&[scenario, &["--jobs", jobs, "5..11"]].concat());
            assert_eq!(output.status.code(), Some(0));
            text(&output.stdout).to_owned()
        });
        assert_eq!(one, three);
        let seeds: Vec<&str> = one.lines().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(seeds, ["5", "6", "7", "8", "9", "10"]);
    }
}

#[test]
fn each_scenario_and_each_wire_has_digests_of_its_own() {
    let scenarios: [&[&str]; 4] = [
        &[],
        &["--swarm"],
        &["--swarm", "--wire", "memberlist"],
        // Seed 4 draws keys for the native wire, or it would be the same as without.
        &["--swarm", "--wire", "both"],
    ];
    let said =
        scenarios.map(|scenario| text(&digest(&[scenario, &["4"]].concat()).stdout).to_owned());
    for (number, one) in said.iter().enumerate() {
        assert!(one.starts_with("seed 4 digest "), "{one}");
        assert!(!said[..number].contains(one), "{said:?}");
    }
}

#[test]
fn digest_names_what_it_does_not_understand_and_ends_with_2() {
    for (arguments, named) in [
        (&["--seeds", "1"][..], "\"--seeds\" is not an option"),
        (&["1..x"], "\"x\" is not a number"),
        (&["--wire", "both"], "--wire both needs --swarm"),
        (&["--hostile", "always"], "--hostile always needs --swarm"),
        (&["--lasting", "always"], "--lasting always needs --swarm"),
    ] {
        let output = digest(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}
