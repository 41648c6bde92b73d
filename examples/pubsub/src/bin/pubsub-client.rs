//! A client of the service.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write, stdin, stdout};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use pubsub::{LINE_SIZE_MAX, Topic};

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// The longest line of a node: a message with its topic, publisher and number.
const LINE_MAX: u64 = 2 * LINE_SIZE_MAX as u64;

/// Publish and subscribe at a node of pubsub
#[derive(Parser)]
struct Arguments {
    /// Address of a node for clients, HOST:PORT
    node: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the messages of topics
    Sub {
        /// Topics to subscribe to
        #[arg(required = true)]
        topics: Vec<Topic>,
    },
    /// Publish a message, or each line of standard input
    Pub {
        /// Topic to publish to
        topic: Topic,
        /// Text of the message
        text: Option<String>,
    },
    /// Print the statistics of the node
    Stats,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        // The reader of the output is gone.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {}: {e}", arguments.node);
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let mut node = Node::connect(&arguments.node)?;
    match &arguments.command {
        Command::Sub { topics } => {
            for topic in topics {
                node.ask(&format!("SUB {topic}"))?;
            }
            // Messages may be rare.
            node.reader.get_ref().set_read_timeout(None)?;
            loop {
                let line = node.read()?;
                print(&line)?;
                if line.starts_with("BYE") || line.starts_with("ERR") {
                    return Err(io::Error::other("the node ended the connection"));
                }
            }
        }
        Command::Pub { topic, text: Some(text) } => node.ask(&format!("PUB {topic} {text}")),
        Command::Pub { topic, text: None } => {
            stdin().lines().try_for_each(|line| node.ask(&format!("PUB {topic} {}", line?)))
        }
        Command::Stats => node.ask("STATS"),
    }
}

/// The connection to a node.
struct Node {
    reader: BufReader<TcpStream>,
}

impl Node {
    fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        Ok(Node { reader: BufReader::new(stream) })
    }

    /// Sends a request, and prints the lines up to the end of the answer.
    fn ask(&mut self, line: &str) -> io::Result<()> {
        if line.contains(['\n', '\r']) {
            return Err(io::Error::other("a topic or a text cannot contain line ends"));
        }
        self.reader.get_mut().write_all(format!("{line}\n").as_bytes())?;
        loop {
            let line = self.read()?;
            if let Some(error) = line.strip_prefix("ERR ") {
                return Err(io::Error::other(escaped(error)));
            }
            if line == "OK" {
                return Ok(());
            }
            print(&line)?;
            if line.starts_with("OK ") {
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match (&mut self.reader).take(LINE_MAX).read_line(&mut line) {
            Ok(_) if line.ends_with('\n') => Ok(line.trim_end_matches('\n').to_owned()),
            Ok(_) => Err(io::Error::other("the node ended the connection")),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Err(io::Error::other("no answer")),
            Err(e) => Err(e),
        }
    }
}

fn print(line: &str) -> io::Result<()> {
    let mut output = stdout().lock();
    writeln!(output, "{}", escaped(line))?;
    output.flush()
}

/// Escapes control characters. Publishers choose the text, which could otherwise control the
/// terminal.
fn escaped(text: &str) -> String {
    let escape = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(escape).collect()
}
