//! Violations that are allowed for now: `crates/tidy/exceptions.txt`.
//!
//! Each line is `RULE PATH KEY: REASON`, and suppresses the finding with this rule, path and key.
//! An unused line is itself a finding, so the list only gets shorter. The key identifies a finding
//! in its file: `file`, `fn NAME`, a module, the size of a circle. `cargo run -p tidy --
//! exceptions` prints the line that each finding would need.

use crate::finding::{Finding, Rule};

/// The path of the list.
pub const FILE: &str = "crates/tidy/exceptions.txt";

/// Returns the findings without an exception, and the findings about the list itself.
#[must_use]
pub fn apply(list: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let mut exceptions = Vec::new();
    let mut left = Vec::new();
    for (number, line) in (1..).zip(list.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match parse(line) {
            Some(exception) => exceptions.push((number, exception, false)),
            None => {
                left.push(about(number, line, "is not \"RULE PATH KEY: REASON\"", "use this form"))
            }
        }
    }
    for finding in findings {
        let wanted = (finding.rule, finding.path.as_str(), finding.key.as_str());
        match exceptions.iter_mut().find(|(_, exception, _)| *exception == wanted) {
            Some((_, _, used)) => *used = true,
            None => left.push(finding),
        }
    }
    let unused = exceptions.iter().filter(|(_, _, used)| !used);
    left.extend(unused.map(|(number, (rule, path, key), _)| {
        let exception = format!("{} {path} {key}", rule.as_str());
        about(*number, &exception, "is an exception that no finding needs", "remove the line")
    }));
    left
}

/// Returns the line that excepts a finding.
#[must_use]
pub fn line_for(finding: &Finding) -> String {
    format!("{} {} {}: REASON", finding.rule.as_str(), finding.path, finding.key)
}

fn parse(line: &str) -> Option<(Rule, &str, &str)> {
    let (rule, rest) = line.split_once(' ')?;
    let (path, rest) = rest.split_once(' ')?;
    // A key may be a path with colons, but no colon is followed by a space.
    let (key, reason) = rest.split_once(": ")?;
    let is_given = !reason.trim().is_empty() && reason.trim() != "REASON";
    is_given.then_some((rule.parse().ok()?, path, key))
}

fn about(line: usize, subject: &str, what: &str, remedy: &str) -> Finding {
    Finding {
        path: FILE.to_owned(),
        line,
        rule: Rule::Exceptions,
        key: subject.to_owned(),
        what: format!("{subject:?} {what}"),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(key: &str) -> Finding {
        let text = |text: &str| text.to_owned();
        let (path, what, remedy) = (text("a.rs"), text("wrong"), text("mend it"));
        Finding { path, line: 7, rule: Rule::Sizes, key: key.to_owned(), what, remedy }
    }

    fn left(list: &str, keys: &[&str]) -> Vec<String> {
        let findings = keys.iter().map(|key| finding(key)).collect();
        apply(list, findings).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_exception_covers_its_finding_and_no_other() {
        let list = "# Why.\n\nsizes a.rs fn long: it is a table\n";
        assert_eq!(left(list, &["fn long"]), [""; 0]);
        assert_eq!(left(list, &["fn long", "fn longer"]), ["a.rs:7: wrong: mend it"]);
        let suggested = line_for(&finding("fn long"));
        assert_eq!(left(&suggested.replace("REASON", "a table"), &["fn long"]), [""; 0]);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_a_finding() {
        let expected = "crates/tidy/exceptions.txt:1: \"sizes a.rs fn long\" is an exception that \
                        no finding needs: remove the line";
        assert_eq!(left("sizes a.rs fn long: it is a table\n", &[]), [expected]);
    }

    #[test]
    fn an_exception_needs_a_rule_and_a_reason() {
        for line in ["sizes a.rs fn long", "sizes a.rs fn long: REASON", "size a.rs fn long: why"] {
            let left = left(line, &["fn long"]);
            assert_eq!(left.len(), 2, "{left:?}");
            assert!(
                left[0].contains("is not \"RULE PATH KEY: REASON\": use this form"),
                "{left:?}"
            );
        }
    }
}
