//! `swim demo`: a cluster of real nodes that forms, loses members, and agrees on it.

mod bounds;
mod cast;
mod stage;
mod stories;
mod summary;
mod tell;

use std::time::Duration;

use swim_tokio::{Config, Departure, Error, State};
use tokio::time::Instant;

use self::bounds::Bounds;
use self::cast::Cast;
use self::stage::{Expected, settle};
use self::stories::{Failure, Forming, Leaving, Return};
use self::summary::Timings;
use self::tell::{Teller, names};
use crate::cli::DemoArgs;
use crate::output::{End, Output};
use crate::print::Format;
use crate::record::Record;
use crate::signal::Signals;
use crate::style::Tone;
use crate::{EXIT_FAILURE, Fatal, text};

/// How long a leave may take to spread.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long the last lines may take to be written.
const LAST_LINES_TIME_MAX: Duration = Duration::from_secs(1);

/// The seed of the other nodes.
const FIRST: usize = 0;

/// Runs the demo, and returns the exit code.
pub(crate) async fn run(arguments: DemoArgs, mut signals: Signals) -> Result<u8, Fatal> {
    let (output, mut ended) = Output::start(Format::for_stdout(arguments.json))
        .map_err(|error| Fatal::failure(format!("cannot start a thread: {error}")))?;
    let tell = Teller::new(output);
    let result = {
        let demo = Demo::new(arguments.nodes.into(), &tell)?;
        tokio::select! {
            result = demo.play() => result,
            signal = signals.next() => {
                tell.clear_progress();
                let told = format!("{}: all nodes are stopped before the end", signal.name);
                let record = Record::event("interrupted").with("signal", signal.name);
                tell.say(Tone::Warning, &told, record).await;
                Ok(signal.exit_code)
            }
            end = ended.wait() => return match end {
                End::Unwritable(error) => {
                    Err(Fatal::usage(format!("cannot write to standard output: {error}")))
                }
                // The reader has seen enough, but the demo has not shown that all is right.
                End::Closed | End::Done => Ok(EXIT_FAILURE),
            },
        }
    };
    drop(tell);
    let _ = tokio::time::timeout(LAST_LINES_TIME_MAX, ended.wait()).await;
    result
}

/// A running demo.
#[derive(Debug)]
struct Demo<'a> {
    tell: &'a Teller,
    cast: Cast,
    expected: Expected,
    bounds: Bounds,
    timings: Timings,
    /// The node that crashes and comes back.
    unlucky: usize,
    /// The node that leaves.
    leaver: usize,
}

impl<'a> Demo<'a> {
    fn new(count: usize, tell: &'a Teller) -> Result<Self, Fatal> {
        let cast = Cast::new(count).map_err(|error| Fatal::failure(error.to_string()))?;
        let bounds = Bounds::new(&cast.config(), count);
        Ok(Demo {
            tell,
            cast,
            expected: Expected {
                observers: (0..count).collect(),
                states: vec![State::Alive; count],
            },
            bounds,
            timings: Timings::default(),
            unlucky: (count - 1) / 2,
            leaver: count - 1,
        })
    }

    /// Plays all stages in order, until one fails.
    async fn play(mut self) -> Result<u8, Fatal> {
        self.introduce().await;
        let result = self.stages().await;
        self.timings.total = self.tell.elapsed();
        let beliefs_shown = result.is_ok();
        if beliefs_shown {
            summary::beliefs(self.tell, &self.cast, &self.expected).await;
            summary::timings(self.tell, &self.timings).await;
        }
        let record = Record::event("result").with("ok", result.is_ok());
        match result {
            Ok(()) => {
                let told = "every node was right at every stage";
                self.tell.say(Tone::Good, told, record).await;
                Ok(0)
            }
            Err(wrong) => {
                self.tell.json(record.with("message", wrong.as_str())).await;
                Err(Fatal::failure(format!("the demo failed: {wrong}")))
            }
        }
    }

    async fn stages(&mut self) -> Result<(), String> {
        self.form().await.map_err(|wrong| format!("while forming, {wrong}"))?;
        self.crash().await.map_err(|wrong| format!("after the crash, {wrong}"))?;
        self.leave().await.map_err(|wrong| format!("after the leave, {wrong}"))?;
        self.come_back().await.map_err(|wrong| format!("after the restart, {wrong}"))
    }

