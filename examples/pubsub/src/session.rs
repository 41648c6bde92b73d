//! A connection of a client.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use async_channel::Receiver;
use example_lines::{LineError, Lines, NoPlace, Place, Places};
use futures_lite::io::{copy, sink, split};
use futures_lite::{AsyncRead, AsyncWrite, AsyncWriteExt, future};
use swim_driver::{Connection, Elapsed, RuntimeHandle};

use crate::clients::{ClientId, Line};
use crate::hub::Hub;
use crate::message::Topic;
use crate::request::Request;
use crate::settings::{LINE_SIZE_MAX, Settings};

/// How many clients without a place are told so at once. Those beyond these are closed without a
/// word, as each takes a descriptor meanwhile.
const REFUSALS_MAX: usize = 32;

/// How long a client that has neither subscribed nor published yet may say nothing: it takes a
/// place that another one could use.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a client without a subscription may say nothing later. One with a subscription may
/// listen for ever.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);

/// How long a write may take: a client that is gone takes a place for no longer.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);

/// How long the last lines may take, and how long is waited until the client has read them.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(1);

/// How long a message waits for the queues of slow subscribers, before these are dropped.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// How often is looked whether a queue has room again.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How much is written at once.
const WRITE_SIZE_MAX: usize = 64 << 10;

/// The places for clients.
#[derive(Debug)]
pub(crate) struct Room {
    clients: Places,
    refusals: Places,
}

impl Room {
    pub(crate) fn new(settings: &Settings) -> Self {
        Room {
            clients: Places::new(settings.clients_max, settings.clients_per_address_max),
            refusals: Places::new(REFUSALS_MAX, REFUSALS_MAX),
        }
    }

    /// Admits a client, or one that is told why not, unless too many are told so already.
    pub(crate) fn admit(&self, from: IpAddr) -> Option<Admitted> {
        let (refused, place) = match self.clients.take(from) {
            Ok(place) => (None, place),
            Err(no_place) => (Some(no_place), self.refusals.take(from).ok()?),
        };
        Some(Admitted { refused, _place: place })
    }
}

/// A client that has a place, if only to be told that it has none.
pub(crate) struct Admitted {
    refused: Option<NoPlace>,
    _place: Place,
}

/// Serves a client, until it ends or is dropped.
pub(crate) async fn serve(
    hub: Hub,
    runtime: RuntimeHandle,
    connection: Connection,
    admitted: Admitted,
) {
    let (reader, mut writer) = split(connection);
    let added = match (admitted.refused, hub.state()) {
        (_, state) if state.leaving => Err("this node leaves the cluster".to_owned()),
        (Some(no_place), _) => Err(format!("this node serves {no_place}")),
        (None, mut state) => Ok(state.clients.add()),
    };
    let mut lines = Lines::new(reader, LINE_SIZE_MAX);
    match added {
        Err(refusal) => {
            let refusal = format!("ERR {refusal}: use another one\n");
            let refusing = writer.write_all(refusal.as_bytes());
            let _ = runtime.timeout(CLOSING_TIME_MAX, refusing).await;
        }
        Ok((id, queue)) => {
            let mut writing = pin!(write_lines(&runtime, &mut writer, queue));
            let mut asking = Asking { hub: &hub, runtime: &runtime, id, is_used: false };
            let reading = async {
                asking.read(&mut lines).await;
                true
            };
            let writing_ends = async {
                writing.as_mut().await;
                false
            };
            let is_read = future::or(reading, writing_ends).await;
            hub.state().clients.end(id, None);
            if is_read {
                // The lines that wait for the client are still written.
                let _ = runtime.timeout(CLOSING_TIME_MAX, writing).await;
            }
        }
    }
    let _ = writer.close().await;
    // A connection that is dropped with something unread may take the last lines with it.
    let _ = runtime.timeout(CLOSING_TIME_MAX, copy(lines.into_reader(), sink())).await;
}

/// Writes the lines for a client, until there are no more or it does not take them.
async fn write_lines<W>(runtime: &RuntimeHandle, writer: &mut W, queue: Receiver<Line>)
where
    W: AsyncWrite + Unpin,
{
    while let Ok(line) = queue.recv().await {
        let mut bytes = format!("{line}\n");
        while bytes.len() < WRITE_SIZE_MAX
            && let Ok(line) = queue.try_recv()
        {
            bytes.push_str(&line);
            bytes.push('\n');
        }
        let written = runtime.timeout(WRITE_TIME_MAX, writer.write_all(bytes.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

/// Reads the requests of a client and answers them.
struct Asking<'a> {
    hub: &'a Hub,
    runtime: &'a RuntimeHandle,
    id: ClientId,
    /// It has subscribed or published.
    is_used: bool,
}

impl Asking<'_> {
    /// Answers the lines of a client until it ends.
    async fn read<R: AsyncRead + Unpin>(&mut self, lines: &mut Lines<R>) {
        loop {
            let limit = if self.is_used { IDLE_TIME_MAX } else { START_TIME_MAX };
            let line = match self.listens() {
                true => lines.next().await,
                false => match self.runtime.timeout(limit, lines.next()).await {
                    Ok(line) => line,
                    Err(Elapsed) => {
                        let seconds = limit.as_secs();
                        let told = "ERR the connection was idle, without a subscription, for";
                        return self.answer(&format!("{told} {seconds} s")).await;
                    }
                },
            };
            match line {
                Ok(Some(line)) => match line.parse() {
                    Ok(Request::Quit) => return self.answer("BYE").await,
                    Ok(request) => self.carry_out(request).await,
                    Err(error) => self.answer(&format!("ERR {error}")).await,
                },
                Err(LineError::NotText) => self.answer("ERR the line is not UTF-8").await,
                Err(LineError::TooLong) => {
                    return self.answer("ERR a line has at most 4096 bytes").await;
                }
                Ok(None) | Err(LineError::Broken(_)) => return,
            }
        }
    }

    fn listens(&self) -> bool {
        self.hub.state().clients.listens(self.id)
    }

    async fn carry_out(&mut self, request: Request) {
        self.is_used |= matches!(request, Request::Subscribe(_) | Request::Publish(..));
        let done = match request {
            Request::Subscribe(topic) => self.hub.state().clients.subscribe(self.id, topic),
            Request::Unsubscribe(topic) => self.hub.state().clients.unsubscribe(self.id, &topic),
            Request::Publish(topic, text) => return self.publish(&topic, &text).await,
            Request::Stats => {
                let lines = self.hub.state().stats();
                for line in lines {
                    self.answer(&line).await;
                }
                Ok(())
            }
            // The caller ends.
            Request::Quit => Ok(()),
        };
        match done {
            Ok(()) => self.answer("OK").await,
            Err(error) => self.answer(&format!("ERR {error}")).await,
        }
    }

    /// Takes a message, as soon as the subscribers of this node have room for it, and after a
    /// while in any case.
    async fn publish(&self, topic: &Topic, text: &str) {
        let begin = self.runtime.now();
        loop {
            let force = self.runtime.now() - begin >= PATIENCE;
            let taken = match self.hub.state() {
                state if state.leaving => return,
                mut state => state.publish(topic, text, force),
            };
            match taken {
                Some(seq) => return self.answer(&format!("OK {seq}")).await,
                None => self.runtime.sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Puts an answer into the client's queue. A client that asks and does not read waits here.
    async fn answer(&self, line: &str) {
        let line = line.into();
        while !self.hub.state().clients.answer(self.id, &line) {
            self.runtime.sleep(LOOK_EVERY).await;
        }
    }
}
