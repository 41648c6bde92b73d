//! The buffers into which connections are read: a bounded number, however many peers send.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_channel::{Receiver, Sender};
use futures_core::Stream;

/// How much one read takes at most.
const SIZE: usize = 8 << 10;

/// How many buffers may be filled and not yet consumed. Then connections wait for one, so a node
/// that consumes slowly also reads slowly.
const FILLED_MAX: usize = 64;

/// How many unused buffers are kept. Most of what a connection receives fits into one; a second
/// looks for more before the node consumes the first.
const KEPT_MAX: usize = 2;

/// The buffers of a node. Each connection has a clone.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    /// One permit for each buffer that may still be filled.
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

/// A buffer with what was read.
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

    /// Takes a buffer, as soon as one is free.
    pub(super) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Buffer> {
        // Never closed: this holds a sender.
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
