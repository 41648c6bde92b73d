//! Datagrams: receives what waits, and sends without waiting.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::runtime::{Runtime, Timer};
use crate::transport::Transport;

/// Longer than any UDP payload, so that none is truncated unnoticed.
const DATAGRAM_SIZE_MAX: usize = 1 << 16;

/// The most datagrams that wait while the transport cannot take them; further ones are lost. A turn
/// sends a few; a longer queue would only hold stale ones.
const UNSENT_MAX: usize = 512;

/// The most errors in a row that are skipped. On some systems each undeliverable datagram causes an
/// error in a later receive.
const ERRORS_SKIPPED_MAX: usize = 64;

/// The pause after errors that do not stop, instead of a busy loop.
const ERROR_PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Datagrams<M> {
    buffer: Box<[u8]>,
    unsent: VecDeque<(SocketAddr, Bytes)>,
    /// Set while receiving fails: when to try again.
    failing: Option<Instant>,
    pause: M,
}

impl<M: Timer> Datagrams<M> {
    pub(super) fn new(pause: M) -> Self {
        let buffer = vec![0; DATAGRAM_SIZE_MAX].into();
        Datagrams { buffer, unsent: VecDeque::new(), failing: None, pause }
    }

    /// Receives the next waiting datagram. Returns its source and length;
    /// [`received`](Datagrams::received) returns its bytes.
    pub(super) fn poll_receive<R: Runtime>(
        &mut self,
        cx: &mut Context<'_>,
        runtime: &R,
        transport: &mut impl Transport,
    ) -> Poll<(SocketAddr, usize)> {
        if let Some(again) = self.failing
            && self.pause.poll_at(cx, again).is_pending()
        {
            return Poll::Pending;
        }
        for _ in 0..ERRORS_SKIPPED_MAX {
            match transport.poll_receive(cx, &mut self.buffer) {
                Poll::Ready(Ok((len, from))) => {
                    self.failing = None;
                    return Poll::Ready((from, len));
                }
                Poll::Ready(Err(error)) => {
                    tracing::debug!(target: "swim", %error, "cannot receive a datagram");
                }
                Poll::Pending => {
                    self.failing = None;
                    return Poll::Pending;
                }
            }
        }
        if self.failing.is_none() {
            tracing::warn!(target: "swim", "cannot receive datagrams, repeatedly");
        }
        let again = runtime.now() + ERROR_PAUSE;
        self.failing = Some(again);
        if self.pause.poll_at(cx, again).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// The bytes of the last received datagram.
    pub(super) fn received(&self, len: usize) -> &[u8] {
        &self.buffer[..len]
    }

    /// Sends a datagram, now or when the transport can take it.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut impl Transport,
        to: SocketAddr,
        payload: Bytes,
    ) {
        if self.unsent.is_empty() && sent(cx, transport, to, &payload) {
            return;
        }
        if self.unsent.len() < UNSENT_MAX {
            self.unsent.push_back((to, payload));
        } else {
            tracing::debug!(target: "swim", %to, "datagram dropped: too many wait to be sent");
        }
    }

    /// Sends waiting datagrams, as far as the transport takes them.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>, transport: &mut impl Transport) {
        while let Some((to, payload)) = self.unsent.front() {
            if !sent(cx, transport, *to, payload) {
                return;
            }
            self.unsent.pop_front();
        }
    }
}

