//! One connection: copies bytes in both directions.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_channel::{Receiver, Sender};
use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use swim_core::{Name, StreamId};

use crate::engine::buffers::Buffers;
use crate::engine::report::{News, Report, tell};

/// How many buffers a connection takes at once. All connections share them: a fast one could take
/// all, and delay each of many others beyond the core's time limit.
const READS_PER_POLL_MAX: usize = 4;

/// An order from the node to a connection. At most one write is under way; a finish may follow.
#[derive(Debug)]
pub(super) enum Order {
    Write(Bytes),
    Finish,
}

/// The channels between a connection and its node.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: StreamId,
    pub(super) orders: Pin<Box<Receiver<Order>>>,
    pub(super) reports: Sender<Report>,
    pub(super) buffers: Buffers,
}

impl Line {
    /// Serves a connection until both directions are finished. `names` returns the names that the
    /// peer's certificate allows; it is called once the first bytes have arrived.
    pub(super) async fn serve<S>(
        mut self,
        mut stream: S,
        names: fn(&S) -> Option<Arc<[Name]>>,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut reading, mut writing) = (Reading::Nothing(names), Writing::Idle);
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

    /// Reads until the peer finishes, no faster than the node consumes.
    fn read<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
        reading: &mut Reading<S>,
    ) -> Poll<io::Result<()>> {
        if matches!(reading, Reading::Finished) {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..READS_PER_POLL_MAX {
            let mut buffer = ready!(self.buffers.poll_take(cx));
            // A pending read gives its buffer back, so silent peers hold none.
            match ready!(Pin::new(&mut *stream).poll_read(cx, buffer.space()))? {
                0 => {
                    *reading = Reading::Finished;
                    self.tell(News::Finished);
                    return Poll::Ready(Ok(()));
                }
                len => {
                    if let Reading::Nothing(names) = reading {
                        names(stream).into_iter().for_each(|it| self.tell(News::Certified(it)));
                        *reading = Reading::On;
                    }
                    self.tell(News::Data(buffer.filled(len)));
                }
            }
        }
        // Continues after the other connections.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Carries out write orders until the finish.
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

#[derive(Debug)]
enum Reading<S> {
    /// Nothing came yet. Holds the function that returns the peer's names.
    Nothing(fn(&S) -> Option<Arc<[Name]>>),
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::engine::report::queue;

    /// A peer that sends as fast as it is read, and reads nothing.
    struct Fast;

    impl AsyncRead for Fast {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buffer.len()))
        }
    }

    impl AsyncWrite for Fast {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[test]
    fn connections_that_come_fast_share_the_buffers() {
        let (buffers, (reports, told)) = (Buffers::new(), queue());
        let (orders, taken) = async_channel::bounded(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut serving: Vec<_> = (0..8)
            .map(|number| {
                let line = Line {
                    id: StreamId(number),
                    orders: Box::pin(taken.clone()),
                    reports: reports.clone(),
                    buffers: buffers.clone(),
                };
                Box::pin(line.serve(Fast, |_| None))
            })
            .collect();
        // Like a runtime that polls all ready tasks before the node's turn.
        for _ in 0..16 {
            for connection in &mut serving {
                assert!(connection.as_mut().poll(&mut cx).is_pending());
            }
        }
        let mut filled = [0; 8];
        let mut held = Vec::new();
        while let Ok(report) = told.try_recv() {
            if let Report::Stream(StreamId(number), News::Data(_)) = report {
                filled[usize::try_from(number).unwrap()] += 1;
            }
            held.push(report);
        }
        assert_eq!(filled, [8; 8]);
        drop(orders);
    }
}
