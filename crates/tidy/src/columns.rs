//! Limits lines of code and prose to 100 columns.
//!
//! Lines that cannot be wrapped are exempt: a line that is short without its URLs, and a table row,
//! also in a doc comment. In Markdown, fenced blocks that show output or a drawing are exempt too
//! (those named `text`, `console` or `json`, or not named). Rust or shell in a fenced block is
//! code.

use crate::finding::{Finding, Rule};
use crate::source::Source;

/// The most columns of a line.
pub const MAX: usize = 100;

/// Finds lines that are too long: the first of each file, with their number.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().filter_map(check_file).collect()
}

fn check_file(source: &Source) -> Option<Finding> {
    let is_prose = source.path.ends_with(".md");
    let mut output = Output::default();
    let long: Vec<usize> = source
        .lines()
        .filter(|(_, line)| {
            let exempt = is_row(line) || (is_prose && output.is_inside(line));
            !exempt && line.chars().count() > MAX && without_urls(line) > MAX
        })
        .map(|(number, _)| number)
        .collect();
    let &first = long.first()?;
    let columns = source.line(first).chars().count();
    Some(Finding {
        path: source.path.clone(),
        line: first,
        rule: Rule::Columns,
        key: "lines".into(),
        what: match long.len() {
            1 => format!("the line has {columns} columns"),
            several => format!("the line has {columns} columns, one of {several} long lines"),
        },
        remedy: format!("wrap at {MAX}"),
    })
}

/// Whether this is a row of a table.
fn is_row(line: &str) -> bool {
    let text = line.trim_start();
    let text = text.strip_prefix("///").or(text.strip_prefix("//!")).unwrap_or(text);
    text.trim_start().starts_with("| ")
}

/// Returns the columns of a line without its URLs and link targets.
fn without_urls(line: &str) -> usize {
    line.split(' ')
        .map(|word| match (word.find("](") , word.find("://")) {
            (Some(target), _) => word[..target].chars().count(),
            (None, Some(_)) => 0,
            (None, None) => word.chars().count(),
        } + 1)
        .sum::<usize>()
        - 1
}

/// Tracks whether a line of Markdown is in a fenced block that shows output.
#[derive(Default)]
struct Output {
    /// The fence of the current block, and whether the block shows output.
    block: Option<(String, bool)>,
}

impl Output {
    fn is_inside(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let fence: String = text.chars().take_while(|c| *c == '`').collect();
        match &self.block {
            Some((open, shows_output)) => {
                let shows_output = *shows_output;
                if fence.len() >= open.len() && text.trim_end() == fence {
                    self.block = None;
                }
                shows_output
            }
            None if fence.len() >= 3 => {
                let name = text[fence.len()..].trim();
                self.block = Some((fence, matches!(name, "" | "text" | "console" | "json")));
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let sources = [Source::new(path, text).expect("it parses")];
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_line_of_code_is_found() {
        let long = |columns: usize| format!("const A: u8 = 0;\n// {}\n", "é".repeat(columns - 3));
        assert_eq!(found("a.rs", &long(100)), [""; 0]);
        assert_eq!(found("a.rs", &long(101)), ["a.rs:2: the line has 101 columns: wrap at 100"]);
        assert!(found("a.rs", &long(101).repeat(2))[0].contains("one of 2 long lines"));
        assert_eq!(found(".ci/run", &long(101)).len(), 1);
    }

    #[test]
    fn prose_is_wrapped_but_not_tables_urls_and_output() {
        let long = "word ".repeat(21);
        assert_eq!(found("a.rs", &format!("//! | {long} | {long} |\n")), [""; 0]);
        for exempt in [
            format!("| {long} | {long} |\n"),
            format!("See [the paper](https://example.org/{}).\n", "a".repeat(90)),
            format!("```text\n{long}\n```\n"),
            format!("1. A list\n\n   ```\n   {long}\n   ```\n"),
        ] {
            assert_eq!(found("a.md", &exempt), [""; 0], "{exempt}");
        }
        assert_eq!(found("a.rs", &format!("//! {long}| {long} |\n")).len(), 1);
        for wrong in [
            format!("{long}\n"),
            format!("- {long}\n"),
            format!("```sh\n{long}\n```\n"),
            format!("```text\nout\n```\n{long}\n"),
            format!("{long} https://example.org\n"),
        ] {
            assert_eq!(found("a.md", &wrong).len(), 1, "{wrong}");
        }
    }
}