    async fn introduce(&self) {
        let Config { probe_interval, probe_timeout, .. } = self.cast.config();
        let record = Record::event("demo")
            .with("nodes", self.cast.len())
            .with("profile", "local")
            .with_millis("probe_interval_ms", probe_interval)
            .with_millis("probe_timeout_ms", probe_timeout)
            .with_millis("suspicion_min_ms", self.bounds.suspicion_min)
            .with_millis("suspicion_max_ms", self.bounds.suspicion_max);
        self.tell.json(record).await;
        let paint = self.tell.paint();
        let title = format!("A cluster of {} nodes", self.cast.len());
        self.tell
            .show(format!(
                "{}\n   {}",
                paint.text(Tone::Heading, title),
                paint.dim(
                    "Real nodes in this process, each with its own sockets (UDP, TCP) on 127.0.0.1."
                ),
            ))
            .await;
    }

    async fn form(&mut self) -> Result<(), String> {
        let record = stage_record("forming", self.bounds.spread);
        let explanation = "Each node joins through the first one. Gossip spreads the news: every \
            message between two nodes carries updates about other members.";
        self.tell.stage(1, "The cluster forms", explanation, record).await;
        let mut story = Forming::new();
        for index in 0..self.cast.len() {
            let seeds: &[usize] = if index == FIRST { &[] } else { &[FIRST] };
            self.start(index, seeds).await?;
        }
        settle(&mut self.cast, self.tell, &self.expected, &mut story, self.bounds.spread).await?;
        let took = story.complete.last();
        self.timings.formed = took;
        let all = self.cast.len();
        let told = format!("all {all} nodes agree: {all} members, all alive");
        self.agreed("forming", &told, |record| record.with_millis("took_ms", took)).await;
        Ok(())
    }

    async fn start(&mut self, index: usize, seeds: &[usize]) -> Result<(), String> {
        const TOLD_MAX: usize = 6;
        let address = self
            .cast
            .start(index, seeds)
            .await
            .map_err(|error| format!("{} could not start: {error}", self.cast.name(index)))?;
        let name = self.cast.name(index);
        let record =
            Record::event("started").with("name", name).with("address", address.to_string());
        let through = names(seeds.iter().map(|seed| self.cast.name(*seed)));
        let told = match seeds {
            [] => format!("{name} listens on {address} and waits for other nodes"),
            _ => format!("{name} listens on {address} and joins through {through}"),
        };
        match index {
            0..TOLD_MAX => self.tell.say(Tone::Plain, &told, record).await,
            TOLD_MAX => {
                let others = self.cast.len() - TOLD_MAX;
                self.tell.say(Tone::Plain, &format!("... and {others} more"), record).await;
            }
            _ => self.tell.json(record).await,
        }
        Ok(())
    }

    async fn crash(&mut self) -> Result<(), String> {
        let name = self.cast.name(self.unlucky).to_string();
        let record = stage_record("crash", self.bounds.failure).with("name", name.as_str());
        let explanation = "Every second, each node pings one other node. Without an answer, it \
            asks other nodes to ping as well, and only then suspects the node. The suspect may \
            refute. The more nodes accuse it independently, the less time it has.";
        self.tell.stage(2, "One node crashes", explanation, record).await;
        self.expected.states[self.unlucky] = State::Failed;
        self.expected.observers.retain(|observer| *observer != self.unlucky);
        let mut story = Failure::new(self.unlucky);
        self.cast.crash(self.unlucky).await;
        let told = format!("{name} crashes: its sockets close without a leave");
        let record = Record::event("crashed").with("name", name.as_str());
        self.tell.say(Tone::Warning, &told, record).await;
        settle(&mut self.cast, self.tell, &self.expected, &mut story, self.bounds.failure).await?;
        self.timings.suspected = story.suspected.first();
        self.timings.failed = (story.failed.first(), story.failed.last());
        self.tell_failure(&name, &story).await;
        Ok(())
    }