/// False if the transport is full for now. Any other failure (no route, too large, refused by a
/// filter) loses only this datagram.
fn sent(
    cx: &mut Context<'_>,
    transport: &mut impl Transport,
    to: SocketAddr,
    payload: &[u8],
) -> bool {
    match transport.poll_send(cx, to, payload) {
        Poll::Ready(Ok(())) => true,
        Poll::Ready(Err(error)) => {
            let size = payload.len();
            tracing::debug!(target: "swim", %to, size, %error, "cannot send a datagram");
            true
        }
        Poll::Pending => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io;
    use std::task::Waker;

    use super::*;
    use crate::action::DialPurpose;
    use crate::connection::{Connection, Listener};
    use crate::memory::MemoryStream;

    /// Takes datagrams while it is `open`. Datagrams of length 1 cannot be sent.
    #[derive(Default)]
    struct Fake {
        open: bool,
        sent: Vec<usize>,
        arrived: VecDeque<io::Result<usize>>,
    }

    impl Transport for Fake {
        type Stream = MemoryStream;

        fn local_address(&self) -> SocketAddr {
            to()
        }

        fn poll_receive(
            &mut self,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<(usize, SocketAddr)>> {
            match self.arrived.pop_front() {
                Some(arrived) => Poll::Ready(arrived.map(|len| (len, to()))),
                None => Poll::Pending,
            }
        }

        fn poll_send(
            &mut self,
            _: &mut Context<'_>,
            _: SocketAddr,
            payload: &[u8],
        ) -> Poll<io::Result<()>> {
            if !self.open {
                return Poll::Pending;
            }
            if payload.len() == 1 {
                return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
            }
            self.sent.push(payload.len());
            Poll::Ready(Ok(()))
        }

        fn poll_accept(
            &mut self,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<(MemoryStream, SocketAddr)>> {
            Poll::Pending
        }

        fn dial(
            &mut self,
            _: SocketAddr,
            _: DialPurpose,
        ) -> impl Future<Output = io::Result<MemoryStream>> + Send + 'static {
            pending()
        }
    }

    /// A runtime whose clock does not move.
    #[derive(Clone, Copy)]
    struct Still(Instant);

    impl Runtime for Still {
        type Timer = Still;

        fn now(&self) -> Instant {
            self.0
        }

        fn timer(&self) -> Still {
            *self
        }

        fn yield_now(&self) -> impl Future<Output = ()> + Send + 'static {
            pending()
        }

        fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

        fn resolve(
            &self,
            _: String,
            _: u16,
        ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
            pending()
        }

        fn random(&self, _: &mut [u8]) -> io::Result<()> {
            Ok(())
        }

        fn connect(
            &self,
            _: SocketAddr,
        ) -> impl Future<Output = io::Result<Connection>> + Send + 'static {
            pending()
        }

        fn listen(&self, _: SocketAddr) -> io::Result<Listener> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    impl Timer for Still {
        fn poll_at(&mut self, _: &mut Context<'_>, at: Instant) -> Poll<()> {
            if self.0 >= at { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    fn to() -> SocketAddr {
        "10.0.0.1:7946".parse().unwrap()
    }

    fn setting() -> (Still, Datagrams<Still>, Fake, Context<'static>) {
        let still = Still(Instant::now());
        let cx = Context::from_waker(Waker::noop());
        (still, Datagrams::new(still), Fake::default(), cx)
    }

    #[test]
    fn what_waits_to_be_sent_is_bounded_and_sent_in_order() {
        let (_, mut datagrams, mut fake, mut cx) = setting();
        for number in 0..=UNSENT_MAX {
            datagrams.send(&mut cx, &mut fake, to(), vec![0; 2 + number].into());
        }
        assert_eq!(datagrams.unsent.len(), UNSENT_MAX);
        fake.open = true;
        datagrams.flush(&mut cx, &mut fake);
        assert_eq!(fake.sent, (2..2 + UNSENT_MAX).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_sent_is_lost_and_the_rest_goes_on() {
        let (_, mut datagrams, mut fake, mut cx) = setting();
        fake.open = true;
        for size in [1, 7] {
            datagrams.send(&mut cx, &mut fake, to(), vec![0; size].into());
        }
        assert_eq!(fake.sent, [7]);
        assert!(datagrams.unsent.is_empty());
    }

    #[test]
    fn errors_of_single_datagrams_are_skipped_and_endless_ones_waited_for() {
        let (mut still, mut datagrams, mut fake, mut cx) = setting();
        let error = || Err(io::ErrorKind::ConnectionReset.into());
        fake.arrived.extend([error(), Ok(3)]);
        let received = datagrams.poll_receive(&mut cx, &still, &mut fake);
        assert_eq!(received, Poll::Ready((to(), 3)));

        fake.arrived.extend((0..=ERRORS_SKIPPED_MAX).map(|_| error()));
        fake.arrived.push_back(Ok(4));
        assert!(datagrams.poll_receive(&mut cx, &still, &mut fake).is_pending());
        // Not before the pause is over.
        let left = fake.arrived.len();
        assert!(datagrams.poll_receive(&mut cx, &still, &mut fake).is_pending());
        assert_eq!(fake.arrived.len(), left);
        still.0 += ERROR_PAUSE;
        datagrams.pause = still;
        let received = datagrams.poll_receive(&mut cx, &still, &mut fake);
        assert_eq!(received, Poll::Ready((to(), 4)));
    }
}
