//! The commands on standard input.

use clap::ValueEnum;
use swim_tokio::settings::{Readers, seed as parse_seed};
use swim_tokio::{Cluster, CommandError, Encryption, Error};

use super::access::EncryptionArg;
use super::answer;
use super::key::KeyCommand;
use super::seeds::Seeds;
use crate::print::{Format, Line};
use crate::text;

/// The commands, for `help`.
const HELP: &str = "\
members                    list the members, including this one
broadcast TEXT             send TEXT to every member
send NAME TEXT             send TEXT to one member in one datagram, which may be lost
send-reliable NAME TEXT    send TEXT to one member and wait for its acknowledgement
meta TEXT                  announce TEXT as this member's metadata; without TEXT, clear it
ping NAME                  measure the round trip to a member
forget NAME                stop looking for a failed or departed member
add-seed HOST:PORT         add a seed
remove-seed HOST:PORT      remove a seed
key list                   list the fingerprints of the keys, the primary key first
key install FILE           also accept what is sealed with the keys in FILE
key use FINGERPRINT        make this key the primary key: seal with it
key remove FINGERPRINT     stop accepting what is sealed with this key
encryption off             with keys: send plaintext, accept both, until all members have the key
encryption outgoing        with keys: send encrypted, accept both
encryption required        with keys: send encrypted, accept only encrypted
label LABEL [OTHER]        use LABEL for the cluster, and also accept OTHER ('' for no label)
health                     show the local health: 0 is healthy
stats                      show the counters of this node
leave                      leave the cluster and exit
help                       show this list";

/// A command on standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Members,
    Broadcast { text: String },
    Send { to: String, text: String, reliable: bool },
    Meta { text: String },
    Ping { to: String },
    Forget { name: String },
    AddSeed { seed: String },
    RemoveSeed { seed: String },
    Key(KeyCommand),
    Encryption(Encryption),
    Label { label: String, also: Option<String> },
    Health,
    Stats,
    Leave,
    Help,
}

impl Command {
    /// Parses a line; `None` if it is blank.
    pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
        let (word, rest) = split_word(line);
        let needs = |what: &str| Err(format!("usage: {word} {what}"));
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
            "forget" if rest.is_empty() => return needs("NAME"),
            "forget" => Command::Forget { name: rest.into() },
            "add-seed" | "remove-seed" if rest.is_empty() => return needs("HOST:PORT"),
            "add-seed" => Command::AddSeed { seed: parse_seed(rest)? },
            "remove-seed" => Command::RemoveSeed { seed: parse_seed(rest)? },
            "key" => {
                let (word, rest) = split_word(rest);
                Command::Key(KeyCommand::parse(word, rest)?)
            }
            "encryption" => match EncryptionArg::from_str(rest, false) {
                Ok(given) => Command::Encryption(given.into()),
                Err(_) => return needs("off, encryption outgoing or encryption required"),
            },
            "label" => match parse_labels(rest) {
                Some(command) => command,
                None => return needs("LABEL [OTHER]"),
            },
            "members" | "health" | "stats" | "leave" | "help" if !rest.is_empty() => {
                return Err(format!("usage: {word}, without arguments"));
            }
            "members" => Command::Members,
            "health" => Command::Health,
            "stats" => Command::Stats,
            "leave" => Command::Leave,
            "help" => Command::Help,
            other => {
                // Enough to recognise the command.
                let other: String = other.chars().take(40).collect();
                return Err(format!(
                    "unknown command '{}'; the commands are members, broadcast TEXT, \
                     send NAME TEXT, send-reliable NAME TEXT, meta TEXT, ping NAME, forget NAME, \
                     add-seed HOST:PORT, remove-seed HOST:PORT, key, encryption, label, health, \
                     stats, leave and help",
                    text::escape(&other)
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
            Command::Forget { .. } => "forget",
            Command::AddSeed { .. } => "add-seed",
            Command::RemoveSeed { .. } => "remove-seed",
            Command::Key(command) => command.word(),
            Command::Encryption(_) => "encryption",
            Command::Label { .. } => "label",
            Command::Health => "health",
            Command::Stats => "stats",
            Command::Leave => "leave",
            Command::Help => "help",
        }
    }

    /// Whether it must be done before the next line starts, which may depend on it.
    pub(super) fn is_a_setting(&self) -> bool {
        matches!(self, Command::Key(_) | Command::Encryption(_) | Command::Label { .. })
    }

    /// Runs the command, and returns the output. The caller handles [`Command::Leave`].
    pub(super) async fn run(
        self,
        cluster: Cluster,
        seeds: Seeds,
        readers: Readers,
        format: Format,
    ) -> String {
        let word = self.word();
        let answer = self.ask(&cluster, &seeds, readers, format).await;
        answer.unwrap_or_else(|error| format.render_now(answer::refused(word, &error.to_string())))
    }

    async fn ask(
        self,
        cluster: &Cluster,
        seeds: &Seeds,
        readers: Readers,
        format: Format,
    ) -> Result<String, Error> {
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
            Command::Forget { name } => forget(cluster, word, &name).await?,
            Command::AddSeed { seed } => {
                seeds.add(&seed);
                match cluster.add_seed(&seed).await? {
                    true => answer::done_with_seed(word, "seed added:", &seed),
                    false => answer::done_with_seed(word, "already a seed:", &seed),
                }
            }
            Command::RemoveSeed { seed } => {
                seeds.remove(&seed);
                match cluster.remove_seed(&seed).await? {
                    true => answer::done_with_seed(word, "seed removed:", &seed),
                    false => answer::refused(word, &format!("{seed} is not a seed")),
                }
            }
            Command::Key(command) => command.ask(cluster, readers).await?,
            Command::Encryption(encryption) => {
                cluster.set_encryption(encryption).await?;
                answer::done(word, what_is_encrypted(encryption))
            }
            Command::Label { label, also } => {
                cluster.set_label(label, also.map(Into::into)).await?;
                answer::done(word, "changed")
            }
            Command::Health => answer::health(cluster.health()),
            Command::Members => return Ok(answer::members(&cluster.members(), format)),
            Command::Stats => return Ok(answer::stats(&cluster.stats().await?, format)),
            Command::Help => return Ok(answer::help(HELP, format)),
            Command::Leave => return Ok(String::new()),
        };
        Ok(format.render_now(line))
    }
}

