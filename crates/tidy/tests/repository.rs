//! This repository keeps its own rules.

use tidy::Repository;

#[test]
fn the_repository_keeps_its_rules() {
    let repository = Repository::read().expect("every file can be read");
    let findings: Vec<String> = repository.check().iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}\n(`cargo run -p tidy` prints this)", findings.join("\n"));
}

#[test]
fn no_kind_of_file_is_overlooked() {
    let repository = Repository::read().expect("every file can be read");
    for expected in [
        ".ci/run",
        "ARCHITECTURE.md",
        "benches/src/lib.rs",
        "crates/swim-core/src/lib.rs",
        "crates/tidy/tests/repository.rs",
        "docs/swim.proto",
        "examples/serf-member/src/main.rs",
        "fuzz/fuzz_targets/packet.rs",
        "interop/go-peer/main.go",
    ] {
        assert!(repository.sources.iter().any(|source| source.path == expected), "{expected}");
    }
}
