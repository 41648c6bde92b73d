//! A running `swim agent` in a namespace.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::Error;

/// An agent's view of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) state: String,
    pub(crate) address: String,
}

impl Seen {
    /// Whether it is live: alive or suspect.
    pub(crate) fn is_live(&self) -> bool {
        self.state == "alive" || self.state == "suspect"
    }
}

/// A running agent. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    name: String,
    process: Child,
    stdin: Option<ChildStdin>,
    heard: Arc<Mutex<Heard>>,
}

/// The output of an agent so far.
#[derive(Debug, Default)]
struct Heard {
    lines: Vec<Value>,
    /// The view that its events add up to, as `docs/reference/guarantees.md` promises.
    view: BTreeMap<String, Seen>,
}

impl Agent {
    /// Starts an agent by a command that prints JSON.
    pub(crate) fn start(name: &str, mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            Error::refused(&format!("starting {program}"), &error.to_string())
        })?;
        let heard = Arc::new(Mutex::new(Heard::default()));
        if let Some(stdout) = process.stdout.take() {
            read(stdout, &heard);
        }
        if let Some(stderr) = process.stderr.take() {
            read(stderr, &heard);
        }
        let stdin = process.stdin.take();
        Ok(Agent { name: name.into(), process, stdin, heard })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of lines so far, to be used as a mark.
    pub(crate) fn mark(&self) -> usize {
        self.heard().lines.len()
    }

    /// Returns the lines from `mark` on for which `wanted` is true.
    pub(crate) fn lines(&self, mark: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.heard().lines[mark..].iter().filter(|line| wanted(line)).cloned().collect()
    }

    /// Counts the events of a kind about a member, from `mark` on.
    pub(crate) fn events(&self, mark: usize, kind: &str, name: &str) -> usize {
        self.lines(mark, |line| line["event"] == kind && line["name"] == name).len()
    }

    /// Returns its view of a member, if it knows the member.
    pub(crate) fn seen(&self, name: &str) -> Option<Seen> {
        self.heard().view.get(name).cloned()
    }

    /// Writes a line to its standard input. If it has ended, the next wait for an answer fails.
    pub(crate) fn type_line(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        }
    }

    /// Kills it, without a leave message.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Returns its whole output.
    pub(crate) fn transcript(&self) -> String {
        self.heard().lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        lock(&self.heard)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The time between two looks at an agent's output.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads an output to its end, in a thread. A process blocks if nobody reads its output.
fn read(output: impl Read + Send + 'static, heard: &Arc<Mutex<Heard>>) {
    let heard = Arc::clone(heard);
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n') {
            let Ok(line) = line else { break };
            let text = String::from_utf8_lossy(&line);
            let line = serde_json::from_str(&text).ok().filter(Value::is_object);
            lock(&heard).take(line.unwrap_or_else(|| json!({"event": "text", "text": text})));
        }
    });
}

impl Heard {
    fn take(&mut self, line: Value) {
        let text = |field: &str| line[field].as_str().map(str::to_owned);
        if let (Some(event), Some(name)) = (text("event"), text("name")) {
            match event.as_str() {
                "joined" | "updated" | "suspected" | "refuted" | "failed" | "left" => {
                    let state = text("state").unwrap_or_default();
                    let address = text("address").unwrap_or_default();
                    self.view.insert(name, Seen { state, address });
                }
                "unlisted" => {
                    self.view.remove(&name);
                }
                _ => {}
            }
        }
        self.lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_add_up_to_a_view() {
        let mut heard = Heard::default();
        for (event, state) in [("joined", "alive"), ("suspected", "suspect"), ("failed", "failed")]
        {
            heard.take(json!({"event": event, "name": "b", "state": state, "address": "b:1"}));
            assert_eq!(heard.view["b"].state, state);
        }
        heard.take(json!({"event": "message", "from": "b", "state": "alive"}));
        assert!(!heard.view["b"].is_live());
        heard.take(json!({"event": "unlisted", "name": "b", "state": "failed"}));
        assert!(heard.view.is_empty());
        assert_eq!(heard.lines.len(), 5);
    }
}
