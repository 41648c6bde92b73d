//! Each promise of `docs/reference/security.md` names a test that exists.
//!
//! The page has tables of what an attacker can do. In them, each cell that begins with
//! `*prevented*` or `*bounded*` must name a rule, such as `R7`. The table whose first column is
//! `rule` has a row for each rule. The last cell of the row must name at least one test, in
//! backticks.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::finding::{Finding, Rule};
use crate::source::Source;

/// The page with the promises.
pub const FILE: &str = "docs/reference/security.md";

/// The beginnings of cells that promise something.
const PROMISES: [&str; 2] = ["*prevented*", "*bounded*"];

/// Finds promises without a rule, and rules without a test.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(page) = sources.iter().find(|source| source.path == FILE) else {
        return Vec::new();
    };
    let tests = tests_of(sources);
    let tables = Tables::of(page);
    let mut findings = Vec::new();
    for (name, (line, cell)) in &tables.rules {
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(finding(*line, name, format!("{name} names no test"), "name one"));
        }
        for test in named.into_iter().filter(|test| !tests.contains(*test)) {
            let what = format!("{name} names {test}, which is no test");
            findings.push(finding(*line, test, what, "name one that exists"));
        }
    }
    for (line, cell) in &tables.promises {
        let named = rules_in(cell);
        if named.is_empty() {
            let what = format!("{cell:?} names no rule");
            findings.push(finding(*line, cell, what, "name one that has a test, such as R1"));
        }
        for rule in named.into_iter().filter(|rule| !tables.rules.contains_key(*rule)) {
            let what = format!("{cell:?} names {rule}, which is no rule");
            findings.push(finding(*line, rule, what, "add it to the table of rules"));
        }
    }
    findings
}

/// The content of the page's tables.
#[derive(Debug, Default)]
struct Tables {
    /// The line and the last cell of each rule.
    rules: BTreeMap<String, (usize, String)>,
    /// The cells that promise something, each with its line.
    promises: Vec<(usize, String)>,
}

impl Tables {
    fn of(page: &Source) -> Self {
        let mut tables = Tables::default();
        let mut is_of_rules = None;
        for (number, line) in page.lines() {
            let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|'))
            else {
                is_of_rules = None;
                continue;
            };
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let (first, last) = (cells.first().copied(), cells.last().copied());
            match is_of_rules {
                None => is_of_rules = Some(first == Some("rule")),
                Some(true) => {
                    for name in rules_in(first.unwrap_or_default()) {
                        let last = last.unwrap_or_default().to_owned();
                        tables.rules.insert(name.to_owned(), (number, last));
                    }
                }
                Some(false) => {
                    let promises = cells
                        .iter()
                        .filter(|cell| PROMISES.iter().any(|promise| cell.starts_with(promise)));
                    tables.promises.extend(promises.map(|cell| (number, (*cell).to_owned())));
                }
            }
        }
        tables
    }
}

/// Returns words such as `R7`.
fn rules_in(text: &str) -> Vec<&str> {
    let is_rule = |word: &&str| {
        word.strip_prefix('R').is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(is_rule).collect()
}

/// Returns the names of all test functions.
fn tests_of(sources: &[Source]) -> BTreeSet<String> {
    let mut tests = Tests::default();
    for syntax in sources.iter().filter_map(|source| source.syntax.as_ref()) {
        tests.visit_file(syntax);
    }
    tests.names
}

#[derive(Default)]
struct Tests {
    names: BTreeSet<String>,
}

impl<'a> Visit<'a> for Tests {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        // `#[test]`, or that of a runtime, such as `#[tokio::test]`.
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().segments.last().is_some_and(|last| last.ident == "test")
        };
        if item.attrs.iter().any(is_test) {
            self.names.insert(item.sig.ident.to_string());
        }
        syn::visit::visit_item_fn(self, item);
    }
}

fn finding(line: usize, key: &str, what: String, remedy: &str) -> Finding {
    Finding {
        path: FILE.to_owned(),
        line,
        rule: Rule::Promises,
        key: key.to_owned(),
        what,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "#[test]\nfn it_holds() {}\nfn helper() {}\n\
                        mod inside { #[tokio::test] async fn it_holds_too() {} }\n";

    /// Checks a page with this cell among the promises, and this one among the tests.
    fn found(promise: &str, tests: &str) -> Vec<String> {
        let page = format!(
            "# Page\n\n| goal | native |\n|---|---|\n| read | {promise} |\n\n\
             | rule | what | tests |\n|---|---|---|\n| R1 | a limit | {tests} |\n"
        );
        let sources = [Source::new("a.rs", CODE), Source::new(FILE, page)];
        let sources = sources.map(|source| source.expect("it parses"));
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_promise_with_a_rule_and_a_test_is_right() {
        for right in ["*prevented*: seals (R1)", "*bounded*: 2 per second, R1", "not prevented"] {
            assert_eq!(found(right, "`it_holds`"), [""; 0], "{right}");
        }
        assert_eq!(found("*bounded* (R1)", "`it_holds`, `it_holds_too`"), [""; 0]);
    }

    #[test]
    fn a_promise_without_a_rule_is_found() {
        let wrong = found("*prevented*: seals", "`it_holds`");
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0]
                .starts_with("docs/reference/security.md:5: \"*prevented*: seals\" names no rule")
        );
        let wrong = found("*bounded*: R2", "`it_holds`");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].contains("names R2, which is no rule"), "{wrong:?}");
    }

    #[test]
    fn a_rule_without_a_test_that_exists_is_found() {
        for (tests, expected) in [
            ("none", "docs/reference/security.md:9: R1 names no test: name one"),
            (
                "`helper`",
                "docs/reference/security.md:9: R1 names helper, which is no test: name \
                 one that exists",
            ),
            (
                "`it_holds`, `gone`",
                "docs/reference/security.md:9: R1 names gone, which is no test: name \
                 one that exists",
            ),
        ] {
            assert_eq!(found("*bounded*: R1", tests), [expected]);
        }
    }
}
