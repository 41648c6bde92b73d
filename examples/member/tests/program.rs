//! The program of the README is this one, and does what the README says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

#[test]
fn the_readme_shows_this_program() {
    let program = include_str!("../src/main.rs");
    // Crate documentation is for those who look here.
    let shown = program.split_once("\n\n").unwrap().1;
    let readme = include_str!("../../../README.md");
    let block = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block, Some(shown));
}

#[cfg(target_os = "linux")]
mod running {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, channel};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};

    /// Far more than anything here takes, also on a busy machine.
    const LIMIT: Duration = Duration::from_secs(60);

    struct Member {
        child: Child,
        lines: Receiver<String>,
        address: String,
    }

    impl Member {
        fn start(name: &str, seeds: &[&str]) -> Self {
            let mut child = Command::new(env!("CARGO_BIN_EXE_member"))
                .args([name, "127.0.0.1:0"])
                .args(seeds)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            let (sender, lines) = channel();
            std::thread::spawn(move || {
                output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
            let mut member = Member { child, lines, address: String::new() };
            let listens = member.wait_for("listens on");
            member.address = listens.rsplit(' ').next().unwrap().to_string();
            member
        }

        fn wait_for(&self, text: &str) -> String {
            let deadline = Instant::now() + LIMIT;
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no '{text}'"));
                if line.contains(text) {
                    return line;
                }
            }
        }

        /// Interrupts it, and gives its exit code.
        fn interrupt(&mut self) -> Option<i32> {
            let id = i32::try_from(self.child.id()).unwrap();
            let deadline = Instant::now() + LIMIT;
            while !catches_interrupts(id) {
                assert!(Instant::now() < deadline, "it never waits for an interrupt");
                std::thread::sleep(Duration::from_millis(5));
            }
            kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
            while Instant::now() < deadline {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            panic!("it does not end");
        }
    }

    /// Whether a process handles the signal, which would end it otherwise.
    fn catches_interrupts(process: i32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (Signal::INT.as_raw() - 1)) != 0
    }

    impl Drop for Member {
        fn drop(&mut self) {
            // It may have ended.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn two_see_each_other_and_an_interrupt_is_a_leave() {
        let mut a = Member::start("a", &[]);
        let mut b = Member::start("b", &[&a.address]);
        assert!(a.wait_for("b joined at").ends_with("; 2 live"));
        assert!(b.wait_for("a joined at").ends_with("; 2 live"));
        assert_eq!(b.interrupt(), Some(0));
        b.wait_for("left the cluster");
        assert_eq!(a.wait_for("b "), "b left; 1 live");
        assert_eq!(a.interrupt(), Some(0));
    }

    #[test]
    fn one_alone_leaves_without_an_error() {
        let mut alone = Member::start("alone", &[]);
        assert_eq!(alone.interrupt(), Some(0));
        alone.wait_for("left");
    }

    #[test]
    fn an_error_is_a_sentence_that_says_what_to_do() {
        let taken = Member::start("a", &[]);
        let output = Command::new(env!("CARGO_BIN_EXE_member"))
            .args(["b", &taken.address])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("error: cannot listen on 127.0.0.1:"), "{told}");
        assert!(told.contains("choose another bind port"), "{told}");
    }
}
