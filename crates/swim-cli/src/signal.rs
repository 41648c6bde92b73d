//! The signals that ask the program to stop.

use std::io;
use std::time::{Duration, Instant};

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The exit code of a program that it ends, as in shells: 128 plus its number.
    pub(crate) exit_code: u8,
}

/// A second signal within this time is ignored. For example, `timeout` of the coreutils signals the
/// process and then its group.
const TWICE_WITHIN: Duration = Duration::from_millis(250);

const INTERRUPT: Received = Received { name: "SIGINT", exit_code: 130 };

/// The signal with which service managers ask for a reload.
pub(crate) const HANGUP: Received = Received { name: "SIGHUP", exit_code: 129 };

/// Waits for SIGINT, SIGTERM and SIGHUP. Once created, they no longer end the process.
#[derive(Debug)]
pub(crate) struct Signals {
    /// The time of the first signal that asks to stop.
    first: Option<Instant>,
    hangup_reloads: bool,
    #[cfg(unix)]
    streams: [(tokio::signal::unix::Signal, Received); 3],
}

impl Signals {
    /// Makes SIGHUP ask for a reload, not for a stop.
    pub(crate) fn hangup_reloads(&mut self) {
        self.hangup_reloads = true;
    }

    /// Waits for the next signal. Cancel safe. Ignores further signals to stop within 250 ms of the
    /// first.
    pub(crate) async fn next(&mut self) -> Received {
        loop {
            let received = self.any().await;
            if self.hangup_reloads && received == HANGUP {
                return received;
            }
            if self.first.is_some_and(|first| first.elapsed() < TWICE_WITHIN) {
                continue;
            }
            self.first.get_or_insert_with(Instant::now);
            return received;
        }
    }

    /// Waits for the next signal that asks to stop.
    pub(crate) async fn next_to_stop(&mut self) -> Received {
        loop {
            let received = self.next().await;
            if !(self.hangup_reloads && received == HANGUP) {
                return received;
            }
        }
    }
}

#[cfg(unix)]
impl Signals {
    /// Starts to catch the signals.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            first: None,
            hangup_reloads: false,
            streams: [
                (signal(SignalKind::interrupt())?, INTERRUPT),
                (signal(SignalKind::terminate())?, Received { name: "SIGTERM", exit_code: 143 }),
                (signal(SignalKind::hangup())?, HANGUP),
            ],
        })
    }

    async fn any(&mut self) -> Received {
        use std::task::Poll;
        std::future::poll_fn(|context| {
            for (stream, received) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return Poll::Ready(*received);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Starts to catch Ctrl-C.
    #[allow(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Signals { first: None, hangup_reloads: false })
    }

    async fn any(&mut self) -> Received {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler, Ctrl-C ends the process.
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
