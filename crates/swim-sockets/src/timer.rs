//! Timers of async-io.

use std::task::{Context, Poll};
use std::time::Instant;

use async_io::Timer;

/// A timer of `async-io`, whose thread wakes the task.
///
/// ```
/// use std::task::{Context, Waker};
/// use std::time::Instant;
/// # use swim_driver::Timer;
/// # use swim_sockets::AsyncIoTimer;
///
/// let mut timer = AsyncIoTimer::default();
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(timer.poll_at(&mut cx, Instant::now()).is_ready());
/// ```
#[derive(Debug, Default)]
pub struct AsyncIoTimer {
    /// With the time it is set to.
    running: Option<(Instant, Timer)>,
}

impl swim_driver::Timer for AsyncIoTimer {
    fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        // A timer that has fired does not fire again when it is polled.
        if Instant::now() >= at {
            return Poll::Ready(());
        }
        let (set, timer) = self.running.get_or_insert_with(|| (at, Timer::at(at)));
        if *set != at {
            timer.set_at(at);
            *set = at;
        }
        let fired = std::pin::Pin::new(timer).poll(cx).map(drop);
        if fired.is_ready() {
            self.running = None;
        }
        fired
    }
}
