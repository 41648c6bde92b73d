//! A connection that speaks TLS.

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

/// What a peer may send before its handshake is done: a chain of certificates needs a few
/// kilobytes.
const HANDSHAKE_SIZE_MAX: usize = 128 << 10;

/// The records of TLS with which a peer may begin: an alert and a handshake.
const FIRST_BYTES: [u8; 2] = [0x15, 0x16];

/// A connection that speaks TLS.
///
/// Its handshake goes on while it is read, written or flushed. Closing it ends the peer's reading;
/// a connection that ends in any other way is an error at the peer, so nothing can be cut off
/// unnoticed.
pub struct TlsStream<S> {
    io: S,
    session: Connection,
    /// The bytes that came before the handshake was done.
    greeted: usize,
    /// What the peer sent first was TLS, as far as one byte can tell.
    is_tls: bool,
    /// This side has said that it will send no more.
    closed: bool,
    /// The peer may only go by a name of its certificate.
    verify_name: bool,
    /// Why this side gave up; the peer is being told.
    given_up: Option<TlsFault>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    pub(crate) fn new(io: S, session: Connection, verify_name: bool) -> Self {
        let (is_tls, closed, given_up) = (true, false, None);
        TlsStream { io, session, greeted: 0, is_tls, closed, verify_name, given_up }
    }

    /// The names that the peer may go by: the DNS names of its certificate that can be names of
    /// members. `None` where names are not checked.
    pub(crate) fn peer_names(&self) -> Option<Arc<[Name]>> {
        if !self.verify_name {
            return None;
        }
        let certificate = self.session.peer_certificates().and_then(<[_]>::first);
        let parsed = certificate.and_then(|it| EndEntityCert::try_from(it).ok());
        let names = parsed.iter().flat_map(|it| it.valid_dns_names());
        Some(names.filter_map(|name| Name::new(name).ok()).collect())
    }

    /// Carries on the handshake. Ready when it is done here.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let said = self.poll_say(cx)?;
            if !self.session.is_handshaking() {
                // A dialler's last message says who it is.
                return said.map(Ok);
            }
            ready!(self.poll_hear(cx))?;
        }
    }

    /// Sends what TLS has to say.
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

    /// Takes what the peer says.
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
            // Without a goodbye: whoever is on the way could have ended it.
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

    /// Reads bytes for TLS, and looks at the first one.
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

    /// The peer ended the connection within the handshake.
    fn silence(&self) -> io::Error {
        match (&self.session, self.greeted) {
            (Connection::Client(_), 0) => failed(TlsFault::NoAnswer),
            _ => io::ErrorKind::ConnectionReset.into(),
        }
    }

    /// Tells the peer why this side gave up. Ready with what to report, when that was said or
    /// cannot be: a peer that reads nothing is the business of whoever limits the time of
    /// connections.
    fn poll_tell(&mut self, cx: &mut Context<'_>, fault: TlsFault) -> Poll<io::Error> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Blocking { io: &mut self.io, cx }) {
                Ok(len) if len > 0 => {}
                // Also a runtime that wants others to have a turn says so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                _ => break,
            }
        }
        let _ = ready!(Pin::new(&mut self.io).poll_flush(cx));
        Poll::Ready(failed(fault))
    }

    /// Why nothing can be sent: a peer that refuses this node says so before it closes.
    fn poll_reason(&mut self, cx: &mut Context<'_>, error: io::Error) -> Poll<io::Error> {
        let read = self.read(cx);
        Poll::Ready(match (read, self.session.process_new_packets()) {
            (_, Err(told)) => failed(if self.is_tls { fault(&told) } else { TlsFault::NotTls }),
            // What is broken soon has an end.
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
            // Parts of the handshake, and answers to a change of keys. What does not fit now wakes
            // this task too.
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
            // It takes as much as it may keep, 64 KiB, and nothing more before that is sent.
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

/// A connection as rustls reads and writes it: what has to wait is an error.
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
