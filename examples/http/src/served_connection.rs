//! A connection with limits on its peer, and a close that lets the peer read what was said last.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use swim_driver::{Connection, RuntimeHandle};

/// How long and how much is read and dropped after the last answer. A connection that is closed
/// while bytes of the peer are unread is reset, and the peer may lose the answer: that its body is
/// too large, say. A peer that sends more than this is reset.
const LINGER_TIME_MAX: Duration = Duration::from_secs(2);
const LINGER_SIZE_MAX: usize = 1 << 20;

/// Bytes that are read and dropped at once.
const LINGER_PIECE: usize = 4 << 10;

/// A connection that fails once a write has waited for longer than a limit, as its peer does not
/// read or is gone, and that is closed as soon as the peer has heard of it.
pub struct ServedConnection {
    connection: Connection,
    runtime: RuntimeHandle,
    write_time_max: Duration,
    /// Runs while a write waits, or while the close does.
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_closed: bool,
    dropped: usize,
}

impl ServedConnection {
    /// A connection whose writes wait for at most `write_time_max`.
    #[must_use]
    pub fn new(connection: Connection, runtime: RuntimeHandle, write_time_max: Duration) -> Self {
        let (timer, is_closed, dropped) = (None, false, 0);
        ServedConnection { connection, runtime, write_time_max, timer, is_closed, dropped }
    }

    /// Passes a result on, or ends the wait for it.
    fn limited<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        self.poll_timer(cx, self.write_time_max).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let runtime = &self.runtime;
        self.timer.get_or_insert_with(|| Box::pin(runtime.sleep(limit))).as_mut().poll(cx)
    }

    /// Reads and drops what the peer still sends, until it has read the end or a limit is reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut piece = [0; LINGER_PIECE];
        while self.dropped < LINGER_SIZE_MAX {
            match Pin::new(&mut self.connection).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(size @ 1..)) => self.dropped += size,
                Poll::Ready(_) => break,
                Poll::Pending => return self.poll_timer(cx, LINGER_TIME_MAX),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for ServedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ServedConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(cx, bytes);
        self.limited(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(cx);
        self.limited(cx, flushed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closed {
            let closed = Pin::new(&mut self.connection).poll_close(cx);
            ready!(self.limited(cx, closed))?;
            self.is_closed = true;
        }
        self.poll_linger(cx).map(Ok)
    }
}

impl fmt::Debug for ServedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedConnection").finish_non_exhaustive()
    }
}
