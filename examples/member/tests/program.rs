//! The README shows this program, and describes its behaviour.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

#[test]
fn the_readme_shows_this_program() {
    let program = include_str!("../src/main.rs");
    // The README leaves out the crate documentation.
    let shown = program.split_once("\n\n").unwrap().1;
    let readme = include_str!("../../../README.md");
    let block = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block, Some(shown));
}

#[test]
fn the_readme_names_what_the_program_depends_on() {
    let manifest = include_str!("../Cargo.toml");
    let needed = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let readme = include_str!("../../../README.md");
    let block = readme.split("[dependencies]\n").nth(1).and_then(|rest| rest.split("```").next());
    // The workspace gives the path.
    let shown = block.unwrap().replace("path = \"../swim/crates/swim-tokio\"", "workspace = true");
    assert_eq!(shown.trim_end(), needed);
}

#[cfg(unix)]
mod running {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    use rustix::process::Signal;
    use swim_interop::{Child, LIMIT, eventually};

    struct Member {
        child: Child,
        address: String,
    }

    impl Member {
        fn start(name: &str, seeds: &[&str]) -> Self {
            let mut member = Member::start_at("127.0.0.1:0", name, seeds);
            let listens = member.wait_for("listens on");
            member.address = listens.rsplit(' ').next().unwrap().to_string();
            member
        }

        fn start_at(bind: &str, name: &str, seeds: &[&str]) -> Self {
            let mut command = Command::new(env!("CARGO_BIN_EXE_member"));
            command.args([name, bind]).args(seeds);
            Member { child: Child::start(command), address: String::new() }
        }

        /// Waits for a line with this text, on standard output or standard error.
        fn wait_for(&self, text: &str) -> String {
            let lines = &self.child.lines;
            let found = lines.find(0, LIMIT, |line| line.text("text").contains(text));
            let transcript = || panic!("no '{text}':\n{}", lines.transcript());
            found.unwrap_or_else(transcript).text("text").to_string()
        }

        /// The lines about a peer.
        fn told_of(&self, name: &str) -> Vec<String> {
            let lines = &self.child.lines;
            let about = lines.all(0, |line| line.text("text").starts_with(&format!("{name} ")));
            about.iter().map(|line| line.text("text").to_string()).collect()
        }

        /// Sends a signal, and returns the exit code.
        fn stop(&mut self, signal: Signal) -> Option<i32> {
            self.child.signal(signal);
            self.child.wait_for_end().code()
        }
    }

    #[test]
    fn two_see_each_other_and_each_signal_is_a_leave() {
        let mut a = Member::start("a", &[]);
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let name = format!("b{}", signal.as_raw());
            let mut b = Member::start(&name, &[&a.address]);
            assert!(a.wait_for(&format!("{name} joined at")).ends_with("; 2 live"));
            assert!(b.wait_for("a joined at").ends_with("; 2 live"));
            assert_eq!(b.stop(signal), Some(0));
            b.wait_for("left the cluster");
            a.wait_for(&format!("{name} left; 1 live"));
            assert_eq!(a.told_of(&name).len(), 2, "{:?}", a.told_of(&name));
        }
        assert_eq!(a.stop(Signal::INT), Some(0));
    }

    #[test]
    fn one_alone_leaves_without_an_error() {
        let mut alone = Member::start("alone", &[]);
        assert_eq!(alone.stop(Signal::INT), Some(0));
        alone.wait_for("left");
    }

    #[test]
    fn an_error_is_a_sentence_that_says_what_to_do() {
        let taken = Member::start("a", &[]);
        for (bind, seed, expected) in [
            (&*taken.address, "127.0.0.1:1", "error: cannot listen on 127.0.0.1:"),
            (&*taken.address, "127.0.0.1:1", "choose another bind port"),
            ("localhost:0", "127.0.0.1:1", "error: localhost:0: invalid socket address"),
            ("127.0.0.1:0", "b:http", "error: \"b:http\" is not a seed: the port is not a number"),
        ] {
            let mut wrong = Member::start_at(bind, "b", &[seed]);
            assert_eq!(wrong.child.wait_for_end().code(), Some(1));
            wrong.wait_for(expected);
        }
    }

    #[test]
    fn a_seed_that_does_not_answer_and_a_taken_name_are_logged() {
        let mut gone = Member::start("gone", &[]);
        gone.stop(Signal::TERM);
        let a = Member::start("a", &[&gone.address]);
        let told = a.wait_for("cannot join a seed; trying again");
        assert!(told.contains("WARN") && told.contains(&gone.address), "{told}");
        assert!(told.contains("refused"), "{told}");

        let namesake = Member::start("a", &[&a.address]);
        for one in [&a, &namesake] {
            one.wait_for("rename one of them");
        }
    }

    #[test]
    fn a_closed_output_is_a_leave_and_an_error() {
        let a = Member::start("a", &[]);
        let mut b = Command::new(env!("CARGO_BIN_EXE_member"))
            .args(["b", "127.0.0.1:0", &a.address])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(b.stdout.take().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("a joined at")).unwrap().unwrap();
        drop(lines);
        let _c = Member::start("c", &[&a.address]);
        let code = eventually("it ends", || match b.try_wait() {
            Ok(Some(status)) => Ok(status.code()),
            still => Err(format!("{still:?}")),
        });
        assert_eq!(code, Some(1));
        let mut told = String::new();
        b.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert!(told.starts_with("error: Broken pipe"), "{told}");
        a.wait_for("b left; 2 live");
    }
}
