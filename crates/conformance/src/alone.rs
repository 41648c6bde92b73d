//! A case in a process of its own: this program once more, with that case alone.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Set in the process that runs a case alone.
const VARIABLE: &str = "SWIM_CONFORMANCE_ALONE";

/// Whether this process was started for a single case.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Runs the trial with this name in a process of its own, and says what it says.
///
/// # Panics
///
/// If it fails.
pub(crate) fn run_alone(trial: &str) {
    let program = std::env::current_exe().expect("the system knows this program");
    let mut command = Command::new(program);
    command.args(["--exact", trial, "--test-threads=1", "--quiet"]).env(VARIABLE, "1");
    let output = begin(command).wait_with_output().expect("this program ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "alone, it fails:\n{said}\n{complained}");
    // The figures of the case, without what the harness says of its own.
    for line in said.lines().filter(|line| line.starts_with("measured: ")) {
        println!("{line}");
    }
}

/// Begins a process while nobody else does, and keeps what it says.
fn begin(mut command: Command) -> Child {
    let _begins = BEGINS.lock().unwrap_or_else(PoisonError::into_inner);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command.spawn().expect("this program can be started")
}

/// Waits until no process is about to begin.
///
/// Until it runs its program it has a copy of each socket that was open before: the port of one
/// that was closed since is taken so long.
pub(crate) fn wait_for_copies_of_sockets() {
    drop(BEGINS.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Held while a process begins: spawning returns once it runs its program.
static BEGINS: Mutex<()> = Mutex::new(());
