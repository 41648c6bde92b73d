//! `swim agent`: runs one member until it is asked to leave.

pub(crate) mod access;
mod answer;
mod command;
pub(crate) mod control;
mod in_flight;
mod key;
mod load;
mod reload;
mod seeds;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use swim_tokio::settings::Readers;
use swim_tokio::{
    Carrier, Cluster, Departure, Encryption, Error, Events, Failure, Joined, Node, Notice, Options,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use self::answer::refused;
use self::command::Command;
use self::control::Control;
use self::in_flight::InFlight;
use self::load::Loaded;
pub(crate) use self::load::load;
use self::reload::{Live, Reloader};
use self::seeds::Seeds;
use crate::cli::AgentArgs;
use crate::describe::{describe, hint};
use crate::input::{self, InputLine};
use crate::log::Log;
use crate::output::{End, Ended, Output};
use crate::print::{Format, Line};
use crate::signal::{HANGUP, Received, Signals};
use crate::style::Tone;
use crate::{Fatal, text, warn};

/// How long the leave may take. Service managers give a process about 10 s to stop.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// The error of a leave that no peer acknowledged.
const NOBODY_HEARD: &str = "\
no peer acknowledged the leave: running peers will see this member as failed; check that UDP and \
TCP pass between the peers and this host in both directions; the command 'forget NAME' at each \
peer makes it stop looking for this member";

/// How long the last lines may take: a slow reader must not delay the leave.
const LAST_LINES_TIME_MAX: Duration = Duration::from_millis(500);

/// The first and the longest pause between attempts to join. Each failed attempt is printed.
const JOIN_AGAIN_MIN: Duration = Duration::from_secs(5);
const JOIN_AGAIN_MAX: Duration = Duration::from_secs(60);

/// How many commands run at the same time; further lines wait.
const COMMANDS_MAX: usize = 32;

/// Runs the agent to its end, and returns the exit code.
pub(crate) async fn run(
    arguments: Arc<AgentArgs>,
    mut signals: Signals,
    log: Log,
) -> Result<u8, Fatal> {
    let reading = Arc::clone(&arguments);
    // A file may be a pipe, or on a slow disk. A signal ends the program even then.
    let loaded = tokio::select! {
        loaded = tokio::task::spawn_blocking(move || load(&reading)) => loaded
            .unwrap_or_else(|_| Err("the program is ending".into()))
            .map_err(Fatal::usage)?,
        signal = signals.next() => return Ok(signal.exit_code),
    };
    log.set(&loaded.agent.log);
    let started = started(&loaded);
    let mut options = loaded.node.options.clone();
    // `join` asks the seeds, and prints the results.
    let seeds = Seeds::new(std::mem::take(&mut options.seeds));
    // A signal ends the program even if binding hangs.
    let (mut node, certificates) = tokio::select! {
        started = tls::start(options) => {
            started.map_err(|error| Fatal::usage(error.to_string()))?
        }
        signal = signals.next() => return Ok(signal.exit_code),
    };
    let (cluster, events) = (node.cluster(), node.events());
    let control = control::serve(&cluster, &loaded).await?;
    let (output, mut ended) = Output::start(Format::for_stdout(loaded.agent.json))
        .map_err(|error| Fatal::failure(format!("cannot start a thread: {error}")))?;
    output.line(started(&cluster)).await;
    control.tell(&output).await;
    warn_of_loopback(&cluster);
    if let Some(warning) = certificates.warning() {
        warn(&warning);
    }
    let telling = tokio::spawn(tell_events(events, output.clone()));
    let mut helpers = JoinSet::new();
    helpers.spawn(join(cluster.clone(), seeds.clone(), output.clone()));
    let readers = loaded.node.readers;
    let mut leave_asked = Some(obey(&mut helpers, &cluster, &seeds, readers, &output)?);
    let reload = match arguments.config.config.is_some() || certificates.are_used() {
        true => {
            signals.hangup_reloads();
            let live = Live { cluster, seeds, log, certificates };
            let reloader = Reloader::new(arguments, loaded, live);
            Some(reload_on_demand(&mut helpers, reloader, output.clone()))
        }
        false => None,
    };

    let why = loop {
        break tokio::select! {
            signal = signals.next() => match &reload {
                Some(reload) if signal == HANGUP => {
                    // If the channel is full, the waiting reload reads the current files.
                    let _ = reload.try_send(());
                    continue;
                }
                _ => Why::Signal(signal),
            },
            () = asked(&mut leave_asked) => Why::Command,
            () = control.left() => Why::Client,
            end = ended.wait() => Why::Output(end),
            () = node.stopped() => {
                // Only a panic ends it, and the panic was printed.
                return Err(Fatal::failure("the node stopped unexpectedly; please report this bug"));
            }
        };
    };
    let agent = Agent { node, control, telling, helpers, output, ended };
    tokio::select! {
        left = agent.leave(why) => left,
        signal = signals.next_to_stop() => Ok(signal.exit_code),
    }
}

/// Reloads once for each message, one after the other.
fn reload_on_demand(
    helpers: &mut JoinSet<()>,
    mut reloader: Reloader,
    output: Output,
) -> mpsc::Sender<()> {
    let (sender, mut asked) = mpsc::channel(1);
    helpers.spawn(async move {
        while asked.recv().await.is_some() {
            output.line(reloader.reload().await).await;
        }
    });
    sender
}

/// Why the agent stops.
#[derive(Debug)]
enum Why {
    Signal(Received),
    Command,
    /// A client of the control API made the node leave.
    Client,
    Output(End),
}

/// A running agent.
#[derive(Debug)]
struct Agent {
    node: Node,
    control: Control,
    telling: JoinHandle<()>,
    helpers: JoinSet<()>,
    output: Output,
    ended: Ended,
}

impl Agent {
    /// Leaves the cluster, and returns the exit code.
    async fn leave(self, why: Why) -> Result<u8, Fatal> {
        let Agent { node, control, mut telling, mut helpers, output, mut ended } = self;
        let reason = match &why {
            Why::Signal(signal) => signal.name,
            Why::Command => "the command 'leave'",
            Why::Client => "the command 'swim leave'",
            Why::Output(_) => "the end of standard output",
        };
        let peers = text::count(node.cluster().peer_count(), "peer");
        let leaving = Line::new("leaving", Tone::Plain, format!("{reason}: leaving {peers}"))
            .fields(|record| record.with("reason", reason));
        last_line(&output, leaving).await;
        let left = node.shutdown(LEAVE_TIME_MAX).await;
        control.shutdown().await;
        // The events end with the node; those that wait are still printed.
        let _ = tokio::time::timeout(LAST_LINES_TIME_MAX, &mut telling).await;
        telling.abort();
        helpers.shutdown().await;
        let result = match (left, why) {
            (Ok(Departure::TimedOut), _) => Err(Fatal::failure(format!(
                "the leave did not spread to all peers within {} s: some may see this member as \
                 failed",
                LEAVE_TIME_MAX.as_secs()
            ))),
            (Ok(_), Why::Output(End::Unwritable(error))) => {
                Err(Fatal::usage(format!("cannot write to standard output: {error}")))
            }
            // The exit code shows that the agent left because its reader was gone.
            (Ok(_), Why::Output(_)) => Err(Fatal::failure(
                "the reader of standard output is gone, so this member left the cluster",
            )),
            (Ok(_), _) => Ok(0),
            (Err(Error::Failure(Failure::NobodyHeard)), _) => Err(Fatal::failure(NOBODY_HEARD)),
            (Err(error), _) => Err(Fatal::failure(format!("the leave failed: {error}"))),
        };
        let (tone, told) = match result {
            Ok(_) => (Tone::Good, "left the cluster"),
            Err(_) => (Tone::Bad, "the leave is incomplete"),
        };
        let stopped =
            Line::new("stopped", tone, told).fields(|record| record.with("left", result.is_ok()));
        last_line(&output, stopped).await;
        drop(output);
        let _ = tokio::time::timeout(LAST_LINES_TIME_MAX, ended.wait()).await;
        result
    }
}

/// Prints a line, unless a slow reader would delay the leave.
async fn last_line(output: &Output, line: Line) {
    let _ = tokio::time::timeout(LAST_LINES_TIME_MAX, output.line(line)).await;
}

/// The wire and encryption of an agent, for its first line.
struct Access {
    wire: &'static str,
    keys: Vec<String>,
    told: String,
}

fn describe_access(options: &Options) -> Access {
    let config = &options.config;
    let wire = config.wire.as_str();
    let keys: Vec<String> =
        config.keyring.keys().map(|key| key.fingerprint().to_string()).collect();
    let encrypted = match (keys.first(), config.encryption) {
        (None, _) => "not encrypted".into(),
        (Some(_), Encryption::Off) => "sent in plaintext, encrypted accepted".to_string(),
        (Some(key), Encryption::Outgoing | Encryption::Required) => {
            format!("encrypted with key {key}")
        }
    };
    let told = match (&options.tls, keys.is_empty()) {
        (None, _) => format!("wire {wire}, {encrypted}"),
        (Some(_), false) => format!("wire {wire}, {encrypted}, streams also in TLS"),
        (Some(_), true) if options.transport == Carrier::Streams => {
            format!("wire {wire}, everything in TLS")
        }
        (Some(_), true) => {
            format!("wire {wire}, streams in TLS, datagrams not encrypted: set key_file")
        }
    };
    Access { wire, keys, told }
}

/// The first line, with the bound and announced addresses: scripts can use port 0.
fn started(loaded: &Loaded) -> impl FnOnce(&Cluster) -> Line + use<> {
    let access = describe_access(&loaded.node.options);
    let carrier = loaded.node.options.transport;
    let label = text_of(&loaded.node.options.config.label);
    let profile = loaded.node.profile.as_str();
    move |cluster| {
        let local = cluster.local();
        let bound = cluster.local_address();
        let announced = match local.address == bound {
            true => String::new(),
            false => format!(", announced as {}", local.address),
        };
        let only = if carrier == Carrier::Streams { " (TCP only)" } else { "" };
        let told = format!(
            "{} listens on {bound}{only}{announced}; cluster \"{}\", profile {profile}, {}",
            text::escape(local.name.as_str()),
            text::escape(&label),
            access.told
        );
        Line::new("started", Tone::Good, told).fields(|record| {
            record
                .with("name", local.name.as_str())
                .with("address", local.address.to_string())
                .with("bind", bound.to_string())
                .with("cluster", label)
                .with("profile", profile)
                .with("wire", access.wire)
                .with("transport", carrier.as_str())
                .with("keys", access.keys)
                .with("incarnation", local.incarnation.0)
                .with("version", env!("CARGO_PKG_VERSION"))
                .with("pid", std::process::id())
        })
    }
}

/// Warns that other machines cannot reach this member, although it listens for them.
fn warn_of_loopback(cluster: &Cluster) {
    let (announced, bound) = (cluster.local().address, cluster.local_address());
    if announced.ip().is_loopback() && !bound.ip().to_canonical().is_loopback() {
        warn(&format!(
            "{announced} is announced, and no other machine can reach this member there, although \
             it listens on {bound}: set --advertise to an address that peers can reach, or --bind \
             to loopback"
        ));
    }
}

fn text_of(label: &[u8]) -> String {
    String::from_utf8_lossy(label).into_owned()
}

async fn tell_events(mut events: Events, output: Output) {
    while let Some(notice) = events.next().await {
        output.line(describe_notice(&notice)).await;
    }
}

fn describe_notice(notice: &Notice) -> Line {
    match notice {
        Notice::Event(event) => describe(event),
        Notice::Missed { events, .. } => {
            let told = format!("{events} events lost: the reader of this output is too slow");
            Line::new("missed", Tone::Warning, told).fields(|record| record.with("events", *events))
        }
        other => Line::new("other", Tone::Plain, other.to_string()),
    }
}

/// Joins the seeds and prints the result, again at growing intervals while none answers.
///
/// The node itself asks more often. This ends once it knows a peer.
async fn join(cluster: Cluster, seeds: Seeds, output: Output) {
    let mut pause = JOIN_AGAIN_MIN;
    loop {
        let asked = seeds.list();
        if asked.is_empty() {
            return;
        }
        match cluster.join(&asked).await {
            Ok(joined) => return output.line(join_done(&joined)).await,
            Err(error) => {
                let is_over = matches!(error, Error::SeedRemoved | Error::Stopped);
                output.line(join_failed(&asked, &error, is_over)).await;
                if is_over {
                    return;
                }
            }
        }
        tokio::time::sleep(pause).await;
        if cluster.peer_count() > 0 {
            return;
        }
        pause = (pause * 2).min(JOIN_AGAIN_MAX);
    }
}

fn join_done(joined: &Joined) -> Line {
    let members = text::count(joined.members, "member");
    let told = format!("{} answered: {members} known", joined.contact);
    Line::new("join_done", Tone::Good, told).fields(|record| {
        record.with("contact", joined.contact.to_string()).with("members", joined.members)
    })
}

fn join_failed(seeds: &[String], error: &Error, is_over: bool) -> Line {
    let further = if is_over { "" } else { "; the agent keeps trying" };
    let hint = hint::of_error(error);
    let error = error.to_string();
    let advice = hint.as_deref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    let told = format!("{}{further}{advice}", text::escape(&error));
    Line::new("join_failed", Tone::Warning, told)
        .fields(|record| record.with("seeds", seeds).with("message", error).with_some("hint", hint))
}

/// Starts to run the commands of standard input. The receiver resolves at the command to leave.
fn obey(
    helpers: &mut JoinSet<()>,
    cluster: &Cluster,
    seeds: &Seeds,
    readers: Readers,
    output: &Output,
) -> Result<oneshot::Receiver<()>, Fatal> {
    let lines = input::lines()
        .map_err(|error| Fatal::failure(format!("cannot start a thread: {error}")))?;
    let (leave, leave_asked) = oneshot::channel();
    let (cluster, seeds, output) = (cluster.clone(), seeds.clone(), output.clone());
    helpers.spawn(async move {
        if carry_out(lines, &cluster, &seeds, readers, &output).await == LastCommand::Leave {
            // Without a receiver the agent is leaving already.
            let _ = leave.send(());
        }
    });
    Ok(leave_asked)
}

/// Resolves at the command to leave, also if it is called again. Never resolves at the end of the
/// input.
async fn asked(leave: &mut Option<oneshot::Receiver<()>>) {
    if let Some(receiver) = leave {
        let answer = receiver.await;
        // A receiver that resolved must not be polled again.
        *leave = None;
        if answer.is_ok() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// How the commands ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastCommand {
    Leave,
    EndOfInput,
}

/// Runs the commands. They start in the order of their lines, and each prints its answer when it is
/// done. Returns at `leave`, once all earlier commands are done.
async fn carry_out(
    mut lines: mpsc::Receiver<InputLine>,
    cluster: &Cluster,
    seeds: &Seeds,
    readers: Readers,
    output: &Output,
) -> LastCommand {
    let mut running = InFlight::default();
    let last = loop {
        let line = tokio::select! {
            biased;
            line = lines.recv(), if running.len() < COMMANDS_MAX => line,
            done = running.next() => {
                output.block(done).await;
                continue;
            }
        };
        let Some(line) = line else {
            break LastCommand::EndOfInput;
        };
        match line.and_then(|line| Command::parse(&line)) {
            Ok(None) => {}
            Ok(Some(Command::Leave)) => break LastCommand::Leave,
            Ok(Some(command)) => {
                let is_a_setting = command.is_a_setting();
                let command = command.run(cluster.clone(), seeds.clone(), readers, output.format());
                if is_a_setting {
                    output.block(command.await).await;
                    continue;
                }
                if let Some(done) = running.start(Box::pin(command)).await {
                    output.block(done).await;
                }
            }
            Err(error) => output.line(refused("input", &error)).await,
        }
    };
    let finish = async {
        while running.len() > 0 {
            let done = running.next().await;
            output.block(done).await;
        }
    };
    let _ = tokio::time::timeout(LEAVE_TIME_MAX, finish).await;
    last
}
