//! A server's connection: a write deadline, and a close that lets the client read the last answer.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use swim_driver::{Connection, RuntimeHandle};

/// Time and bytes to keep reading after the last answer. Closing a socket with unread bytes sends a
/// reset, and the client may then lose the answer, such as a 413. A client that sends more than
/// this is reset.
const LINGER_TIME_MAX: Duration = Duration::from_secs(2);
const LINGER_SIZE_MAX: usize = 1 << 20;

/// Bytes to read and drop at once.
const LINGER_PIECE: usize = 4 << 10;

/// A connection whose writes fail after a limit, when the client does not read or is gone.
///
/// Closing it first sends the end of the stream, then reads and drops what the client still sends,
/// so that the client can read the last answer.
pub struct ServedConnection {
    connection: Connection,
    runtime: RuntimeHandle,
    write_time_max: Duration,
    /// Set while a write or the close waits.
    timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_closed: bool,
    dropped: usize,
}

impl ServedConnection {
    /// Wraps a connection. A write waits for at most `write_time_max`.
    #[must_use]
    pub fn new(connection: Connection, runtime: RuntimeHandle, write_time_max: Duration) -> Self {
        let (timer, is_closed, dropped) = (None, false, 0);
        ServedConnection { connection, runtime, write_time_max, timer, is_closed, dropped }
    }

    /// Returns the result of a write, or a timeout once the write has waited too long.
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

    /// Reads and drops what the client still sends, until it closes or a limit is reached.
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
