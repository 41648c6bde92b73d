//! A TLS connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use rustls::Connection;
use swim_driver::{Name, TlsFault};
use webpki::EndEntityCert;

use crate::fault::{failed, fault};

/// How much a peer may send before its handshake is done. A certificate chain needs a few
/// kilobytes.
const HANDSHAKE_SIZE_MAX: usize = 128 << 10;

/// The TLS records with which a peer may begin: an alert and a handshake.
const FIRST_BYTES: [u8; 2] = [0x15, 0x16];

/// A TLS connection.
///
/// Reading, writing and flushing drive its handshake. Closing it ends the peer's reading. Any other
/// end is an error at the peer, so truncation does not go unnoticed.
pub struct TlsStream<S> {
    io: S,
    session: Connection,
    /// The bytes that came before the handshake was done.
    greeted: usize,
    /// The peer began with TLS, judged by the first byte.
    is_tls: bool,
    /// This side has announced that it sends nothing more.
    closed: bool,
    /// The peer may only use a name of its certificate.
    verify_name: bool,
    /// The fault for which this side gave up, while the alert is being sent.
    given_up: Option<TlsFault>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    pub(crate) fn new(io: S, session: Connection, verify_name: bool) -> Self {
        let (is_tls, closed, given_up) = (true, false, None);
        TlsStream { io, session, greeted: 0, is_tls, closed, verify_name, given_up }
    }

    /// The names that the peer's certificate allows: its DNS names that are valid member names.
    /// `None` if names are not checked.
    pub(crate) fn peer_names(&self) -> Option<Arc<[Name]>> {
        if !self.verify_name {
            return None;
        }
        let certificate = self.session.peer_certificates().and_then(<[_]>::first);
        let parsed = certificate.and_then(|it| EndEntityCert::try_from(it).ok());
        let names = parsed.iter().flat_map(|it| it.valid_dns_names());
        Some(names.filter_map(|name| Name::new(name).ok()).collect())
    }

    /// Drives the handshake. Ready when it is done on this side.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let said = self.poll_say(cx)?;
            if !self.session.is_handshaking() {
                // A dialler's last message proves its identity, so it must be sent.
                return said.map(Ok);
            }
            ready!(self.poll_hear(cx))?;
        }
    }

    /// Sends pending TLS records.
    fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(fault) = self.given_up {
            return self.poll_tell(cx, fault).map(Err);
        }
        let mut spoke = false;
        while self.session.wants_write() {
            match self.session.write_tls(&mut Blocking { io: &mut self.io, cx }) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => spoke = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return self.poll_reason(cx, error).map(Err),
            }
        }
        if spoke { Pin::new(&mut self.io).poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Reads and processes TLS records.
    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(fault) = self.given_up {
            return self.poll_tell(cx, fault).map(Err);
        }
        let len = match self.read(cx) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => 0,
            // More than rustls keeps of one message.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Poll::Ready(Err(failed(TlsFault::Violation)));
            }
            Err(error) => return Poll::Ready(Err(error)),
        };
        if self.session.is_handshaking() {
            self.greeted += len;
            if len == 0 {
                return Poll::Ready(Err(self.silence()));
            }
            if self.greeted > HANDSHAKE_SIZE_MAX {
                return Poll::Ready(Err(failed(TlsFault::Violation)));
            }
        } else if len == 0 {
            // Without a close_notify: anyone on the path could have ended it.
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match self.session.process_new_packets() {
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) => {
                tracing::debug!(target: "swim", %error, "TLS failed");
                let fault = if self.is_tls { fault(&error) } else { TlsFault::NotTls };
                self.given_up = Some(fault);
                self.poll_tell(cx, fault).map(Err)
            }
        }
    }

    /// Reads bytes for TLS, and checks the very first one.
    fn read(&mut self, cx: &mut Context<'_>) -> io::Result<usize> {
        let Self { io, session, is_tls, greeted, .. } = self;
        let is_first = *greeted == 0;
        let mut blocking = Blocking { io, cx };
        let mut heard = Heard { from: &mut blocking, first: None };
        let read = session.read_tls(&mut heard);
        if let Some(first) = heard.first.filter(|_| is_first && session.is_handshaking()) {
            *is_tls = FIRST_BYTES.contains(&first);
        }
        read
    }

    /// The error for a peer that ended the connection during the handshake.
    fn silence(&self) -> io::Error {
        match (&self.session, self.greeted) {
            (Connection::Client(_), 0) => failed(TlsFault::NoAnswer),
            _ => io::ErrorKind::ConnectionReset.into(),
        }
    }

    /// Sends the peer an alert with the fault. Ready with the error to report once that is sent or
    /// cannot be sent. The time limit of the connection covers a peer that reads nothing.
    fn poll_tell(&mut self, cx: &mut Context<'_>, fault: TlsFault) -> Poll<io::Error> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Blocking { io: &mut self.io, cx }) {
                Ok(len) if len > 0 => {}
                // Also returned by a runtime that wants other tasks to run first.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                _ => break,
            }
        }
        let _ = ready!(Pin::new(&mut self.io).poll_flush(cx));
        Poll::Ready(failed(fault))
    }

    /// The reason why nothing can be sent: a peer that refuses this node sends an alert before it
    /// closes.
    fn poll_reason(&mut self, cx: &mut Context<'_>, error: io::Error) -> Poll<io::Error> {
        let read = self.read(cx);
        Poll::Ready(match (read, self.session.process_new_packets()) {
            (_, Err(told)) => failed(if self.is_tls { fault(&told) } else { TlsFault::NotTls }),
            // A broken connection ends soon.
            (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            (Ok(0) | Err(_), _) if self.session.is_handshaking() => self.silence(),
            _ => error,
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            // Parts of the handshake, and answers to key updates. A pending write also wakes this
            // task.
            if this.poll_say(cx)?.is_pending() && this.session.is_handshaking() {
                return Poll::Pending;
            }
            match this.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(this.poll_hear(cx))?;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_handshake(cx))?;
        loop {
            // rustls buffers up to 64 KiB, and takes more only once that is sent.
            let taken = this.session.writer().write(bytes)?;
            let said = this.poll_say(cx)?;
            if taken > 0 || bytes.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            ready!(said);
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_handshake(cx))?;
        ready!(this.poll_say(cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            ready!(this.poll_handshake(cx))?;
            this.session.send_close_notify();
            this.closed = true;
        }
        ready!(this.poll_say(cx))?;
        Pin::new(&mut this.io).poll_close(cx)
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}

/// Adapts a connection to rustls, with `WouldBlock` for pending operations.
struct Blocking<'a, 'c, S> {
    io: &'a mut S,
    cx: &'a mut Context<'c>,
}

impl<S: AsyncRead + Unpin> Read for Blocking<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        finished(Pin::new(&mut *self.io).poll_read(self.cx, buffer))
    }
}

impl<S: AsyncWrite + Unpin> Write for Blocking<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        finished(Pin::new(&mut *self.io).poll_write(self.cx, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        finished(Pin::new(&mut *self.io).poll_flush(self.cx))
    }
}

fn finished<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Remembers the first byte that is read.
struct Heard<'a, R> {
    from: &'a mut R,
    first: Option<u8>,
}

impl<R: Read> Read for Heard<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(buffer)?;
        if len > 0 && self.first.is_none() {
            self.first = buffer.first().copied();
        }
        Ok(len)
    }
}
