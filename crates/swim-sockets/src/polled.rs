//! One connection of an event loop, which is asked for its news.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use socket2::{Domain, SockRef, Socket, Type};
use swim_driver::{Bytes, DialPurpose, StreamNews, connection_error};

use crate::connections::{Opened, Waits};
use crate::tuning::tune;

#[derive(Debug)]
pub(crate) struct Connection {
    socket: Opened,
    /// Set while dialling: when to give up.
    dialling: Option<Instant>,
    unwritten: Option<Bytes>,
    sending: Sending,
    /// The peer has finished, or the connection broke: nothing more is read.
    ended: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Sending {
    On,
    /// Closes once all is written.
    Finish,
    Finished,
}

impl Connection {
    pub(crate) fn accepted(socket: Opened) -> Self {
        if let Ok(socket) = &socket {
            tune(SockRef::from(socket), DialPurpose::Exchange);
        }
        Connection { socket, dialling: None, unwritten: None, sending: Sending::On, ended: false }
    }

    /// Starts to connect, until `limit`.
    pub(crate) fn dial(to: SocketAddr, purpose: DialPurpose, limit: Instant) -> Self {
        let socket = begin(to, purpose);
        Connection { dialling: Some(limit), ..Connection::accepted(socket) }
    }

    pub(crate) fn write(&mut self, bytes: Bytes) {
        self.unwritten = Some(bytes);
    }

    pub(crate) fn finish(&mut self) {
        self.sending = Sending::Finish;
    }

    /// Nothing is left to do or to report.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.sending == Sending::Finished
    }

    pub(crate) fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref().ok()
    }

    pub(crate) fn waits(&self) -> Waits {
        let writes = self.dialling.is_some() || self.unwritten.is_some();
        if writes { Waits::Writable } else { Waits::Readable }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.dialling
    }

    /// Returns the next news, and how many bytes were read into `buffer`.
    pub(crate) fn news(&mut self, buffer: &mut [u8]) -> Option<(StreamNews<'static>, usize)> {
        let error = match self.look(buffer) {
            Ok(news) => return Some(news),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => error,
        };
        (self.ended, self.sending) = (true, Sending::Finished);
        Some((StreamNews::Failed(connection_error(&error)), 0))
    }

    fn look(&mut self, buffer: &mut [u8]) -> io::Result<(StreamNews<'static>, usize)> {
        if self.is_over() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut socket = self.socket.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        if let Some(limit) = self.dialling {
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
            // A socket has a peer address once it is connected.
            if socket.peer_addr().is_ok() {
                self.dialling = None;
                return Ok((StreamNews::Opened, 0));
            }
            let late = Instant::now() >= limit;
            return Err(if late { ErrorKind::TimedOut } else { ErrorKind::WouldBlock }.into());
        }
        if let Some(bytes) = &mut self.unwritten {
            match socket.write(bytes) {
                Ok(len) => drop(bytes.split_to(len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if bytes.is_empty() {
                self.unwritten = None;
                return Ok((StreamNews::Written, 0));
            }
        } else if self.sending == Sending::Finish {
            socket.shutdown(Shutdown::Write)?;
            self.sending = Sending::Finished;
        }
        if self.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        match socket.read(buffer)? {
            0 => {
                self.ended = true;
                Ok((StreamNews::Finished, 0))
            }
            len => Ok((StreamNews::Data(&[]), len)),
        }
    }
}

fn begin(to: SocketAddr, purpose: DialPurpose) -> Opened {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    tune(SockRef::from(&socket), purpose);
    // A connect in progress is an error here, like all others; `take_error` has the real one.
    let _ = socket.connect(&to.into());
    Ok(socket)
}
