//! Links between pages, and mentions of pages, have a target.
//!
//! A link within the repository names an existing file or folder, and an existing heading of the
//! page. A path that begins with `docs/`, in code or prose, exists.

use crate::finding::{Finding, Rule};
use crate::markdown::Markdown;
use crate::source::Source;

/// The pages of the mdBook.
///
/// A link from them to a file outside would be dead there: name the file instead.
const BOOK: &str = "docs/";

/// Finds links and mentions without a target. `exists` answers for a path from the root.
#[must_use]
pub fn check(sources: &[Source], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let mut add = |line, target: &str, lacks: &str| {
            findings.push(Finding {
                path: source.path.clone(),
                line,
                rule: Rule::Links,
                key: target.to_owned(),
                what: format!("{target} leads to {lacks}"),
                remedy: "name one that exists".into(),
            });
        };
        if source.path.ends_with(".md") {
            for (line, target) in Markdown::of(source).iter().flat_map(Markdown::targets) {
                if let Err(lacks) = follow(sources, source, &target, &exists) {
                    add(line, &target, lacks);
                }
            }
        }
        for (line, text) in source.lines() {
            for path in mentions(text) {
                if !exists(path) {
                    add(line, path, "no file");
                }
            }
        }
    }
    findings
}

/// Follows a link from a page.
fn follow(
    sources: &[Source],
    page: &Source,
    target: &str,
    exists: &impl Fn(&str) -> bool,
) -> Result<(), &'static str> {
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
    if is_elsewhere {
        return Ok(());
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.path.clone() } else { resolve(&page.path, file) };
    if !exists(&path) {
        return Err("no file");
    }
    if page.path.starts_with(BOOK) && !format!("{path}/").starts_with(BOOK) {
        return Err("a file outside the book");
    }
    let Some(found) = sources.iter().find(|source| source.path == path) else {
        return Ok(());
    };
    let anchors = || Markdown::of(found).iter().flat_map(Markdown::anchors).collect::<Vec<_>>();
    if anchor.is_empty() || !path.ends_with(".md") || anchors().iter().any(|has| has == anchor) {
        Ok(())
    } else {
        Err("no heading")
    }
}

/// Converts a path relative to a page into a path from the root.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the files in `docs/` that a line names.
fn mentions(line: &str) -> impl Iterator<Item = &str> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    line.split(move |c| !is_of_path(c)).filter_map(|word| {
        let word = word.trim_end_matches('.');
        let is_file = [".md", ".proto", ".toml", ".svg"].iter().any(|end| word.ends_with(end));
        (word.starts_with("docs/") && is_file).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In parts, so that this file mentions no missing file.
    const PAGE: &str = concat!("docs", "/a/page.md");

    /// Checks a page beside `docs/how-to/tls.md`, which has the heading "Rotate keys" here.
    fn found(page: &str) -> Vec<String> {
        let sources = [
            Source::new(PAGE, page).expect("it parses"),
            Source::new("docs/how-to/tls.md", "# Rotate keys\n").expect("it parses"),
        ];
        let exists = |path: &str| {
            sources.iter().any(|source| source.path == path)
                || path == "Cargo.toml"
                || path == "docs"
        };
        check(&sources, exists).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_link_leads_to_a_file_or_a_heading_that_exists() {
        let right = "# Top\n[a](../how-to/tls.md) [b](../how-to/tls.md#rotate-keys) [c](#top) \
                     [d](https://example.org/x.md) [e](..)\n";
        assert_eq!(found(right), [""; 0]);
        assert_eq!(found("[a](tls.md)\n"), ["tls.md leads to no file"]);
        let outside = "../../Cargo.toml";
        assert_eq!(
            found(&format!("[a]({outside})\n")),
            [format!("{outside} leads to a file outside the book")]
        );
        let wrong = "../how-to/tls.md#rotate";
        assert_eq!(found(&format!("[a]({wrong})\n")), [format!("{wrong} leads to no heading")]);
        assert_eq!(found("[a](#rotate)\n"), ["#rotate leads to no heading"]);
        assert_eq!(found("![a](../b.svg)\n"), ["../b.svg leads to no file"]);
    }

    #[test]
    fn a_page_that_is_mentioned_exists() {
        assert_eq!(found("See `docs/how-to/tls.md`, or (docs/how-to/tls.md).\n"), [""; 0]);
        // In parts, so that this file mentions no missing file.
        let missing = ["docs", "c.md"].join("/");
        assert_eq!(found(&format!("See {missing}.\n")), [format!("{missing} leads to no file")]);
    }
}