/// One label or two; `''` means no label.
fn parse_labels(rest: &str) -> Option<Command> {
    let written = |word: &str| if word == "''" { String::new() } else { word.to_string() };
    let (label, also) = split_word(rest);
    if label.is_empty() || also.contains(char::is_whitespace) {
        return None;
    }
    let also = (!also.is_empty()).then(|| written(also));
    Some(Command::Label { label: written(label), also })
}

fn what_is_encrypted(encryption: Encryption) -> &'static str {
    match encryption {
        Encryption::Off => "sending plaintext, accepting both",
        Encryption::Outgoing => "sending encrypted, accepting both",
        Encryption::Required => "sending encrypted, accepting only encrypted",
    }
}

async fn forget(cluster: &Cluster, word: &str, name: &str) -> Result<Line, Error> {
    match cluster.forget(name).await {
        Ok(()) => Ok(answer::done_to(word, "no longer looking for", name)),
        // The error's own text speaks of live members.
        Err(Error::Command(CommandError::UnknownMember)) => {
            Ok(answer::refused(word, "no failed or departed member has that name"))
        }
        Err(error) => Err(error),
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
        assert_eq!(parsed("forget b c"), Command::Forget { name: "b c".into() });
        assert_eq!(Command::parse("  "), Ok(None));
    }

    #[test]
    fn keys_encryption_and_labels() {
        let file = "my keys".to_string();
        assert_eq!(parsed("key install my keys"), Command::Key(KeyCommand::Install { file }));
        let fingerprint = "7cfef0f0".to_string();
        assert_eq!(parsed("key use 7CFEF0F0"), Command::Key(KeyCommand::Use { fingerprint }));
        assert_eq!(parsed("key  list"), Command::Key(KeyCommand::List));
        for (word, encryption) in [
            ("off", Encryption::Off),
            ("outgoing", Encryption::Outgoing),
            ("required", Encryption::Required),
        ] {
            let command = parsed(&format!("encryption {word}"));
            assert_eq!(command, Command::Encryption(encryption));
        }
        let label = |label: &str, also: Option<&str>| Command::Label {
            label: label.into(),
            also: also.map(Into::into),
        };
        assert_eq!(parsed("label new"), label("new", None));
        assert_eq!(parsed("label new old"), label("new", Some("old")));
        assert_eq!(parsed("label new ''"), label("new", Some("")));
    }

    #[test]
    fn seeds_are_written_as_on_the_command_line() {
        for (text, seed) in [("db-1", "db-1:7946"), ("::1", "[::1]:7946"), ("db:9", "db:9")] {
            let seed = || seed.to_string();
            assert_eq!(parsed(&format!("add-seed {text}")), Command::AddSeed { seed: seed() });
            assert_eq!(
                parsed(&format!("remove-seed {text}")),
                Command::RemoveSeed { seed: seed() }
            );
        }
    }

    #[test]
    fn what_is_no_command_is_told_with_what_would_be() {
        for (line, expected) in [
            ("frobnicate now", "unknown command 'frobnicate'; the commands are members, broadcast"),
            ("\u{1b}[2J", "\\u{1b}"),
            ("broadcast", "broadcast TEXT"),
            ("send", "send NAME TEXT"),
            ("send b", "send NAME TEXT"),
            ("ping", "ping NAME"),
            ("forget", "forget NAME"),
            ("add-seed", "add-seed HOST:PORT"),
            ("remove-seed", "remove-seed HOST:PORT"),
            ("add-seed a b", "host name is invalid; write HOST:PORT, or HOST with port 7946"),
            ("remove-seed db:0", "port 0"),
            ("key", "key install FILE, key use FINGERPRINT"),
            ("key install", "key install FILE"),
            ("key use c2VjcmV0", "key use FINGERPRINT, the 8 digits"),
            ("key remove", "key remove FINGERPRINT"),
            ("key list all", "key list"),
            ("encryption", "encryption off, encryption outgoing or encryption required"),
            ("encryption on", "encryption off"),
            ("label", "label LABEL [OTHER]"),
            ("label a b c", "label LABEL [OTHER]"),
            ("leave now", "leave, without arguments"),
        ] {
            let told = Command::parse(line).unwrap_err();
            assert!(told.contains(expected), "{line}: {told}");
        }
    }

    #[test]
    fn help_lists_every_command() {
        let words = ["members", "broadcast", "send", "send-reliable", "meta", "ping", "forget"];
        let more = [
            "add-seed",
            "remove-seed",
            "key",
            "encryption",
            "label",
            "health",
            "stats",
            "leave",
            "help",
        ];
        for word in words.into_iter().chain(more) {
            assert!(HELP.lines().any(|line| line.split(' ').next() == Some(word)), "{word}");
        }
    }
}
