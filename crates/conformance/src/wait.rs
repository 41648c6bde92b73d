//! Waits for expected results, on any runtime.

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_io::Timer;

/// Far more than anything here takes, even on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// How often to check, not how long to wait.
const PAUSE: Duration = Duration::from_millis(5);

/// Awaits a future within the time of a test, and returns its result.
///
/// # Panics
///
/// After [`LIMIT`], with a description of the future.
pub(crate) async fn in_time<F: Future>(what: &str, future: F) -> F::Output {
    within(LIMIT, what, future).await
}

/// The same with another limit.
///
/// # Panics
///
/// After `limit`, with a description of the future.
pub(crate) async fn within<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    let late = async {
        Timer::after(limit).await;
        panic!("it took more than {limit:?} until {what}");
    };
    futures_lite::future::or(future, late).await
}

/// Waits until a condition is true.
///
/// # Panics
///
/// After [`LIMIT`], with a description of the condition.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    eventually(what, || if condition() { Ok(()) } else { Err(String::new()) }).await;
}

/// Waits until an attempt succeeds.
///
/// # Panics
///
/// After [`LIMIT`], with a description, and what is missing.
pub(crate) async fn eventually(what: &str, attempt: impl Fn() -> Result<(), String>) {
    let deadline = Instant::now() + LIMIT;
    while let Err(lacking) = attempt() {
        assert!(Instant::now() < deadline, "it never came true that {what}{lacking}");
        pause().await;
    }
}

/// Lets other tasks run for a moment before the next attempt.
pub(crate) async fn pause() {
    Timer::after(PAUSE).await;
}

/// Polls a future at most this many times, each time after a wake-up, and drops it.
pub(crate) async fn poll_up_to<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    std::future::poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The result of a future, while an endless one runs beside it.
pub(crate) async fn beside<T>(
    endless: impl Future<Output = Infallible>,
    future: impl Future<Output = T>,
) -> T {
    let endless = async { match endless.await {} };
    futures_lite::future::or(endless, future).await
}

/// Waits for all futures at once. Returns their results in order.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(it) => *output = Some(it),
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}
