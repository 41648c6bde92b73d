use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use swim_core::{
    Answer, Config, ConnectionError, Event, Failure, Instant, Node, Output, RequestId, StreamId,
    StreamInput, StreamOp,
};

/// A flood of datagrams or connections must not stop the clock.
const INPUTS_PER_TURN_MAX: usize = 512;
/// Bytes per read; more than the longest datagram.
const READ_SIZE: usize = 64 << 10;
/// A peer that takes this much makes progress.
const PIECE_SIZE: usize = 256 << 10;
/// A peer that leaves more than this unread is closed.
const UNWRITTEN_MAX: usize = 64 << 20;

/// A node with its sockets.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) node: Node,
    /// Events that the application has not read yet.
    pub(crate) events: Vec<Event>,
    /// The results of its commands.
    pub(crate) answers: Vec<(RequestId, Result<Answer, Failure>)>,
    started: std::time::Instant,
    datagrams: UdpSocket,
    listener: TcpListener,
    /// The streams that have not ended.
    streams: BTreeMap<StreamId, Stream>,
    dialled: (Sender<Dialled>, Receiver<Dialled>),
}

type Dialled = (StreamId, io::Result<TcpStream>);

#[derive(Debug, Default)]
struct Stream {
    /// None while it is being dialled.
    socket: Option<TcpStream>,
    unwritten: VecDeque<Bytes>,
    /// The sending side is to be closed once everything is written.
    finish: bool,
    /// The peer has closed its sending side.
    heard_end: bool,
    /// The node has closed the stream: unwritten bytes have until this time.
    closing: Option<Instant>,
}

impl Member {
    /// The seed is 32 random bytes of the operating system, or fixed, to repeat a run.
    pub(crate) fn start(mut config: Config, seed: [u8; 32]) -> Result<Member, Box<dyn Error>> {
        let listener = TcpListener::bind(config.address)?;
        let datagrams = UdpSocket::bind(listener.local_addr()?)?;
        listener.set_nonblocking(true)?;
        datagrams.set_nonblocking(true)?;
        config.address = listener.local_addr()?;
        Ok(Member {
            node: Node::new(config, seed, Instant::ORIGIN)?,
            events: Vec::new(),
            answers: Vec::new(),
            started: std::time::Instant::now(),
            datagrams,
            listener,
            streams: BTreeMap::new(),
            dialled: channel(),
        })
    }

