//! The receiving end of a link.

use std::time::Duration;

use example_lines::Lines;
use futures_lite::io::{ReadHalf, WriteHalf, split};
use futures_lite::{AsyncWriteExt, future};
use swim_driver::{Connection, Name, RuntimeHandle};

use crate::frame::Frame;
use crate::hub::{Hub, Taken};
use crate::link::{FRAME_SIZE_MAX, SILENCE_MAX, WRITE_TIME_MAX};
use crate::message::Message;
use crate::session::{LOOK_EVERY, PATIENCE};

/// Longest wait for the `HELLO` of a new connection.
const HELLO_TIME_MAX: Duration = Duration::from_secs(5);

/// Acknowledge after so many frames, even if more are waiting to be read.
const ACK_EVERY: u32 = 256;

/// Receives messages from a peer over this connection until it ends.
pub(crate) async fn serve(hub: Hub, runtime: RuntimeHandle, connection: Connection) {
    let (reader, writer) = split(connection);
    let lines = Lines::new(reader, FRAME_SIZE_MAX);
    let mut connection = PeerConnection { runtime: runtime.clone(), lines, writer };
    let Some(Frame::Hello { from, to }) = connection.read(HELLO_TIME_MAX).await else { return };
    let admitted = hub.state().admit(from, to);
    match admitted {
        Ok((name, link, next)) => {
            let mut intake = Intake { hub: hub.clone(), connection, name, link };
            if intake.connection.write(&Frame::Welcome { next }).await {
                intake.run().await;
            }
            hub.state().intake_ended(&intake.name, intake.link);
        }
        Err(reason) => {
            connection.write(&Frame::Refused { reason: reason.into() }).await;
            let _ = connection.writer.close().await;
        }
    }
}

/// The receiving end of one link.
struct Intake {
    hub: Hub,
    connection: PeerConnection,
    name: Name,
    /// The number of this link. Once the peer has opened a later link, this one is ignored.
    link: u64,
}

impl Intake {
    async fn run(&mut self) {
        let mut unacked = 0;
        // The link ends when the peer is silent for too long, or sends a line that is not a frame.
        while let Some(frame) = self.connection.read(SILENCE_MAX).await {
            let goes_on = match frame {
                Frame::Begin { next } => {
                    self.hub.state().intake_begins(&self.name, self.link, next)
                }
                Frame::Message(message) => self.take(message).await,
                Frame::At { next } => self.hub.state().position(&self.name, self.link, next),
                Frame::Bye { next } => {
                    let is_told = self.hub.state().intake_complete(&self.name, self.link, next)
                        && self.connection.write(&Frame::Bye { next }).await;
                    let _ = self.connection.writer.close().await;
                    if is_told {
                        // Let the peer close first, once it has read the answer.
                        let _ = self.connection.read(SILENCE_MAX).await;
                    }
                    false
                }
                _ => false,
            };
            unacked += 1;
            if !goes_on {
                return;
            }
            if unacked >= ACK_EVERY || !self.connection.lines.has_next() {
                unacked = 0;
                let next = self.hub.state().expected(&self.name, self.link);
                let Some(next) = next else { return };
                if !self.connection.write(&Frame::Ack { next }).await {
                    return;
                }
            }
        }
    }

    /// Takes a message, or two of them swapped if that flaw is planted. Returns whether the link
    /// goes on.
    async fn take(&mut self, message: Message) -> bool {
        if self.hub.state().swaps()
            && self.connection.lines.has_next()
            && let Some(Frame::Message(next)) = self.connection.read(SILENCE_MAX).await
        {
            return self.take_one(&next).await && self.take_one(&message).await;
        }
        self.take_one(&message).await
    }

    async fn take_one(&mut self, message: &Message) -> bool {
        let runtime = &self.connection.runtime;
        let begin = runtime.now();
        loop {
            let force = runtime.now() - begin >= PATIENCE;
            let taken = self.hub.state().receive(&self.name, self.link, message, force);
            match taken {
                Taken::Yes => {
                    // Let the tasks that write the subscribers' queues run.
                    future::yield_now().await;
                    return true;
                }
                Taken::NoRoom => runtime.sleep(LOOK_EVERY).await,
                Taken::WrongLink | Taken::TooFar => return false,
            }
        }
    }
}

/// A connection between two nodes.
pub(crate) struct PeerConnection {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) lines: Lines<ReadHalf<Connection>>,
    pub(crate) writer: WriteHalf<Connection>,
}

impl PeerConnection {
    /// Reads the peer's next frame. `None` if no line comes in time, or if the line is not a frame.
    pub(crate) async fn read(&mut self, limit: Duration) -> Option<Frame> {
        let line = self.runtime.timeout(limit, self.lines.next()).await;
        line.ok()?.ok()??.parse().ok()
    }

    /// Writes a frame. Returns false if the peer does not take it in time.
    pub(crate) async fn write(&mut self, frame: &Frame) -> bool {
        let line = format!("{frame}\n");
        let written = self.writer.write_all(line.as_bytes());
        matches!(self.runtime.timeout(WRITE_TIME_MAX, written).await, Ok(Ok(())))
    }
}
