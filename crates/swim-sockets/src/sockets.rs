//! Opens the two sockets of a node: datagrams and streams on the same port.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use swim_driver::BindError;

/// How many ports are tried for port 0. The system picks a port for TCP, which another program may
/// hold for UDP.
const PORT_ATTEMPTS_MAX: usize = 32;

/// The most connections that wait to be accepted; more would only wait longer.
const BACKLOG: i32 = 256;

/// The wanted buffer for datagrams while the node does not run, about ten times the system's
/// default. The system may grant less.
const DATAGRAM_BUFFER: usize = 2 << 20;

/// The open, non-blocking sockets and their address.
///
/// ```
/// let sockets = swim_sockets::Sockets::open("127.0.0.1:0".parse()?)?;
/// assert_eq!(sockets.listener.local_addr()?, sockets.bound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Sockets {
    /// For datagrams.
    pub datagrams: UdpSocket,
    /// For streams, listening.
    pub listener: TcpListener,
    /// The address of both.
    pub bound: SocketAddr,
}

impl Sockets {
    /// Opens both on one port; port 0 takes one that is free for both.
    ///
    /// # Errors
    ///
    /// [`BindError::Socket`], with the address and the socket that cannot be opened;
    /// [`BindError::NoFreePort`] if no port was free for both.
    pub fn open(bind: SocketAddr) -> Result<Sockets, BindError> {
        let attempts = if bind.port() == 0 { PORT_ATTEMPTS_MAX } else { 1 };
        for _ in 0..attempts {
            let failed =
                |transport, address| move |error| BindError::Socket { transport, address, error };
            let (listener, bound) = listen(bind)?;
            match bind_datagrams(bound) {
                Ok(datagrams) => {
                    return Ok(Sockets { datagrams, listener, bound });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && bind.port() == 0 => {}
                Err(error) => return Err(failed("UDP", bound)(error)),
            }
        }
        Err(BindError::NoFreePort { address: bind, attempts })
    }
}

/// Opens only a TCP listener, for a node without datagrams; port 0 takes a free one.
///
/// ```
/// let (listener, bound) = swim_sockets::listen("127.0.0.1:0".parse()?)?;
/// assert_eq!(listener.local_addr()?, bound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`BindError::Socket`], with the address that cannot be opened.
pub fn listen(bind: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |error| BindError::Socket { transport: "TCP", address: bind, error };
    let listener = open_listener(bind).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Opens a non-blocking TCP listener for an application; port 0 takes a free one.
///
/// Otherwise like [`listen`].
///
/// ```
/// let listener = swim_sockets::open_listener("127.0.0.1:0".parse()?)?;
/// assert_ne!(listener.local_addr()?.port(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The system's error.
pub fn open_listener(bind: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(bind, Type::STREAM, Protocol::TCP)?;
    // Lets a restarted node take its port while connections of its earlier life fade. On Windows
    // the option would share the port instead.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&bind.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_datagrams(bind: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(bind, Type::DGRAM, Protocol::UDP)?;
    // Best effort: a smaller buffer works too.
    let _ = socket.set_recv_buffer_size(DATAGRAM_BUFFER);
    let _ = socket.set_send_buffer_size(DATAGRAM_BUFFER);
    socket.bind(&bind.into())?;
    Ok(socket.into())
}

fn open(bind: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(bind), kind, Some(protocol))?;
    if bind.is_ipv6() && bind.ip().is_unspecified() {
        // Whether [::] also serves IPv4 is a system setting, so ask for it. Systems that cannot do
        // that serve only IPv6.
        let _ = socket.set_only_v6(false);
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_0_gives_one_free_port_for_both() {
        let sockets = Sockets::open("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(sockets.bound.port(), 0);
        assert_eq!(sockets.datagrams.local_addr().unwrap(), sockets.bound);
        assert_eq!(sockets.listener.local_addr().unwrap(), sockets.bound);
    }

    #[test]
    fn a_port_that_is_taken_for_either_is_an_error_that_says_so() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        // A port that is taken for UDP only, even if other programs use ports too.
        let udp = (0..100)
            .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
            .find(|udp| open_listener(udp.local_addr().unwrap()).is_ok())
            .expect("hardly all ports are taken");
        for (taken, transport) in
            [(tcp.local_addr().unwrap(), "TCP"), (udp.local_addr().unwrap(), "UDP")]
        {
            let error = Sockets::open(taken).unwrap_err().to_string();
            assert!(error.contains(transport), "{error}");
            assert!(error.contains("port 0"), "{error}");
        }
    }

    #[test]
    fn an_address_of_another_machine_is_an_error_that_says_so() {
        let error = Sockets::open("192.0.2.1:0".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("does not have the address"), "{error}");
    }
}
