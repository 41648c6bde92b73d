//! Messages and their topics.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest topic in bytes. It bounds the memory of subscriptions.
const TOPIC_SIZE_MAX: usize = 64;

/// The name of a topic: 1 to 64 bytes of UTF-8 without whitespace and control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl FromStr for Topic {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > TOPIC_SIZE_MAX {
            return Err("a topic has 1 to 64 bytes");
        }
        if text.chars().any(|it| it.is_whitespace() || it.is_control()) {
            return Err("a topic has no whitespace and no control characters");
        }
        Ok(Topic(text.into()))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message that a node took from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its number in the life of that node, from 1.
    pub(crate) seq: u64,
    pub(crate) topic: Topic,
    /// Without a line end.
    pub(crate) text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_one_short_word() {
        assert_eq!("news".parse::<Topic>().unwrap().to_string(), "news");
        assert!("é".repeat(32).parse::<Topic>().is_ok());
        for wrong in ["", "a b", "a\tb", "a\u{7}", "a\u{a0}b", &"x".repeat(65)] {
            assert!(wrong.parse::<Topic>().is_err(), "{wrong:?}");
        }
    }
}
