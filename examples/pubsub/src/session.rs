//! A client's connection.

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

/// Refused clients that get an `ERR` line at a time. Further ones are closed without an answer, as
/// each takes a descriptor meanwhile.
const REFUSALS_MAX: usize = 32;

/// Longest silence of a client before its first `SUB` or `PUB`: it takes a place that another
/// client could use.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// Longest silence later, for a client without a subscription. A subscriber may be silent for ever.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);

/// Longest time for a write. It bounds how long a client that is gone keeps its place.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);

/// Longest time to write the last lines, and then to wait until the client has read them.
const CLOSING_TIME_MAX: Duration = Duration::from_secs(1);

/// How long a message waits for full queues of subscribers before those subscribers are dropped.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// How often to check whether a queue has room.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Bytes per write.
const WRITE_SIZE_MAX: usize = 64 << 10;

/// Limits on clients.
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

    /// Admits a client to be served or, if a limit is reached, to be refused with an `ERR` line.
    /// Returns `None` if too many clients are being refused already.
    pub(crate) fn admit(&self, from: IpAddr) -> Option<Admitted> {
        let (refused, place) = match self.clients.take(from) {
            Ok(place) => (None, place),
            Err(no_place) => (Some(no_place), self.refusals.take(from).ok()?),
        };
        Some(Admitted { refused, _place: place })
    }
}

/// A client with a place, to be served or to be refused with an `ERR` line.
pub(crate) struct Admitted {
    refused: Option<NoPlace>,
    _place: Place,
}

/// Serves a client until it ends or is dropped.
pub(crate) async fn serve(
    hub: Hub,
    runtime: RuntimeHandle,
    connection: Connection,
    admitted: Admitted,
) {
    let (reader, mut writer) = split(connection);
    let added = match (admitted.refused, hub.state()) {
        (_, state) if state.leaving => Err("this node is leaving the cluster".to_owned()),
        (Some(no_place), _) => Err(format!("this node serves {no_place}")),
        (None, mut state) => Ok(state.clients.add()),
    };
    let mut lines = Lines::new(reader, LINE_SIZE_MAX);
    match added {
        Err(refusal) => {
            let refusal = format!("ERR {refusal}: use another node\n");
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
                // Write the lines that still wait for the client.
                let _ = runtime.timeout(CLOSING_TIME_MAX, writing).await;
            }
        }
    }
    let _ = writer.close().await;
    // Read to the end: closing a socket with unread bytes may lose the last lines on their way.
    let _ = runtime.timeout(CLOSING_TIME_MAX, copy(lines.into_reader(), sink())).await;
}

/// Writes the lines of a client's queue until the queue ends or the client stops reading.
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

/// Reads and answers the requests of a client.
struct Asking<'a> {
    hub: &'a Hub,
    runtime: &'a RuntimeHandle,
    id: ClientId,
    /// The client has subscribed or published.
    is_used: bool,
}

impl Asking<'_> {
    /// Answers the client's lines until it ends.
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
            // `read` handles it.
            Request::Quit => Ok(()),
        };
        match done {
            Ok(()) => self.answer("OK").await,
            Err(error) => self.answer(&format!("ERR {error}")).await,
        }
    }

    /// Takes a message once the subscribers of this node have room for it, at the latest after
    /// [`PATIENCE`].
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

    /// Puts an answer into the client's queue. A client that asks but does not read waits here.
    async fn answer(&self, line: &str) {
        let line = line.into();
        while !self.hub.state().clients.answer(self.id, &line) {
            self.runtime.sleep(LOOK_EVERY).await;
        }
    }
}
