//! Waiting for what should become true.

use std::time::{Duration, Instant};

/// Far more than anything here takes, also on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Tries until it succeeds, and gives the result.
///
/// # Panics
///
/// After [`LIMIT`], with what the last attempt lacked.
pub fn eventually<T>(what: &str, attempt: impl FnMut() -> Result<T, String>) -> T {
    within(LIMIT, what, attempt)
}

/// Like [`eventually`], with a limit that means something.
///
/// # Panics
///
/// After `limit`, with what the last attempt lacked.
pub fn within<T>(limit: Duration, what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    /// How often it looks, not how long it waits. Asking a member costs it an exchange.
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
