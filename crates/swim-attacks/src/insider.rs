//! An attacker that takes part without being a member: it answers pings and receives messages.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use swim_core::wire::Message;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::member::lock;
use crate::stage::Stage;
use crate::voice::{Voice, ack, alive};

/// A socket with the cluster's protocol, which may answer pings to any name.
#[derive(Debug)]
pub(crate) struct Insider {
    pub(crate) socket: Arc<UdpSocket>,
    pub(crate) voice: Arc<Mutex<Voice>>,
    answers: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Insider {
    /// Opens the socket. Calls `hear` with each message and its sender.
    pub(crate) async fn start(
        stage: &Stage,
        name: &str,
        at: SocketAddr,
        mut hear: impl FnMut(SocketAddr, &Message<'_>) + Send + 'static,
    ) -> Result<Self, String> {
        let socket = UdpSocket::bind(at).await;
        let socket = Arc::new(socket.map_err(|error| format!("no socket at {at}: {error}"))?);
        let at = socket.local_addr().expect("a bound socket");
        let voice = Arc::new(Mutex::new(stage.voice(name, at)));
        let answers = Arc::new(AtomicBool::new(true));
        let (ear, mouth, willing) = (Arc::clone(&socket), Arc::clone(&voice), Arc::clone(&answers));
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let Ok((length, from)) = ear.recv_from(&mut buffer).await else { continue };
                let mut sequence = None;
                lock(&mouth).read(&buffer[..length], |message| {
                    hear(from, message);
                    if let Message::Ping(ping) = message {
                        sequence = Some(ping.sequence);
                    }
                });
                if let Some(sequence) = sequence.filter(|_| willing.load(Ordering::Relaxed)) {
                    let answer = lock(&mouth).datagram(&[ack(sequence)]);
                    _ = ear.send_to(&answer, from).await;
                }
            }
        });
        Ok(Insider { socket, voice, answers, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("a bound socket")
    }

    /// Sets whether it answers pings.
    pub(crate) fn answer(&self, answers: bool) {
        self.answers.store(answers, Ordering::Relaxed);
    }

    /// Announces itself as a member.
    pub(crate) async fn enter(&self, name: &str, through: SocketAddr) {
        let alive = alive(lock(&self.voice).config(), name, self.address(), 1);
        self.say(through, &[alive]).await;
    }

    /// Sends a datagram, and returns its length.
    pub(crate) async fn say(&self, to: SocketAddr, messages: &[Message<'_>]) -> usize {
        let datagram = lock(&self.voice).datagram(messages);
        _ = self.socket.send_to(&datagram, to).await;
        datagram.len()
    }
}

impl Drop for Insider {
    fn drop(&mut self) {
        self.task.abort();
    }
}
