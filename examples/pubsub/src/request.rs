//! Requests of clients.

use std::str::FromStr;

use crate::message::Topic;

/// A line from a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Subscribe(Topic),
    Unsubscribe(Topic),
    Publish(Topic, String),
    Stats,
    Quit,
}

impl FromStr for Request {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (command, rest) {
            ("SUB", _) => Ok(Request::Subscribe(rest.parse()?)),
            ("UNSUB", _) => Ok(Request::Unsubscribe(rest.parse()?)),
            ("PUB", _) => {
                let (topic, text) = rest.split_once(' ').ok_or("write PUB TOPIC TEXT")?;
                Ok(Request::Publish(topic.parse()?, text.to_owned()))
            }
            ("STATS", "") => Ok(Request::Stats),
            ("QUIT", "") => Ok(Request::Quit),
            _ => Err("write SUB TOPIC, UNSUB TOPIC, PUB TOPIC TEXT, STATS or QUIT".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_word_and_what_it_needs() {
        let topic: Topic = "t".parse().unwrap();
        assert_eq!("SUB t".parse(), Ok(Request::Subscribe(topic.clone())));
        assert_eq!("PUB t a  b ".parse(), Ok(Request::Publish(topic.clone(), "a  b ".into())));
        assert_eq!("PUB t ".parse(), Ok(Request::Publish(topic, String::new())));
        assert_eq!("QUIT".parse(), Ok(Request::Quit));
    }

    #[test]
    fn anything_else_says_what_to_write() {
        for (line, told) in [
            ("", "write SUB TOPIC"),
            ("sub t", "write SUB TOPIC"),
            ("STATS now", "write SUB TOPIC"),
            ("SUB", "a topic has 1 to 64 bytes"),
            ("SUB a b", "no whitespace"),
            ("PUB t", "write PUB TOPIC TEXT"),
        ] {
            let error = line.parse::<Request>().unwrap_err();
            assert!(error.contains(told), "{line:?}: {error}");
        }
    }
}
