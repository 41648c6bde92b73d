//! One connection of the member, which is looked at now and then.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use bytes::{Buf, Bytes};
use socket2::{Domain, Socket, Type};
use swim_driver::{StreamNews, connection_error};

pub(crate) struct Connection {
    socket: io::Result<Socket>,
    /// While it is dialled: when to give up.
    dialling: Option<Instant>,
    pub(crate) unwritten: Option<Bytes>,
    pub(crate) finish: bool,
    finished: bool,
    /// The peer has finished, or it broke: nothing is read any more.
    ended: bool,
}

impl Connection {
    pub(crate) fn new(socket: io::Result<Socket>, dialling: Option<Instant>) -> Self {
        Connection {
            socket,
            dialling,
            unwritten: None,
            finish: false,
            finished: false,
            ended: false,
        }
    }

    /// Nothing is to be done on it, nor reported.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.finished
    }

    /// What has happened since it was last asked, and how many bytes came in, which are in the
    /// buffer.
    pub(crate) fn news(&mut self, buffer: &mut [u8]) -> Option<(StreamNews<'static>, usize)> {
        let error = match self.look(buffer) {
            Ok(news) => return Some(news),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) => error,
        };
        (self.ended, self.finished) = (true, true);
        Some((StreamNews::Failed(connection_error(&error)), 0))
    }

    fn look(&mut self, buffer: &mut [u8]) -> io::Result<(StreamNews<'static>, usize)> {
        let mut socket = self.socket.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        if let Some(limit) = self.dialling {
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
            // It has a peer as soon as it is connected.
            if socket.peer_addr().is_ok() {
                self.dialling = None;
                return Ok((StreamNews::Opened, 0));
            }
            let late = Instant::now() >= limit;
            return Err(if late { ErrorKind::TimedOut } else { ErrorKind::WouldBlock }.into());
        }
        if let Some(bytes) = &mut self.unwritten {
            match socket.write(bytes) {
                Ok(len) => bytes.advance(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if bytes.is_empty() {
                self.unwritten = None;
                return Ok((StreamNews::Written, 0));
            }
        } else if self.finish && !self.finished {
            socket.shutdown(Shutdown::Write)?;
            self.finished = true;
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

/// Begins to connect, without waiting.
pub(crate) fn dial(to: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // That it goes on is an error here, and so is all else; `take_error` tells which it was.
    let _ = socket.connect(&to.into());
    Ok(socket)
}
