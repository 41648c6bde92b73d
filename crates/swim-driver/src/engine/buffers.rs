//! The buffers into which connections are read: a bounded number, whoever sends.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_channel::{Receiver, Sender};
use futures_core::Stream;

/// How much is read at once.
const SIZE: usize = 8 << 10;

/// How many may be filled and not yet consumed. Connections wait for one when there are more: a
/// node that is slow to consume is slow to read.
const FILLED_MAX: usize = 64;

/// How many are kept while nobody needs them: what most connections say fits into one, and before
/// the node consumes that, the connection looks with another whether there is more.
const KEPT_MAX: usize = 2;

/// The buffers of a node; each connection has a clone of this.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    /// One for each buffer that may still be filled.
    permits: Pin<Box<Receiver<()>>>,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    returned: Sender<()>,
    kept: Arc<Mutex<Vec<Box<[u8]>>>>,
}

/// A buffer to read into. Dropping it makes room for another.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    shared: Shared,
}

/// A buffer that holds what was read.
#[derive(Debug)]
pub(super) struct Filled {
    buffer: Buffer,
    len: usize,
}

impl Buffers {
    pub(super) fn new() -> Self {
        let (returned, permits) = async_channel::bounded(FILLED_MAX);
        for _ in 0..FILLED_MAX {
            let _ = returned.try_send(());
        }
        Buffers { permits: Box::pin(permits), shared: Shared { returned, kept: Arc::default() } }
    }

    /// A buffer, once there is one.
    pub(super) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Buffer> {
        // The channel is never closed: this holds a sender.
        let _ = ready!(self.permits.as_mut().poll_next(cx));
        let bytes = self.shared.take().unwrap_or_else(|| vec![0; SIZE].into());
        Poll::Ready(Buffer { bytes, shared: self.shared.clone() })
    }
}

impl Shared {
    fn take(&self) -> Option<Box<[u8]>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, bytes: Box<[u8]>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX {
            kept.push(bytes);
        }
        drop(kept);
        let _ = self.returned.try_send(());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Buffer {
    pub(super) fn space(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn filled(self, len: usize) -> Filled {
        Filled { buffer: self, len }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.shared.give_back(std::mem::take(&mut self.bytes));
    }
}

impl Filled {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_filled_as_are_consumed() {
        let mut buffers = Buffers::new();
        let mut other = buffers.clone();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut filled = Vec::new();
        while let Poll::Ready(mut buffer) = buffers.poll_take(&mut cx) {
            buffer.space()[0] = 7;
            filled.push(buffer.filled(1));
        }
        assert_eq!(filled.len(), FILLED_MAX);
        assert!(other.poll_take(&mut cx).is_pending());
        assert_eq!(filled.pop().map(|one| one.bytes().to_vec()), Some(vec![7]));
        assert!(other.poll_take(&mut cx).is_ready());
        drop(filled);
        assert_eq!(buffers.shared.kept.lock().unwrap().len(), KEPT_MAX);
    }
}
