//! A host that takes no part: it only counts the bytes sent to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Another host's socket: forged packets come from it, and answers arrive there.
#[derive(Debug)]
pub(crate) struct ThirdParty {
    pub(crate) socket: Arc<UdpSocket>,
    counts: Arc<[AtomicU64; 2]>,
    task: JoinHandle<()>,
}

/// The traffic that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl ThirdParty {
    pub(crate) async fn start(at: SocketAddr) -> Result<Self, String> {
        let socket = UdpSocket::bind(at).await;
        let socket = Arc::new(socket.map_err(|error| format!("no socket at {at}: {error}"))?);
        let counts: Arc<[AtomicU64; 2]> = Arc::default();
        let (ear, counted) = (Arc::clone(&socket), Arc::clone(&counts));
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 16];
            loop {
                if let Ok(length) = ear.recv(&mut buffer).await {
                    counted[0].fetch_add(1, Ordering::Relaxed);
                    counted[1].fetch_add(length as u64, Ordering::Relaxed);
                }
            }
        });
        Ok(ThirdParty { socket, counts, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    /// Returns the traffic so far.
    pub(crate) fn drawn(&self) -> Drawn {
        let [packets, bytes] = self.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        Drawn { packets, bytes }
    }
}

impl Drop for ThirdParty {
    fn drop(&mut self) {
        self.task.abort();
    }
}
