//! Runs the real program, and waits for its output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde_json::Value;

/// A line of standard output, with its time.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) json: Value,
}

impl Line {
    /// Whether this is that event.
    pub(crate) fn is(&self, event: &str) -> bool {
        self.json["event"] == event
    }

    /// Whether this is that event about that member.
    pub(crate) fn is_about(&self, event: &str, name: &str) -> bool {
        self.is(event) && self.json["name"] == name
    }
}

/// The lines so far; `true` at the end of the output.
type Lines = Arc<(Mutex<(Vec<Line>, bool)>, Condvar)>;

/// An agent with JSON output. Killed when dropped, so that a test that fails leaves nothing behind.
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) address: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines,
}

/// The program with these arguments.
pub(crate) fn swim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swim"));
    for variable in ["RUST_LOG", "SWIM_KEY", "COLUMNS"] {
        command.env_remove(variable);
    }
    // Agents of one name run at the same time; tests of the control API say where theirs is.
    command.env("SWIM_AGENT_RPC", "off").env_remove("SWIM_RPC");
    command.args(arguments);
    command
}

impl Agent {
    /// Starts an agent of the local profile on a free port, and waits until it listens.
    pub(crate) fn start(name: &str, cluster: &str, join: &[&str]) -> Agent {
        Agent::start_at("127.0.0.1:0", name, cluster, join, &[])
    }

    /// Starts an agent at that address, with these further arguments.
    pub(crate) fn start_at(
        bind: &str,
        name: &str,
        cluster: &str,
        join: &[&str],
        further: &[&str],
    ) -> Agent {
        let mut arguments = vec!["--name", name, "--cluster", cluster, "--bind", bind];
        arguments.extend(join.iter().flat_map(|seed| ["--join", seed]));
        arguments.extend(further);
        if !further.contains(&"--profile") {
            arguments.extend(["--profile", "local"]);
        }
        Agent::run(&arguments)
    }

    /// Starts an agent with only these arguments, and waits until it listens.
    pub(crate) fn run(arguments: &[&str]) -> Agent {
        let mut command = swim(&["agent", "--json"]);
        command.args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("swim starts");
        let lines = Lines::default();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || read_lines(stdout, &lines)
        });
        let stdin = child.stdin.take();
        let (name, address) = (String::new(), String::new());
        let mut agent = Agent { name, address, child, stdin, lines };
        let started = agent.wait(0, secs(10), "started", |line| line.is("started"));
        agent.name = started.json["name"].as_str().expect("a name").to_string();
        agent.address = started.json["address"].as_str().expect("an address").to_string();
        agent
    }

    /// The number of lines so far, as a mark to wait from.
    pub(crate) fn mark(&self) -> usize {
        self.lines.0.lock().unwrap().0.len()
    }

    /// All lines from `mark` on.
    pub(crate) fn lines_from(&self, mark: usize) -> Vec<Line> {
        self.lines.0.lock().unwrap().0[mark..].to_vec()
    }

    /// Waits for a line from `mark` on. Panics with the output if it does not come in time.
    pub(crate) fn wait(
        &self,
        mark: usize,
        time_max: Duration,
        what: &str,
        is_it: impl Fn(&Line) -> bool,
    ) -> Line {
        match self.find(mark, time_max, is_it) {
            Some(line) => line,
            None => panic!(
                "{}: no line '{what}' within {time_max:?}; there are:\n{}",
                self.name,
                self.transcript(mark)
            ),
        }
    }

    /// Panics if such a line comes, from `mark` on and within that time.
    pub(crate) fn refuse(
        &self,
        mark: usize,
        time: Duration,
        what: &str,
        is_it: impl Fn(&Line) -> bool,
    ) {
        if let Some(line) = self.find(mark, time, is_it) {
            panic!("{}: {what}: {}\n{}", self.name, line.json, self.transcript(mark));
        }
    }

    fn find(&self, mark: usize, time_max: Duration, is_it: impl Fn(&Line) -> bool) -> Option<Line> {
        let deadline = Instant::now() + time_max;
        let (state, changed) = &*self.lines;
        let mut state = state.lock().unwrap();
        let mut seen = mark;
        loop {
            if let Some(line) = state.0[seen..].iter().find(|line| is_it(line)) {
                return Some(line.clone());
            }
            seen = state.0.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if state.1 || left.is_zero() {
                return None;
            }
            state = changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn transcript(&self, mark: usize) -> String {
        let lines = self.lines_from(mark);
        lines.iter().map(|line| format!("  {}\n", line.json)).collect()
    }

    /// Writes a line to its standard input.
    pub(crate) fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the agent reads");
    }

    /// Types a command, and waits for that answer.
    pub(crate) fn ask(&mut self, line: &str, answer: &str) -> Value {
        let mark = self.mark();
        self.type_line(line);
        self.wait(mark, secs(10), answer, |line| line.is(answer)).json
    }

    /// Ends its standard input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it runs");
        if signal == Signal::STOP {
            // The kernel reports a stop once all threads have stopped.
            let stopped = waitpid(Some(pid), WaitOptions::UNTRACED).expect("it is a child");
            assert!(stopped.is_some_and(|(_, status)| status.stopped()), "it ended");
        }
    }

    /// Waits for its end.
    pub(crate) fn wait_for_exit(&mut self, time_max: Duration) -> ExitStatus {
        wait_for_exit(&mut self.child, time_max)
    }

    /// Its member list, as pairs of name and state.
    pub(crate) fn members(&mut self) -> Vec<(String, String)> {
        let mark = self.mark();
        self.type_line("members");
        self.wait(mark, secs(5), "members", |line| line.is("members"));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let lines = self.lines_from(mark);
        let members = lines.iter().filter(|line| line.is("member"));
        members.map(|line| (text(&line.json["name"]), text(&line.json["state"]))).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(stdout: impl BufRead, lines: &Lines) {
    for line in stdout.lines() {
        let Ok(line) = line else { break };
        let json = serde_json::from_str(&line).unwrap_or(Value::String(line));
        lines.0.lock().unwrap().0.push(Line { at: Instant::now(), json });
        lines.1.notify_all();
    }
    lines.0.lock().unwrap().1 = true;
    lines.1.notify_all();
}

/// Waits for the end of a process. Kills it and panics if it does not end in time.
pub(crate) fn wait_for_exit(child: &mut Child, time_max: Duration) -> ExitStatus {
    let deadline = Instant::now() + time_max;
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            panic!("the process did not end within {time_max:?}");
        }
        // The standard library has no wait with a deadline, so this polls.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts agents named `names`, all but the first joining through the first, and waits until each
/// knows all others.
pub(crate) fn form(cluster: &str, names: &[&str]) -> Vec<Agent> {
    form_with(cluster, names, &[])
}

/// The same with these further arguments.
pub(crate) fn form_with(cluster: &str, names: &[&str], further: &[&str]) -> Vec<Agent> {
    let mut agents: Vec<Agent> = Vec::new();
    for name in names {
        let seeds: Vec<String> =
            agents.first().map(|first| first.address.clone()).into_iter().collect();
        let seeds: Vec<&str> = seeds.iter().map(String::as_str).collect();
        agents.push(Agent::start_at("127.0.0.1:0", name, cluster, &seeds, further));
    }
    for agent in &agents {
        for name in names.iter().filter(|name| **name != agent.name) {
            // Gossip takes tenths of a second. If it misses a member, push/pull follows within two
            // intervals of 15 s.
            agent
                .wait(0, secs(35), &format!("{name} joined"), |line| line.is_about("joined", name));
        }
    }
    agents
}

/// That many seconds.
pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