    async fn tell_failure(&self, name: &str, story: &Failure) {
        let (first, last) = self.timings.failed;
        let told = format!(
            "every other node agrees that {name} has failed: suspected after {}, declared \
             failed after {} on the first node and {} on the last",
            text::duration(self.timings.suspected),
            text::duration(first),
            text::duration(last)
        );
        let declarers = story.declared_by.iter();
        let declared_by: serde_json::Map<_, _> =
            declarers.map(|(name, count)| (name.clone(), (*count).into())).collect();
        self.agreed("crash", &told, |record| {
            record
                .with("name", name)
                .with("accusers", story.accusers.clone())
                .with("declared_by", declared_by)
                .with_millis("suspected_after_ms", self.timings.suspected)
                .with_millis("failed_after_min_ms", first)
                .with_millis("failed_after_max_ms", last)
        })
        .await;
        let accusers = names(story.accusers.iter().map(String::as_str));
        let declarers = names(story.declared_by.keys().map(String::as_str));
        let told = format!("accused by {accusers}; declared failed by {declarers}");
        self.tell.say_at(Instant::now(), Tone::Plain, &told).await;
    }

    async fn leave(&mut self) -> Result<(), String> {
        let name = self.cast.name(self.leaver).to_string();
        let record = stage_record("leave", self.bounds.spread).with("name", name.as_str());
        let explanation = "A node that leaves sends a leave message. Its peers do not suspect it, \
            and do not declare it failed.";
        self.tell.stage(3, "One node leaves", explanation, record).await;
        self.expected.states[self.leaver] = State::Left;
        self.expected.observers.retain(|observer| *observer != self.leaver);
        let mut story = Leaving::new(self.leaver);
        let told = format!("{name} sends its leave message");
        let record = Record::event("leaving").with("name", name.as_str());
        self.tell.say(Tone::Plain, &told, record).await;
        let cluster = self.cast.cluster(self.leaver);
        let leave = tokio::spawn(async move {
            match cluster {
                Some(cluster) => cluster.leave(LEAVE_TIME_MAX).await,
                None => Err(Error::Stopped),
            }
        });
        settle(&mut self.cast, self.tell, &self.expected, &mut story, self.bounds.spread).await?;
        match leave.await {
            Ok(Ok(Departure::Left)) => {}
            Ok(Ok(other)) => return Err(format!("{name}: {other}")),
            Ok(Err(error)) => return Err(format!("{name} could not leave: {error}")),
            Err(error) => return Err(format!("the leave of {name} broke off: {error}")),
        }
        self.cast.crash(self.leaver).await;
        let took = story.left.last();
        self.timings.left = took;
        let told = format!(
            "every other node sees {name} as left, not as failed, after {}",
            text::duration(took)
        );
        self.agreed("leave", &told, |record| {
            record.with("name", name).with_millis("took_ms", took)
        })
        .await;
        Ok(())
    }

    async fn come_back(&mut self) -> Result<(), String> {
        let name = self.cast.name(self.unlucky).to_string();
        let record = stage_record("restart", self.bounds.spread).with("name", name.as_str());
        let explanation = "The crashed node starts again under the same name, without its old \
            state. Its incarnation is higher than before, so its new announcement overrides the \
            news of its failure.";
        self.tell.stage(4, "The crashed node comes back", explanation, record).await;
        self.expected.states[self.unlucky] = State::Alive;
        self.expected.observers.push(self.unlucky);
        self.expected.observers.sort_unstable();
        let mut story = Return::new(self.unlucky);
        self.start(self.unlucky, &[FIRST]).await?;
        settle(&mut self.cast, self.tell, &self.expected, &mut story, self.bounds.spread).await?;
        let took = story.back.last();
        self.timings.back = took;
        let told = format!("every node sees {name} alive again, after {}", text::duration(took));
        self.agreed("restart", &told, |record| {
            record.with("name", name).with_millis("took_ms", took)
        })
        .await;
        Ok(())
    }

    async fn agreed(&self, stage: &str, told: &str, add: impl FnOnce(Record) -> Record) {
        let record = add(Record::event("agreed").with("stage", stage));
        self.tell.say(Tone::Good, told, record).await;
    }
}

fn stage_record(stage: &str, deadline: Duration) -> Record {
    Record::event("stage").with("stage", stage).with_millis("deadline_ms", deadline)
}
