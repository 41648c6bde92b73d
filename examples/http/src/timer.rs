//! The runtime's clock and timers for hyper.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use swim_driver::RuntimeHandle;

/// Gives hyper the clock and timers of a runtime.
#[derive(Clone, Debug)]
pub struct RuntimeTimer(pub RuntimeHandle);

impl Timer for RuntimeTimer {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(RuntimeSleep(Mutex::new(Box::pin(self.0.sleep(time)))))
    }

    fn sleep_until(&self, at: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(RuntimeSleep(Mutex::new(Box::pin(self.0.sleep_until(at)))))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// A sleep that is `Sync`, as hyper requires. The mutex is never locked: only the owner polls it.
struct RuntimeSleep(Mutex<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Future for RuntimeSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        sleep.as_mut().poll(cx)
    }
}

impl Sleep for RuntimeSleep {}

impl fmt::Debug for RuntimeSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RuntimeSleep")
    }
}
