//! Sends at a rate.

use std::time::{Duration, Instant};

/// The time between two checks of what is due.
const STEP: Duration = Duration::from_millis(10);

/// Calls `send` at a rate for the time `span`, and returns the number of calls.
///
/// It catches up after a delay.
pub(crate) async fn at_rate(
    per_second: u64,
    span: Duration,
    mut send: impl AsyncFnMut(u64),
) -> u64 {
    let start = Instant::now();
    let mut sent = 0;
    loop {
        let elapsed = start.elapsed().min(span);
        let due = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX) * per_second / 1000;
        while sent < due {
            send(sent).await;
            sent += 1;
        }
        if elapsed >= span {
            return sent;
        }
        tokio::time::sleep(STEP).await;
    }
}