    /// How many streams have not ended.
    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The node's time: any that never goes back.
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.started.elapsed()
    }

    /// Gives the node a command.
    pub(crate) fn command<T>(&mut self, command: impl FnOnce(&mut Node, Instant) -> T) -> T {
        let now = self.now();
        let result = command(&mut self.node, now);
        self.carry_out();
        result
    }

    /// Takes what has arrived, and only then does what is due. Between two turns a loop waits for
    /// its sockets and commands, until the deadlines of the node and of closing streams at most.
    pub(crate) fn turn(&mut self) {
        let mut buffer = [0; READ_SIZE];
        for _ in 0..INPUTS_PER_TURN_MAX {
            let Ok((size, from)) = self.datagrams.recv_from(&mut buffer) else { break };
            // The time is read for each of them: round trips are measured by it.
            self.node.handle_packet(self.now(), from, &buffer[..size]);
            self.carry_out();
        }
        for _ in 0..INPUTS_PER_TURN_MAX {
            let Ok((socket, from)) = self.listener.accept() else { break };
            // A refused connection is closed as its socket is dropped.
            if socket.set_nonblocking(true).is_ok()
                && let Ok(id) = self.node.handle_accept(self.now(), from)
            {
                self.streams.insert(id, Stream { socket: Some(socket), ..Stream::default() });
            }
            self.carry_out();
        }
        while let Ok((id, result)) = self.dialled.1.try_recv() {
            // The node may have aborted the stream meanwhile.
            let Some(stream) = self.streams.get_mut(&id) else { continue };
            match result {
                Ok(socket) => {
                    stream.socket = Some(socket);
                    self.tell(id, StreamInput::Opened);
                }
                Err(error) => self.fail(id, connection_error(&error)),
            }
        }
        for id in self.streams.keys().copied().collect::<Vec<_>>() {
            if let Err(error) = self.read(id, &mut buffer).and_then(|()| self.write(id)) {
                self.fail(id, connection_error(&error));
            }
        }
        if self.node.poll_timeout().is_some_and(|due| due <= self.now()) {
            self.node.handle_timeout(self.now());
            self.carry_out();
        }
    }

    /// Carries out the outputs of the node.
    fn carry_out(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                // A datagram may be lost without a report.
                Output::Packet { to, payload, .. } => _ = self.datagrams.send_to(&payload, to),
                Output::Stream { id, op } => self.operate(id, op),
                Output::Event(event) => self.events.push(event),
                Output::Answer { request, result } => self.answers.push((request, result)),
            }
        }
    }

    fn operate(&mut self, id: StreamId, op: StreamOp) {
        let (now, timeout) = (self.now(), self.node.config().stream_timeout);
        if let StreamOp::Open { to } = op {
            self.streams.insert(id, Stream::default());
            let dialled = self.dialled.0.clone();
            // Connecting blocks here, so a thread does it. It may outlive the member.
            thread::spawn(move || _ = dialled.send((id, dial(to, timeout))));
            return;
        }
        let Some(stream) = self.streams.get_mut(&id) else { return };
        match op {
            StreamOp::Open { .. } => {}
            StreamOp::Send(mut bytes) => {
                while bytes.len() > PIECE_SIZE {
                    stream.unwritten.push_back(bytes.split_to(PIECE_SIZE));
                }
                stream.unwritten.push_back(bytes);
                let unwritten = self.streams.values().flat_map(|stream| &stream.unwritten);
                if unwritten.map(Bytes::len).sum::<usize>() > UNWRITTEN_MAX {
                    self.fail(id, ConnectionError::Local);
                }
            }
            StreamOp::Finish => stream.finish = true,
            StreamOp::Close => stream.closing = Some(now + timeout),
            // The connection is closed as its socket is dropped.
            StreamOp::Abort => _ = self.streams.remove(&id),
        }
    }

    /// Reads once, so that no stream delays another.
    fn read(&mut self, id: StreamId, buffer: &mut [u8]) -> io::Result<()> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let Some(socket) = stream.socket.as_mut().filter(|_| !stream.heard_end) else {
            return Ok(());
        };
        match unless_blocked(socket.read(buffer))? {
            Some(0) => {
                stream.heard_end = true;
                self.tell(id, StreamInput::Finished);
            }
            Some(size) => self.tell(id, StreamInput::Data(&buffer[..size])),
            None => {}
        }
        Ok(())
    }

    /// Writes what can be written, and then ends what is to end.
    fn write(&mut self, id: StreamId) -> io::Result<()> {
        let (now, timeout) = (self.now(), self.node.config().stream_timeout);
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(()) };
        let Some(socket) = &mut stream.socket else { return Ok(()) };
        while let Some(piece) = stream.unwritten.front_mut() {
            let Some(size) = unless_blocked(socket.write(piece))? else { break };
            drop(piece.split_to(size));
            if piece.is_empty() {
                stream.unwritten.pop_front();
                stream.closing = stream.closing.map(|_| now + timeout);
            }
        }
        let all_written = stream.unwritten.is_empty();
        if all_written && std::mem::take(&mut stream.finish) {
            socket.shutdown(Shutdown::Write)?;
        }
        if stream.closing.is_some_and(|until| all_written || until <= now) {
            self.streams.remove(&id);
        }
        Ok(())
    }

    fn tell(&mut self, id: StreamId, news: StreamInput<'_>) {
        self.node.handle_stream(self.now(), id, news);
        self.carry_out();
    }

    /// Ends a stream and reports it to the node.
    fn fail(&mut self, id: StreamId, error: ConnectionError) {
        self.streams.remove(&id);
        self.tell(id, StreamInput::Failed(error));
    }
}

fn dial(to: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&to, timeout)?;
    socket.set_nonblocking(true).map(|()| socket)
}

/// None where nothing can be read or written now.
fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(size) => Ok(Some(size)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

fn connection_error(error: &io::Error) -> ConnectionError {
    use ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => ConnectionError::Refused,
        Kind::HostUnreachable | Kind::NetworkUnreachable => ConnectionError::Unreachable,
        Kind::TimedOut => ConnectionError::TimedOut,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            ConnectionError::Reset
        }
        _ => ConnectionError::Local,
    }
}
