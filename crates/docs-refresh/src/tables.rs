//! Tables of what is counted and of what can be set.

use std::fmt::Write;
use std::time::Duration;

use swim_core::{CounterKind, Stats};

/// The counters and gauges of a node.
pub(crate) fn counters() -> String {
    let mut stats = Stats::default();
    // Without one this gauge is missing.
    stats.round_trip = Some(Duration::ZERO);
    let mut table = String::from("| name | label | kind | meaning |\n|---|---|---|---|\n");
    for counter in stats.counters() {
        let kind = match counter.kind {
            CounterKind::Counter => "counter",
            CounterKind::Gauge => "gauge",
        };
        let label = counter.label.map(|(key, value)| format!("`{key}=\"{value}\"`"));
        let label = label.unwrap_or_default();
        row(&mut table, &[&format!("`{}`", counter.name), &label, kind, counter.help]);
    }
    table
}

/// The operations whose instructions are counted.
const OPERATIONS: [(&str, &str); 10] = [
    ("ping/hot", "ping answered, queue empty"),
    ("ack", "ack handled"),
    ("known/hot", "known update"),
    ("tick/probe/hot", "probe tick, last of a round"),
    ("tick/gossip", "gossip tick, 1,000 updates queued"),
    ("push_pull", "push/pull, all known, per member"),
    ("ping/hot@swim/aes256", "sealed with AES-256: ping answered"),
    ("ack@swim/aes256", "sealed with AES-256: ack handled"),
    ("known/hot@swim/aes256", "sealed with AES-256: known update, of 40"),
    ("tick/gossip@swim/aes256", "sealed with AES-256: gossip tick"),
];

/// The instructions of each operation.
pub(crate) fn instructions(counted: &str) -> Result<String, String> {
    let mut table = String::from("| operation | instructions at N = 1,000 |\n|---|---|\n");
    for line in counted.lines().filter(|line| !line.starts_with('#')) {
        let (operation, count) =
            line.split_once(' ').ok_or_else(|| format!("\"{line}\" is no operation and count"))?;
        let count: u64 = count.trim().parse().map_err(|error| format!("{line}: {error}"))?;
        let name = OPERATIONS.iter().find(|(id, _)| *id == operation).map(|(_, name)| *name);
        let name = name.ok_or_else(|| format!("{operation} has no name in docs-refresh"))?;
        row(&mut table, &[name, &grouped(count)]);
    }
    Ok(table)
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The settings of a file that has all of them, a table for each table.
pub(crate) fn settings(example: &str) -> Result<String, String> {
    let mut page = String::new();
    let mut about = String::new();
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let _ = write!(page, "\n## [{name}]\n\n{}\n\n", wrapped(about.trim()));
            page.push_str("| setting | default | allowed | environment | meaning |\n");
            page.push_str("|---|---|---|---|---|\n");
            about.clear();
        } else if let Some((key, _)) = assignment(line) {
            if !about.contains("Default: ") {
                return Err(format!("{key} is not described in docs/swim.example.toml"));
            }
            describe(&mut page, key, about.trim())?;
            about.clear();
        } else if let Some(words) = line.strip_prefix('#') {
            about.push_str(words);
        } else {
            about.clear();
        }
    }
    Ok(page.trim_start().to_owned())
}

/// A paragraph in lines of at most 100 columns.
fn wrapped(text: &str) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split_whitespace() {
        let size = word.chars().count();
        let separator = match width {
            0 => "",
            _ if width + 1 + size > 100 => "\n",
            _ => " ",
        };
        width = if separator == " " { width + 1 + size } else { size };
        lines.push_str(separator);
        lines.push_str(word);
    }
    lines
}

/// The key and value of a line that sets something, or would without its `#`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let (key, value) = line.split_once(" = ")?;
    let is_key = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_key.then_some((key, value))
}

fn describe(page: &mut String, key: &str, about: &str) -> Result<(), String> {
    let not_so =
        || format!("{key} is not described as \"Default: .. Allowed: .. Environment: ..\"");
    let (meaning, rest) = about.split_once("Default: ").ok_or_else(not_so)?;
    let (default, rest) = rest.split_once(". Allowed: ").ok_or_else(not_so)?;
    let (allowed, rest) = rest.split_once(". Environment: ").ok_or_else(not_so)?;
    let (variable, change) = rest.split_once(". Change it ").unwrap_or((rest, ""));
    let meaning = match change {
        "" => meaning.trim().to_owned(),
        change => format!("{} Change it {change}", meaning.trim()),
    };
    let default = if default == "none" { "none".to_owned() } else { format!("`{default}`") };
    let variable = variable.trim_end_matches('.');
    row(page, &[&format!("`{key}`"), &default, allowed, &format!("`{variable}`"), &meaning]);
    Ok(())
}

/// Appends a row of cells.
pub(crate) fn row(table: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(table, "| {} ", cell.replace('|', "\\|"));
    }
    table.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_becomes_a_row() {
        let example = "# About\n# all.\n[node]\n\n# What it is.\n# Default: none. Allowed: 1 or\n\
                       # 2. Environment: SWIM_A.\n# Change it where b.\n# a = 1\n";
        let page = settings(example).expect("it is described");
        let row = "| `a` | none | 1 or 2 | `SWIM_A` | What it is. Change it where b. |\n";
        assert!(page.starts_with("## [node]\n\nAbout all.\n\n| setting |"), "{page}");
        assert!(page.ends_with(row), "{page}");
        assert!(settings("[node]\n\n# Nothing.\na = 1\n").is_err());
    }

    #[test]
    fn instructions_have_commas_between_thousands() {
        let table = instructions("# About.\nping/hot    1234567\nack 882\n").expect("it is a list");
        let rows = "| ping answered, queue empty | 1,234,567 |\n| ack handled | 882 |\n";
        assert!(table.ends_with(rows), "{table}");
        assert!(instructions("unknown 1\n").is_err());
    }

    #[test]
    fn every_counter_has_a_row() {
        let rows = counters().lines().count() - 2;
        assert_eq!(rows, Stats::default().counters().len() + 1);
    }
}
