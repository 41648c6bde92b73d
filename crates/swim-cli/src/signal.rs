//! The signals that ask the program to stop.

use std::io;

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// The exit code of a program that is ended by it, as shells have it: 128 and its number.
    pub(crate) exit_code: u8,
}

const INTERRUPT: Received = Received { name: "SIGINT", exit_code: 130 };

/// Waits for SIGINT, SIGTERM and SIGHUP. From its creation on they no longer end the process.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    streams: [(tokio::signal::unix::Signal, Received); 3],
}

#[cfg(unix)]
impl Signals {
    /// Begins to catch the signals.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            streams: [
                (signal(SignalKind::interrupt())?, INTERRUPT),
                (signal(SignalKind::terminate())?, Received { name: "SIGTERM", exit_code: 143 }),
                (signal(SignalKind::hangup())?, Received { name: "SIGHUP", exit_code: 129 }),
            ],
        })
    }

    /// The next signal; may be dropped and called again without missing one.
    pub(crate) async fn next(&mut self) -> Received {
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
        Ok(Signals {})
    }

    /// The next Ctrl-C.
    pub(crate) async fn next(&mut self) -> Received {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler Ctrl-C ends the process by itself.
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
