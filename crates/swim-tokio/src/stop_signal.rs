//! The signals that ask a program to stop.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, CtrlShutdown};

/// Catches the signals that ask a program to stop. Needs the feature `signal`.
///
/// These are SIGINT (Ctrl-C), SIGHUP, and SIGTERM, which service managers and containers send. On
/// Windows: Ctrl-C, Ctrl-Break, closing the console, and shutdown. From this call on they do not
/// end the process. The future resolves with the first one, even if it came before the first poll.
///
/// # Errors
///
/// The system's error if a signal cannot be caught.
///
/// # Cancel safety
///
/// If the future is dropped, the signals stay caught: the process then ignores them. The future of
/// another call resolves with the next one.
///
/// # Panics
///
/// Outside of a tokio runtime with I/O enabled.
///
/// ```no_run
/// use std::time::Duration;
/// use swim_tokio::Options;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stop = swim_tokio::stop_signal()?; // also caught while the node starts
/// let node = swim_tokio::start(Options::lan("a".parse()?)).await?;
/// stop.await;
/// node.shutdown(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
pub fn stop_signal() -> io::Result<StopSignal> {
    StopSignal::catch()
}

/// Resolves when the process is asked to stop; see [`stop_signal`].
#[derive(Debug)]
#[must_use = "the signals are caught, and somebody should wait for them"]
pub struct StopSignal {
    #[cfg(unix)]
    signals: [Signal; 3],
    #[cfg(windows)]
    signals: (CtrlC, CtrlBreak, CtrlClose, CtrlShutdown),
}

#[cfg(unix)]
impl StopSignal {
    fn catch() -> io::Result<Self> {
        let signals = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        Ok(StopSignal { signals })
    }

    fn poll_any(&mut self, context: &mut Context<'_>) -> bool {
        self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready())
    }
}

#[cfg(windows)]
impl StopSignal {
    fn catch() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(StopSignal { signals: (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?) })
    }

    fn poll_any(&mut self, context: &mut Context<'_>) -> bool {
        let (interrupt, pause, close, shutdown) = &mut self.signals;
        interrupt.poll_recv(context).is_ready()
            || pause.poll_recv(context).is_ready()
            || close.poll_recv(context).is_ready()
            || shutdown.poll_recv(context).is_ready()
    }
}

impl Future for StopSignal {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.poll_any(context) { Poll::Ready(()) } else { Poll::Pending }
    }
}
