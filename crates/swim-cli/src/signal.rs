//! The signals that ask the program to stop.

use std::io;
use std::time::{Duration, Instant};

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The exit code of a program that is ended by it, as shells have it: 128 and its number.
    pub(crate) exit_code: u8,
}

/// A second signal so soon is the same wish: `timeout` of the coreutils, for one, sends its signal
/// to the process and then to its group.
const TWICE_WITHIN: Duration = Duration::from_millis(250);

const INTERRUPT: Received = Received { name: "SIGINT", exit_code: 130 };

/// What service managers send to have settings read again.
pub(crate) const HANGUP: Received = Received { name: "SIGHUP", exit_code: 129 };

/// Waits for SIGINT, SIGTERM and SIGHUP. From its creation on they no longer end the process.
#[derive(Debug)]
pub(crate) struct Signals {
    /// When the first one came that asks to stop.
    first: Option<Instant>,
    hangup_reloads: bool,
    #[cfg(unix)]
    streams: [(tokio::signal::unix::Signal, Received); 3],
}

impl Signals {
    /// From now on SIGHUP does not ask to stop.
    pub(crate) fn hangup_reloads(&mut self) {
        self.hangup_reloads = true;
    }

    /// The next signal; may be dropped and called again without missing one. Those that ask to stop
    /// within 250 ms of the first are passed over.
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

    /// The next signal that asks to stop.
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
    /// Begins to catch the signals.
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
    /// Begins to catch Ctrl-C.
    #[allow(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Signals { first: None, hangup_reloads: false })
    }

    async fn any(&mut self) -> Received {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler Ctrl-C ends the process by itself.
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
