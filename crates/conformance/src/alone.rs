//! Runs a case in its own process: this program again, with that case alone.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Set in a process that runs a single case.
const VARIABLE: &str = "SWIM_CONFORMANCE_ALONE";

/// Whether this process runs a single case.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Runs the trial with this name in its own process, and prints its figures.
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
    // Only the figures of the case, without the harness's own output.
    for line in said.lines().filter(|line| line.starts_with("measured: ")) {
        println!("{line}");
    }
}

/// Starts a process, one at a time, with captured output.
fn begin(mut command: Command) -> Child {
    let _begins = BEGINS.lock().unwrap_or_else(PoisonError::into_inner);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command.spawn().expect("this program can be started")
}

/// Waits until no process is being started.
///
/// Until a new process runs its program, it has a copy of every socket that was open. So the port
/// of a socket that was closed meanwhile is still taken.
pub(crate) fn wait_for_copies_of_sockets() {
    drop(BEGINS.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Held while a process starts: spawning returns once it runs its program.
static BEGINS: Mutex<()> = Mutex::new(());
