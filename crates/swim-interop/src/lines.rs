//! A process's output so far.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A line, and when it was read.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it was read.
    pub at: Instant,
    /// The line itself. If it is no JSON object: `{"event": "text", "text": …}`.
    pub json: Value,
}

impl Line {
    /// Whether this is the event of that name.
    #[must_use]
    pub fn is(&self, event: &str) -> bool {
        self.json["event"] == event
    }

    /// Whether this is that event, about that member.
    #[must_use]
    pub fn is_about(&self, event: &str, name: &str) -> bool {
        self.is(event) && self.json["name"] == name
    }

    /// Returns a text field, or an empty text if there is none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }
}

/// All lines of a process, in the order in which they arrived.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    /// How many of the process's outputs are still open.
    open: usize,
}

impl Lines {
    /// Reads an output of a process to its end, in a thread.
    ///
    /// A process blocks if nobody reads its output.
    pub(crate) fn read(&self, output: impl Read + Send + 'static) {
        self.lock().open += 1;
        let lines = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { break };
                lines.push(&String::from_utf8_lossy(&line));
            }
            lines.lock().open -= 1;
            lines.0.1.notify_all();
        });
    }

    /// Returns the number of lines, to be used as a mark.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.lock().lines.len()
    }

    /// Returns all lines from `mark` on for which `wanted` is true.
    pub fn all(&self, mark: usize, wanted: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.lock().lines[mark..].iter().filter(|line| wanted(line)).cloned().collect()
    }

    /// Waits for a line from `mark` on.
    ///
    /// Returns `None` if it does not arrive in time, or if the process ends without it.
    pub fn find(
        &self,
        mark: usize,
        limit: Duration,
        wanted: impl Fn(&Line) -> bool,
    ) -> Option<Line> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        let mut seen = mark;
        loop {
            if let Some(line) = state.lines[seen..].iter().find(|line| wanted(line)) {
                return Some(line.clone());
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if state.open == 0 || left.is_zero() {
                return None;
            }
            let waited = self.0.1.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns the last lines, to print when a test fails.
    #[must_use]
    pub fn transcript(&self) -> String {
        const SHOWN_MAX: usize = 60;
        let state = self.lock();
        let from = state.lines.len().saturating_sub(SHOWN_MAX);
        let ago = |line: &Line| line.at.elapsed().as_secs_f64();
        let lines = state.lines[from..].iter();
        lines.map(|line| format!("    {:8.3} s ago: {}\n", ago(line), line.json)).collect()
    }

    fn push(&self, line: &str) {
        let json = serde_json::from_str(line)
            .ok()
            .filter(Value::is_object)
            .unwrap_or_else(|| serde_json::json!({"event": "text", "text": line}));
        self.lock().lines.push(Line { at: Instant::now(), json });
        self.0.1.notify_all();
    }

    /// A test that panics with the lock does not leave a broken state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
