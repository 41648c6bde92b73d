//! The protocol between two nodes: one frame per line.

use std::fmt;
use std::str::FromStr;

use crate::life::Life;
use crate::message::Message;

/// The version of this protocol.
const VERSION: &str = "1";

/// A line between two nodes. The node that connected sends messages; the other node receives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Sender: opens the link and names the lives at both ends.
    Hello { from: Life, to: Life },
    /// Receiver: accepts, and names the message that it expects next, or none if it knows nothing
    /// of this life.
    Welcome { next: Option<u64> },
    /// Receiver: refuses. The sender tries again later.
    Refused { reason: String },
    /// Sender: the first message that it will send. A receiver that expects an earlier one ignores
    /// this.
    Begin { next: u64 },
    /// Sender: a message.
    Message(Message),
    /// Sender: heartbeat while there is nothing to send, with the number of its next message.
    At { next: u64 },
    /// Receiver: it has every message before this number.
    Ack { next: u64 },
    /// Sender: it leaves, and `next` is one past its last message. Receiver: the answer.
    Bye { next: u64 },
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Frame::Hello { from, to } => write!(f, "HELLO {VERSION} {from} {to}"),
            Frame::Welcome { next: Some(next) } => write!(f, "WELCOME {next}"),
            Frame::Welcome { next: None } => f.write_str("WELCOME -"),
            Frame::Refused { reason } => write!(f, "REFUSED {reason}"),
            Frame::Begin { next } => write!(f, "BEGIN {next}"),
            Frame::Message(Message { seq, topic, text }) => write!(f, "MSG {seq} {topic} {text}"),
            Frame::At { next } => write!(f, "AT {next}"),
            Frame::Ack { next } => write!(f, "ACK {next}"),
            Frame::Bye { next } => write!(f, "BYE {next}"),
        }
    }
}

/// The line is not a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoFrame;

impl FromStr for Frame {
    type Err = NoFrame;

    fn from_str(line: &str) -> Result<Self, NoFrame> {
        parse(line).ok_or(NoFrame)
    }
}

fn parse(line: &str) -> Option<Frame> {
    let (kind, rest) = line.split_once(' ')?;
    let number = || rest.parse::<u64>().ok();
    Some(match kind {
        "HELLO" => {
            let (from, to) = rest.strip_prefix(VERSION)?.strip_prefix(' ')?.split_once(' ')?;
            Frame::Hello { from: from.parse().ok()?, to: to.parse().ok()? }
        }
        "WELCOME" if rest == "-" => Frame::Welcome { next: None },
        "WELCOME" => Frame::Welcome { next: Some(number()?) },
        "REFUSED" => Frame::Refused { reason: rest.to_owned() },
        "BEGIN" => Frame::Begin { next: number()? },
        "MSG" => {
            let (seq, rest) = rest.split_once(' ')?;
            let (topic, text) = rest.split_once(' ')?;
            let (seq, topic) = (seq.parse().ok()?, topic.parse().ok()?);
            Frame::Message(Message { seq, topic, text: text.to_owned() })
        }
        "AT" => Frame::At { next: number()? },
        "ACK" => Frame::Ack { next: number()? },
        "BYE" => Frame::Bye { next: number()? },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_back_as_it_was() {
        let text = " two  words ".to_owned();
        for frame in [
            Frame::Hello { from: Life(1), to: Life(u64::MAX) },
            Frame::Welcome { next: Some(7) },
            Frame::Welcome { next: None },
            Frame::Refused { reason: "no live member".into() },
            Frame::Begin { next: 1 },
            Frame::Message(Message { seq: 9, topic: "t".parse().unwrap(), text }),
            Frame::Message(Message { seq: 9, topic: "t".parse().unwrap(), text: String::new() }),
            Frame::At { next: 3 },
            Frame::Ack { next: 3 },
            Frame::Bye { next: u64::MAX },
        ] {
            assert_eq!(frame.to_string().parse(), Ok(frame));
        }
    }

    #[test]
    fn anything_else_is_none() {
        for line in [
            "",
            "MSG",
            "MSG 1",
            "MSG 1 t",
            "MSG x t text",
            "MSG 1  text",
            "AT",
            "AT -1",
            "AT 18446744073709551616",
            "HELLO 2 1 2",
            "HELLO 1 1",
            "HELLO 1 g 2",
            "GET / HTTP/1.1",
        ] {
            assert_eq!(line.parse::<Frame>(), Err(NoFrame), "{line:?}");
        }
    }
}
