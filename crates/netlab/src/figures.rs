//! The measurements of a case.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

/// Names and values, in the order of measurement. They are reported, not checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures(Vec<(String, Value)>);

impl Figures {
    /// Adds a time, in seconds.
    pub(crate) fn time(&mut self, what: &str, time: Duration) {
        let tenths = (time.as_secs_f64() * 10.0).round() / 10.0;
        self.0.push((format!("{what}_s"), tenths.into()));
    }

    /// Adds a count.
    pub(crate) fn count(&mut self, what: &str, count: usize) {
        self.0.push((what.into(), count.into()));
    }

    /// Returns them as a JSON object.
    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.0.iter().cloned().collect::<Map<String, Value>>())
    }
}

/// Prints one line: `formed 2.1 s, false failures 0`.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, value)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            match name.strip_suffix("_s") {
                Some(name) => write!(f, "{comma}{} {value} s", name.replace('_', " "))?,
                None => write!(f, "{comma}{} {value}", name.replace('_', " "))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_print_for_people_and_for_programs() {
        let mut figures = Figures::default();
        figures.time("known_failed", Duration::from_millis(6249));
        figures.count("false_failures", 2);
        assert_eq!(figures.to_string(), "known failed 6.2 s, false failures 2");
        let json = serde_json::json!({"known_failed_s": 6.2, "false_failures": 2});
        assert_eq!(figures.to_json(), json);
    }
}
