//! A connection of a client.

use std::pin::pin;
use std::time::Duration;

use async_channel::Receiver;
use example_lines::{LineError, Lines};
use futures_lite::io::{copy, sink, split};
use futures_lite::{AsyncWrite, AsyncWriteExt, future};
use swim_driver::{Connection, RuntimeHandle};

use crate::clients::{ClientId, Line};
use crate::hub::Hub;
use crate::message::Topic;
use crate::request::Request;
use crate::settings::LINE_SIZE_MAX;

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

/// Serves a client, until it ends or is dropped.
pub(crate) async fn serve(hub: Hub, runtime: RuntimeHandle, connection: Connection) {
    let (reader, mut writer) = split(connection);
    let added = match hub.state() {
        state if state.leaving => Err("ERR this node leaves the cluster: use another one\n"),
        mut state => {
            state.clients.add().ok_or("ERR this node serves 256 clients, which is the limit\n")
        }
    };
    let mut lines = Lines::new(reader, LINE_SIZE_MAX);
    match added {
        Err(refusal) => {
            let refusing = writer.write_all(refusal.as_bytes());
            let _ = runtime.timeout(CLOSING_TIME_MAX, refusing).await;
        }
        Ok((id, queue)) => {
            let mut writing = pin!(write_lines(&runtime, &mut writer, queue));
            let asking = Asking { hub: &hub, runtime: &runtime, id };
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
}

impl Asking<'_> {
    /// Answers the lines of a client until it ends.
    async fn read<R: futures_lite::AsyncRead + Unpin>(&self, lines: &mut Lines<R>) {
        loop {
            match lines.next().await {
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

    async fn carry_out(&self, request: Request) {
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
