//! The items that a public API lost and gained.

use std::collections::BTreeSet;
use std::fmt;

/// The differences between a listing and an API.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    gone: Vec<String>,
    new: Vec<String>,
}

impl Changes {
    /// Compares a committed listing, one item to a line, with the current items.
    pub(crate) fn between(committed: &str, now: &[String]) -> Self {
        let before: BTreeSet<&str> = committed.lines().collect();
        let after: BTreeSet<&str> = now.iter().map(String::as_str).collect();
        let owned = |item: &&str| (*item).to_string();
        Changes {
            gone: before.difference(&after).map(owned).collect(),
            new: after.difference(&before).map(owned).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.gone.iter().try_for_each(|item| writeln!(f, "- {item}"))?;
        self.new.iter().try_for_each(|item| writeln!(f, "+ {item}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_comes_before_what_is_new() {
        let now = ["pub fn a::kept()".to_string(), "pub fn a::new()".to_string()];
        let changes = Changes::between("pub fn a::gone()\npub fn a::kept()\n", &now);
        assert!(!changes.is_empty());
        assert_eq!(changes.to_string(), "- pub fn a::gone()\n+ pub fn a::new()\n");
    }

    #[test]
    fn an_item_that_takes_another_argument_is_both_gone_and_new() {
        let changes = Changes::between("pub fn a::b()\n", &["pub fn a::b(u8)".to_string()]);
        assert_eq!(changes.to_string(), "- pub fn a::b()\n+ pub fn a::b(u8)\n");
    }

    #[test]
    fn nothing_differs_from_itself_in_any_order() {
        let now = ["b".to_string(), "a".to_string()];
        assert!(Changes::between("a\nb\n", &now).is_empty());
    }
}
