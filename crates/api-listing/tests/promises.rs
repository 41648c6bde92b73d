//! The promises of the committed listings: types that grow can grow, and adapters hide what is
//! below them.

use std::path::Path;

fn listing(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("public-api.txt");
    let text = std::fs::read_to_string(&path).expect("the listing is committed");
    text.lines().map(str::to_string).collect()
}

#[test]
fn types_that_grow_are_non_exhaustive() {
    for (name, path, types) in [
        (
            "swim-core",
            "swim_core",
            &["struct Config", "struct Stats", "struct Member", "enum Event", "enum Via"][..],
        ),
        (
            "swim-driver",
            "swim_driver",
            &[
                "struct Options",
                "struct Joined",
                "struct Pong",
                "struct SeedError",
                "enum Notice",
                "enum Change",
                "enum Departure",
                "enum Error",
                "enum BindError",
            ],
        ),
    ] {
        let listing = listing(name);
        for growing in types {
            let (kind, item) = growing.split_once(' ').expect("a kind and a name");
            let expected = format!("#[non_exhaustive] pub {kind} {path}::{item}");
            assert!(listing.contains(&expected), "{expected}");
        }
    }
}

#[test]
fn variants_that_grow_are_non_exhaustive() {
    for (name, type_name) in [
        ("swim-core", "swim_core::Event"),
        ("swim-driver", "swim_driver::Change"),
        ("swim-driver", "swim_driver::Notice"),
    ] {
        let listing = listing(name);
        let begin = format!("pub {type_name}::");
        // `pub swim_core::Event::Late::by: core::time::Duration`, not a tuple.
        let of_field = |line: &String| {
            let (variant, _) = line.strip_prefix(&begin)?.split_once("::")?;
            variant.chars().all(char::is_alphanumeric).then(|| variant.to_string())
        };
        let variants: Vec<String> = listing.iter().filter_map(of_field).collect();
        assert!(!variants.is_empty(), "{type_name}");
        for variant in variants {
            let expected = format!("#[non_exhaustive] {begin}{variant}");
            assert!(listing.contains(&expected), "{expected}");
        }
    }
}

#[test]
fn an_adapter_shows_nothing_that_is_for_drivers_alone() {
    let listing = listing("swim-tokio");
    for internal in ["Answer", "RequestId", "StreamId", "INPUTS_PER_TURN_MAX", "RESOLVES_MAX"] {
        let shown = |line: &&String| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == internal)
        };
        assert_eq!(listing.iter().find(shown), None, "{internal}");
    }
}

#[test]
fn no_function_takes_two_switches() {
    for name in ["swim-core", "swim-driver", "swim-tokio"] {
        let takes_two =
            |line: &&String| line.contains(" fn ") && line.matches(": bool").count() > 1;
        assert_eq!(listing(name).iter().find(takes_two), None, "{name}");
    }
}
