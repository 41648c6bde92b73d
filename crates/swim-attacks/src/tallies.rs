//! Success rates of honest operations.

use std::fmt;
use std::time::{Duration, Instant};

use swim_core::channel::StreamBuffer;
use swim_core::wire::Ping;
use swim_tokio::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::member::Member;
use crate::stage::{Stage, loopback};

/// Opens a connection from a source address.
pub(crate) async fn dial(
    from: std::net::SocketAddr,
    to: std::net::SocketAddr,
) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(from)?;
    socket.connect(to).await
}

/// The numbers of attempts and of failures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tried: u32,
    pub(crate) failed: u32,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} failed", self.failed, self.tried)
    }
}

impl Tally {
    /// Repeats an attempt for the time `span`, and counts.
    pub(crate) async fn count(
        span: Duration,
        pause: Duration,
        mut attempt: impl AsyncFnMut(u32) -> bool,
    ) -> Tally {
        let (start, mut tally) = (Instant::now(), Tally::default());
        while start.elapsed() < span {
            tally.failed += u32::from(!attempt(tally.tried).await);
            tally.tried += 1;
            tokio::time::sleep(pause).await;
        }
        tally
    }

    pub(crate) fn percent(self) -> f64 {
        100.0 * f64::from(self.failed) / f64::from(self.tried.max(1))
    }
}

impl std::ops::Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        Tally { tried: self.tried + other.tried, failed: self.failed + other.failed }
    }
}

/// Joins of newcomers at a member; each newcomer has its own name and address.
pub(crate) async fn joins(stage: &Stage, at: &Member, span: Duration) -> Tally {
    let to = at.address();
    Tally::count(span, Duration::from_millis(100), async |number| {
        let from = loopback(1, u8::try_from(number % 250).unwrap_or(0) + 1);
        let newcomer = stage.member(&format!("newcomer-{number}"), from).await;
        let Ok(newcomer) = newcomer else { return false };
        let join = newcomer.cluster.join([to]);
        matches!(tokio::time::timeout(Duration::from_secs(2), join).await, Ok(Ok(_)))
    })
    .await
}

/// Pings over streams, as a prober sends them if datagrams are not answered.
pub(crate) async fn stream_pings(stage: &Stage, at: &Member, span: Duration) -> Tally {
    let mut voice = stage.voice("prober", loopback(0, 9).ip_with_port(1));
    let (to, target) = (at.address(), at.name().to_owned());
    Tally::count(span, Duration::from_millis(100), async |sequence| {
        let ping = Ping { sequence, target: &target, source: "prober", reply_to: None };
        let mut inbox = StreamBuffer::default();
        let bytes = voice.stream_ping(&mut inbox, ping);
        let exchange = async {
            let mut stream = dial(loopback(0, 9), to).await?;
            stream.write_all(&bytes).await?;
            let mut buffer = [0; 4096];
            loop {
                let length = stream.read(&mut buffer).await?;
                inbox.push(&buffer[..length]);
                if length == 0 || voice.read_answer(&mut inbox).is_some() {
                    return std::io::Result::Ok(length > 0);
                }
            }
        };
        matches!(tokio::time::timeout(Duration::from_secs(1), exchange).await, Ok(Ok(true)))
    })
    .await
}

/// Sends reliable messages from one member to another.
///
/// Returns the messages that did not arrive, and how many of those were answered as delivered.
pub(crate) async fn messages(from: &Member, to: &Member, span: Duration) -> (Tally, u32) {
    let mut false_answers = 0;
    let tally = Tally::count(span, Duration::from_millis(100), async |number| {
        let payload = format!("{number:01000}");
        let sent = from.cluster.send_reliable(to.name(), payload.clone());
        let answered =
            matches!(tokio::time::timeout(Duration::from_secs(2), sent).await, Ok(Ok(())));
        let came = |it: &Member| it.count(|event| is_message(event, payload.as_bytes())) > 0;
        let arrived = to.until(Duration::from_millis(200), came).await.is_some();
        false_answers += u32::from(answered && !arrived);
        arrived
    })
    .await;
    (tally, false_answers)
}

/// Whether an event delivers this message.
pub(crate) fn is_message(event: &Event, wanted: &[u8]) -> bool {
    matches!(event, Event::Message { payload, .. } if payload[..] == *wanted)
}

/// An address with a port.
trait WithPort {
    fn ip_with_port(self, port: u16) -> std::net::SocketAddr;
}

impl WithPort for std::net::SocketAddr {
    fn ip_with_port(mut self, port: u16) -> std::net::SocketAddr {
        self.set_port(port);
        self
    }
}
