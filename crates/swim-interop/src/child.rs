//! A process of a test.

use std::io::Write;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::lines::Lines;
use crate::subnet;
use crate::wait::eventually;

/// A process and its output. Killed when dropped, so that a failing test leaves nothing behind.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    /// Standard output and standard error, line by line.
    pub lines: Lines,
}

impl Child {
    /// Starts the process.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = subnet::spawn(&mut command)
            .unwrap_or_else(|error| panic!("{command:?} starts: {error}"));
        let lines = Lines::default();
        lines.read(process.stdout.take().expect("it is piped"));
        lines.read(process.stderr.take().expect("it is piped"));
        let stdin = process.stdin.take();
        Child { process, stdin, lines }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Writes a line to its standard input.
    ///
    /// # Panics
    ///
    /// If it no longer reads.
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it is closed only when dropped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the process reads");
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it no longer runs.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("the process runs");
        if signal == Signal::STOP {
            // The kernel reports a stop once all threads have stopped.
            let stopped = waitpid(Some(pid), WaitOptions::UNTRACED).expect("a child");
            assert!(stopped.is_some_and(|(_, status)| status.stopped()), "it ended");
        }
    }

    /// Kills it, and waits for its end.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// If it does not end in time.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        eventually("the process ends", || match self.process.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".into()),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
