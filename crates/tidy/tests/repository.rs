//! This repository follows its own rules.

use std::process::{Command, Stdio};

use tidy::Repository;

#[test]
fn the_repository_keeps_its_rules() {
    let repository = Repository::read().expect("every file can be read");
    let findings: Vec<String> = repository.check().iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}\n(`cargo run -p tidy` prints this)", findings.join("\n"));
}

#[test]
fn no_kind_of_file_is_overlooked() {
    let paths = Repository::paths().expect("every folder can be read");
    for expected in [
        ".ci/run",
        "docs/explanation/architecture.md",
        "benches/src/lib.rs",
        "crates/swim-core/src/lib.rs",
        "crates/tidy/tests/repository.rs",
        "docs/swim.proto",
        "examples/serf-member/src/main.rs",
        "fuzz/fuzz_targets/packet.rs",
        "interop/go-peer/main.go",
    ] {
        assert!(paths.iter().any(|path| path == expected), "{expected}");
    }
}

/// As with `cargo run -p tidy -- calls | head -1`.
#[test]
fn a_closed_output_is_no_panic() {
    for arguments in [&[][..], &["calls"], &["owners"], &["exceptions"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_tidy"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .expect("tidy starts");
        let told = String::from_utf8_lossy(&output.stderr);
        let ended = matches!(output.status.code(), Some(0 | 1));
        assert!(ended && told.is_empty(), "{arguments:?}: {told}");
    }
}
