//! The sending end of a link.

use std::time::Duration;

use async_channel::Receiver;
use example_lines::Lines;
use futures_lite::io::{ReadHalf, WriteHalf, split};
use futures_lite::{AsyncWriteExt, future};
use swim_driver::{Connection, Name, RuntimeHandle};

use crate::frame::Frame;
use crate::hub::Hub;
use crate::intake::PeerConnection;
use crate::life::Life;
use crate::settings::LINE_SIZE_MAX;

/// The longest line between nodes: a line of a client, with a number instead of `PUB`.
pub(crate) const FRAME_SIZE_MAX: usize = LINE_SIZE_MAX + 64;

/// A link ends when nothing arrives for so long.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Longest time for a write, before the link ends.
pub(crate) const WRITE_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest time to connect, and for the peer's answer to `HELLO`.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);

/// Interval of `AT` frames when there is nothing to send. It fits several times into
/// [`SILENCE_MAX`].
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Waits between attempts double, from the first to the last of these.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Sends this node's messages to one life of a peer.
pub(crate) struct Link {
    pub(crate) hub: Hub,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) name: Name,
    pub(crate) life: Life,
}

/// How an attempt ended.
enum End {
    /// The peer could not be reached, or refused the link.
    NotWelcome,
    /// The link was established, and broke.
    Broken,
    /// This node leaves and everything is sent, or the peer is gone.
    Done,
}

impl Link {
    /// Keeps the link up: connects, sends, and connects again after a break.
    pub(crate) async fn keep(self) {
        let mut failures = 0;
        loop {
            match self.attempt().await {
                End::NotWelcome => failures += 1,
                End::Broken => failures = 0,
                End::Done => return,
            }
            self.hub.state().link_ended(&self.name, self.life);
            self.runtime.sleep(backoff(failures, self.runtime.random())).await;
        }
    }

    async fn attempt(&self) -> End {
        let Some((address, rung)) = self.place() else { return End::Done };
        let connecting = self.runtime.timeout(CONNECT_TIME_MAX, self.runtime.connect(address));
        let Ok(Ok(connection)) = connecting.await else { return End::NotWelcome };
        let (reader, writer) = split(connection);
        let lines = Lines::new(reader, FRAME_SIZE_MAX);
        let mut connection = PeerConnection { runtime: self.runtime.clone(), lines, writer };
        let from = self.hub.state().life;
        if !connection.write(&Frame::Hello { from, to: self.life }).await {
            return End::NotWelcome;
        }
        let Some(Frame::Welcome { next }) = connection.read(CONNECT_TIME_MAX).await else {
            return End::NotWelcome;
        };
        let next = self.hub.state().link_begins(&self.name, self.life, next);
        let Some(next) = next else { return End::Done };
        if !connection.write(&Frame::Begin { next }).await {
            return End::Broken;
        }
        let PeerConnection { lines, writer, .. } = connection;
        future::or(self.read_answers(lines), self.send(writer, rung, next)).await
    }

    /// Returns the peer's current address, and the bell of its link.
    fn place(&self) -> Option<(std::net::SocketAddr, Receiver<()>)> {
        let state = self.hub.state();
        let peer = state.peers.get(&self.name).filter(|peer| peer.life == self.life)?;
        Some((peer.address, peer.outgoing.rung.clone()))
    }

    /// Sends messages as they come, and a heartbeat when there are none.
    async fn send(
        &self,
        mut writer: WriteHalf<Connection>,
        rung: Receiver<()>,
        mut next: u64,
    ) -> End {
        loop {
            let batch = self.hub.state().batch(&self.name, self.life, next);
            let Some(batch) = batch else { return End::Done };
            next = batch.next;
            let mut lines = batch.lines;
            if lines.is_empty() {
                if self.runtime.timeout(HEARTBEAT, rung.recv()).await.is_ok() {
                    continue;
                }
                lines = format!("{}\n", Frame::At { next });
            }
            let writing = writer.write_all(lines.as_bytes());
            if !matches!(self.runtime.timeout(WRITE_TIME_MAX, writing).await, Ok(Ok(()))) {
                return End::Broken;
            }
            if batch.is_last {
                // `read_answers` ends the link on the peer's answer.
                future::pending::<()>().await;
            }
        }
    }

    /// Reads acknowledgements until the peer is silent.
    async fn read_answers(&self, mut lines: Lines<ReadHalf<Connection>>) -> End {
        loop {
            let line = self.runtime.timeout(SILENCE_MAX, lines.next()).await;
            let Ok(Ok(Some(line))) = line else { return End::Broken };
            match line.parse() {
                Ok(Frame::Ack { next }) => self.hub.state().acked(&self.name, self.life, next),
                Ok(Frame::Bye { .. }) => {
                    self.hub.state().link_done(&self.name, self.life);
                    return End::Done;
                }
                _ => return End::Broken,
            }
        }
    }
}

/// Returns the wait after so many failures, with jitter: the peers of a node that comes back must
/// not all connect at once.
fn backoff(failures: u32, random: u64) -> Duration {
    let longest = BACKOFF_MIN.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX);
    let half = longest / 2;
    // Half of it, and a random part of the other half.
    half + half * u32::try_from(random % 1000).unwrap_or(0) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        assert_eq!(backoff(0, 0), BACKOFF_MIN / 2);
        assert_eq!(backoff(3, 0), BACKOFF_MIN * 4);
        assert_eq!(backoff(u32::MAX, 0), BACKOFF_MAX / 2);
        assert!(backoff(50, u64::MAX) <= BACKOFF_MAX);
        assert_ne!(backoff(3, 1), backoff(3, 2));
    }
}
