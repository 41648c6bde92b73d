//! Waits for conditions.

use std::time::{Duration, Instant};

/// Far more than anything here takes, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Tries until it succeeds, and returns the result.
///
/// # Panics
///
/// After [`LIMIT`], with the error of the last attempt.
pub fn eventually<T>(what: &str, attempt: impl FnMut() -> Result<T, String>) -> T {
    within(LIMIT, what, attempt)
}

/// Like [`eventually`], with a limit that matters to the test.
///
/// # Panics
///
/// After `limit`, with the error of the last attempt.
pub fn within<T>(limit: Duration, what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    /// The time between attempts: each asks a member, which costs it an exchange.
    const PAUSE: Duration = Duration::from_millis(100);
    let deadline = Instant::now() + limit;
    loop {
        let late = Instant::now() >= deadline;
        match attempt() {
            Ok(result) => return result,
            Err(lacking) if late => panic!("not within {limit:?}: {what}; {lacking}"),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
