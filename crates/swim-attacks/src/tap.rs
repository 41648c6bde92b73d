//! An attacker on the path to a member: it forwards and records traffic.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::member::lock;
use crate::tallies::dial;

/// Recorded traffic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) datagrams: Vec<Bytes>,
    /// The bytes of the dialler, and the answer.
    pub(crate) exchanges: Vec<(Bytes, Bytes)>,
}

/// The state of a tap.
#[derive(Debug, Default)]
struct State {
    recording: Recording,
    /// The member behind it.
    behind: Option<SocketAddr>,
    /// The answer that replaces forwarding on streams.
    answer: Option<Bytes>,
}

/// Ports in front of a member, which announces them as its own.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl Tap {
    /// Opens the ports.
    pub(crate) async fn start(at: SocketAddr) -> Result<Self, String> {
        let failed = |error| format!("no tap at {at}: {error}");
        let (listener, socket) = same_port(at).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let state: Arc<Mutex<State>> = Arc::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(streams(listener, Arc::clone(&state)));
        tasks.spawn(datagrams(socket, Arc::clone(&state)));
        Ok(Tap { address, state, _tasks: tasks })
    }

    /// Sets the member behind it.
    pub(crate) fn lead_to(&self, member: SocketAddr) {
        lock(&self.state).behind = Some(member);
    }

    /// Answers all streams with this from now on, and forwards none.
    pub(crate) fn answer_with(&self, answer: Bytes) {
        lock(&self.state).answer = Some(answer);
    }

    /// Returns the traffic so far.
    pub(crate) fn recording(&self) -> Recording {
        lock(&self.state).recording.clone()
    }
}

/// Opens a listener and a socket on one port.
///
/// A port that is free for one may be taken for the other.
async fn same_port(at: SocketAddr) -> std::io::Result<(TcpListener, UdpSocket)> {
    let mut last = None;
    for _ in 0..16 {
        let listener = TcpListener::bind(at).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.expect("an attempt was made"))
}

/// Forwards datagrams from one socket per sender, so that answers find their way back.
async fn datagrams(socket: UdpSocket, state: Arc<Mutex<State>>) {
    let socket = Arc::new(socket);
    let mut ways: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    let mut backs = JoinSet::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        let datagram = Bytes::copy_from_slice(&buffer[..length]);
        lock(&state).recording.datagrams.push(datagram.clone());
        let Some(to) = lock(&state).behind else { continue };
        let way = match ways.get(&from) {
            Some(way) => Arc::clone(way),
            None => {
                let own = UdpSocket::bind(SocketAddr::new(from.ip(), 0)).await;
                let Ok(way) = own.map(Arc::new) else { continue };
                ways.insert(from, Arc::clone(&way));
                backs.spawn(lead_back(Arc::clone(&way), Arc::clone(&socket), from));
                way
            }
        };
        _ = way.send_to(&datagram, to).await;
    }
}

async fn lead_back(way: Arc<UdpSocket>, front: Arc<UdpSocket>, to: SocketAddr) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        if let Ok(length) = way.recv(&mut buffer).await {
            _ = front.send_to(&buffer[..length], to).await;
        }
    }
}

async fn streams(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut passing = JoinSet::new();
    loop {
        if let Ok((stream, from)) = listener.accept().await {
            let state = Arc::clone(&state);
            passing.spawn(async move {
                _ = pass(stream, from, &state).await;
            });
        }
    }
}

async fn pass(mut front: TcpStream, from: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let (answer, behind) = {
        let state = lock(state);
        (state.answer.clone(), state.behind)
    };
    if let Some(answer) = answer {
        // Waits until bytes arrive.
        _ = front.read(&mut vec![0; 1 << 16]).await?;
        front.write_all(&answer).await?;
        return front.shutdown().await;
    }
    let Some(behind) = behind else { return Ok(()) };
    let mut back = dial(SocketAddr::new(from.ip(), 0), behind).await?;
    let (mut said, mut answered) = (Vec::new(), Vec::new());
    let ((mut front_in, mut front_out), (mut back_in, mut back_out)) =
        (front.split(), back.split());
    let there = copy(&mut front_in, &mut back_out, &mut said);
    let back = copy(&mut back_in, &mut front_out, &mut answered);
    _ = tokio::join!(there, back);
    lock(state).recording.exchanges.push((said.into(), answered.into()));
    Ok(())
}

async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    kept: &mut Vec<u8>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        kept.extend_from_slice(&buffer[..length]);
        to.write_all(&buffer[..length]).await?;
    }
}
