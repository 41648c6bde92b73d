//! TCP socket options.

use std::time::Duration;

use socket2::SockRef;
use swim_driver::DialPurpose;

/// The send buffer of a link. It holds all packets for one peer until they become stale; more would
/// arrive late.
const LINK_SEND_BUFFER: usize = 64 << 10;

/// Tunes a connection for its purpose.
///
/// Best effort: without it a connection works too, but a break is noticed later.
///
/// ```
/// # use std::net::{TcpListener, TcpStream};
/// # use std::time::Duration;
/// use swim_driver::DialPurpose;
///
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// let stream = TcpStream::connect(listener.local_addr()?)?;
/// swim_sockets::tune((&stream).into(), DialPurpose::Exchange);
/// assert!(stream.nodelay()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tune(socket: SockRef<'_>, purpose: DialPurpose) {
    // Exchanges are short and each waits for its last bytes; links carry pings.
    let _ = socket.set_tcp_nodelay(true);
    if let DialPurpose::Link { give_up_after } = purpose {
        let _ = socket.set_send_buffer_size(LINK_SEND_BUFFER);
        give_up(&socket, give_up_after);
    }
}

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn give_up(socket: &SockRef<'_>, after: Duration) {
    let _ = socket.set_tcp_user_timeout(Some(after));
}

/// The node itself gives up links without answers to pings.
#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn give_up(_: &SockRef<'_>, _: Duration) {}
