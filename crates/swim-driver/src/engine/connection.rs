//! One connection: copies bytes one way and the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_channel::{Receiver, Sender};
use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use swim_core::StreamId;

use crate::engine::buffers::Buffers;
use crate::engine::report::{News, Report, tell};

/// What the node wants done on a connection. There is one write under way at most, and a finish
/// after it.
#[derive(Debug)]
pub(super) enum Order {
    Write(Bytes),
    Finish,
}

/// A connection's line to its node.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: StreamId,
    pub(super) orders: Pin<Box<Receiver<Order>>>,
    pub(super) reports: Sender<Report>,
    pub(super) buffers: Buffers,
}

impl Line {
    /// Serves a connection until both its sides are finished.
    pub(super) async fn serve<S>(mut self, mut stream: S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut reading, mut writing) = (Reading::On, Writing::Idle);
        std::future::poll_fn(move |cx| {
            let written = self.write(cx, &mut stream, &mut writing)?;
            let read = self.read(cx, &mut stream, &mut reading)?;
            if written.is_ready() && read.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    pub(super) fn tell(&self, news: News) {
        tell(&self.reports, Report::Stream(self.id, news));
    }

    /// Reads until the peer finishes, and no faster than the node consumes.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        reading: &mut Reading,
    ) -> Poll<io::Result<()>> {
        while *reading == Reading::On {
            let mut buffer = ready!(self.buffers.poll_take(cx));
            // Those who say nothing hold no buffer: a pending read gives it back.
            match ready!(Pin::new(&mut *stream).poll_read(cx, buffer.space()))? {
                0 => {
                    *reading = Reading::Finished;
                    self.tell(News::Finished);
                }
                len => self.tell(News::Data(buffer.filled(len))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what it is ordered to, until it is told to finish.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
        writing: &mut Writing,
    ) -> Poll<io::Result<()>> {
        loop {
            match writing {
                Writing::Idle => match ready!(self.orders.as_mut().poll_next(cx)) {
                    Some(Order::Write(bytes)) => *writing = Writing::Bytes(bytes),
                    Some(Order::Finish) => *writing = Writing::Closing,
                    // The node has forgotten this connection.
                    None => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                },
                Writing::Bytes(bytes) if bytes.is_empty() => *writing = Writing::Flushing,
                Writing::Bytes(bytes) => {
                    match ready!(Pin::new(&mut *stream).poll_write(cx, bytes))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        len => bytes.advance(len),
                    }
                }
                Writing::Flushing => {
                    ready!(Pin::new(&mut *stream).poll_flush(cx))?;
                    *writing = Writing::Idle;
                    self.tell(News::Written);
                }
                Writing::Closing => {
                    ready!(Pin::new(&mut *stream).poll_close(cx))?;
                    *writing = Writing::Closed;
                }
                Writing::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    On,
    Finished,
}

#[derive(Debug)]
enum Writing {
    Idle,
    Bytes(Bytes),
    Flushing,
    Closing,
    Closed,
}
