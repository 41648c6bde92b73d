//! The commands on standard input.

use swim_tokio::{Cluster, Error};

use super::answer;
use crate::print::Format;
use crate::text;

/// What the commands are, for `help` and for those who mistype one.
const HELP: &str = "\
members                    list the members, this one included
broadcast TEXT             send TEXT to every member
send NAME TEXT             send TEXT to one member in one datagram, which may be lost
send-reliable NAME TEXT    send TEXT to one member and wait until it has it
meta TEXT                  announce TEXT as this member's metadata; none clears it
ping NAME                  measure the round trip to a member
health                     how this node rates itself: 0 is healthy
stats                      what this node counted
leave                      say goodbye to the cluster and end
help                       this list";

/// A command on standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Members,
    Broadcast { text: String },
    Send { to: String, text: String, reliable: bool },
    Meta { text: String },
    Ping { to: String },
    Health,
    Stats,
    Leave,
    Help,
}

impl Command {
    /// Reads a line; `None` if there is nothing on it.
    pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
        let (word, rest) = split_word(line);
        let needs = |what: &str| Err(format!("the command is: {word} {what}"));
        let command = match word {
            "" => return Ok(None),
            "broadcast" if rest.is_empty() => return needs("TEXT"),
            "broadcast" => Command::Broadcast { text: rest.into() },
            "send" | "send-reliable" => match split_word(rest) {
                ("", _) | (_, "") => return needs("NAME TEXT"),
                (to, text) => Command::Send {
                    to: to.into(),
                    text: text.into(),
                    reliable: word == "send-reliable",
                },
            },
            "meta" => Command::Meta { text: rest.into() },
            "ping" if rest.is_empty() => return needs("NAME"),
            "ping" => Command::Ping { to: rest.into() },
            "members" | "health" | "stats" | "leave" | "help" if !rest.is_empty() => {
                return Err(format!("the command is: {word}, with nothing after it"));
            }
            "members" => Command::Members,
            "health" => Command::Health,
            "stats" => Command::Stats,
            "leave" => Command::Leave,
            "help" => Command::Help,
            other => {
                return Err(format!(
                    "no command '{}'; there are members, broadcast TEXT, send NAME TEXT, \
                     send-reliable NAME TEXT, meta TEXT, ping NAME, health, stats, leave and help",
                    text::escape(other)
                ));
            }
        };
        Ok(Some(command))
    }

    fn word(&self) -> &'static str {
        match self {
            Command::Members => "members",
            Command::Broadcast { .. } => "broadcast",
            Command::Send { reliable: false, .. } => "send",
            Command::Send { reliable: true, .. } => "send-reliable",
            Command::Meta { .. } => "meta",
            Command::Ping { .. } => "ping",
            Command::Health => "health",
            Command::Stats => "stats",
            Command::Leave => "leave",
            Command::Help => "help",
        }
    }

    /// Carries it out, and gives what is to be printed. [`Command::Leave`] is not for here.
    pub(super) async fn run(self, cluster: Cluster, format: Format) -> String {
        let word = self.word();
        let answer = self.ask(&cluster, format).await;
        answer.unwrap_or_else(|error| format.render_now(answer::refused(word, &error.to_string())))
    }

    async fn ask(self, cluster: &Cluster, format: Format) -> Result<String, Error> {
        let word = self.word();
        let line = match self {
            Command::Broadcast { text } => {
                cluster.broadcast(text).await?;
                answer::done(word, "spread")
            }
            Command::Send { to, text, reliable: false } => {
                cluster.send(&to, text).await?;
                answer::done_to(word, "sent to", &to)
            }
            Command::Send { to, text, reliable: true } => {
                cluster.send_reliable(&to, text).await?;
                answer::done_to(word, "received by", &to)
            }
            Command::Meta { text } => {
                cluster.set_meta(text).await?;
                answer::done(word, "spread")
            }
            Command::Ping { to } => answer::pong(&to, &cluster.ping(&to).await?),
            Command::Health => answer::health(cluster.health()),
            Command::Members => return Ok(answer::members(&cluster.members(), format)),
            Command::Stats => return Ok(answer::stats(&cluster.stats().await?, format)),
            Command::Help => return Ok(answer::help(HELP, format)),
            Command::Leave => return Ok(String::new()),
        };
        Ok(format.render_now(line))
    }
}

fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim();
    match line.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Command {
        Command::parse(line).unwrap().unwrap()
    }

    #[test]
    fn commands_are_words_and_text() {
        assert_eq!(parsed(" members "), Command::Members);
        assert_eq!(parsed("leave"), Command::Leave);
        assert_eq!(parsed("broadcast  a  b "), Command::Broadcast { text: "a  b".into() });
        assert_eq!(
            parsed("send b hello there"),
            Command::Send { to: "b".into(), text: "hello there".into(), reliable: false }
        );
        assert_eq!(
            parsed("send-reliable b hi"),
            Command::Send { to: "b".into(), text: "hi".into(), reliable: true }
        );
        assert_eq!(parsed("meta"), Command::Meta { text: String::new() });
        assert_eq!(parsed("ping b c"), Command::Ping { to: "b c".into() });
        assert_eq!(Command::parse("  "), Ok(None));
    }

    #[test]
    fn what_is_no_command_is_told_with_what_would_be() {
        for (line, expected) in [
            ("frobnicate now", "no command 'frobnicate'; there are members, broadcast TEXT"),
            ("\u{1b}[2J", "\\u{1b}"),
            ("broadcast", "broadcast TEXT"),
            ("send", "send NAME TEXT"),
            ("send b", "send NAME TEXT"),
            ("ping", "ping NAME"),
            ("leave now", "leave, with nothing after it"),
        ] {
            let told = Command::parse(line).unwrap_err();
            assert!(told.contains(expected), "{line}: {told}");
        }
    }

    #[test]
    fn help_lists_every_command() {
        for word in ["members", "broadcast", "send", "send-reliable", "meta", "ping", "health"] {
            assert!(HELP.lines().any(|line| line.split(' ').next() == Some(word)), "{word}");
        }
    }
}
