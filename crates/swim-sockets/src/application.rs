//! Connections of applications on async-io.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::task::{Poll, ready};

use async_io::Async;
use swim_driver::{Connection, DialPurpose, Listener};

use crate::connection::TcpConnection;
use crate::sockets::open_listener;
use crate::udp_tcp::done;

/// Opens a connection for an application.
///
/// See [`Runtime::connect`](swim_driver::Runtime::connect).
///
/// # Errors
///
/// The system's error.
pub async fn connect(to: SocketAddr) -> io::Result<Connection> {
    Ok(connection(Async::<TcpStream>::connect(to).await?))
}

/// Listens for connections to an application.
///
/// See [`Runtime::listen`](swim_driver::Runtime::listen).
///
/// ```
/// let listener = swim_sockets::listen_async("127.0.0.1:0".parse()?)?;
/// assert_ne!(listener.local_address().port(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The system's error.
pub fn listen_async(on: SocketAddr) -> io::Result<Listener> {
    let listener = Async::new_nonblocking(open_listener(on)?)?;
    let address = listener.get_ref().local_addr()?;
    Ok(Listener::new(address, move |cx| {
        loop {
            if let Some(accepted) = done(listener.get_ref().accept()) {
                return Poll::Ready(
                    accepted.and_then(|(stream, from)| Ok((connection(Async::new(stream)?), from))),
                );
            }
            ready!(listener.poll_readable(cx))?;
        }
    }))
}

fn connection(stream: Async<TcpStream>) -> Connection {
    Connection::new(TcpConnection::new(stream, DialPurpose::Exchange))
}
