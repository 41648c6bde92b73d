//! Signals that ask the process to stop, in a program of its own: they reach the whole process.
#![cfg(all(unix, feature = "signal"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use swim_tokio::stop_signal;
use tokio::time::timeout;

/// Far more than anything here takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn each_signal_resolves_the_future_also_if_it_came_before_the_first_poll() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let stop = stop_signal().unwrap();
            kill_process(getpid(), signal).unwrap();
            timeout(LIMIT, stop).await.unwrap();

            let mut stop = stop_signal().unwrap();
            tokio::select! {
                biased;
                () = &mut stop => panic!("the signal of another call"),
                () = async { kill_process(getpid(), signal).unwrap() } => {}
            }
            timeout(LIMIT, stop).await.unwrap();
        }
    });
}
