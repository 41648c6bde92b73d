//! Commands to nodes, and their answers.

use core::net::SocketAddr;

use swim_core::{
    Answer, CommandError, Failure, Instant, Node, Refused, RequestId, StreamId, StreamInput,
};

use crate::checkers::Sent;
use crate::trace::Mark;
use crate::world::World;

/// A command given to a node. [`World::answer`] returns its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    host: u32,
    life: u32,
    id: RequestId,
}

impl World {
    /// Makes a node join the cluster of `contact`.
    ///
    /// # Panics
    /// If the node refuses the command. [`leave`](World::leave), [`set_meta`](World::set_meta) and
    /// the other forms of `join` panic likewise.
    #[track_caller]
    pub fn join(&mut self, name: &str, contact: &str) -> Request {
        let address = self.address(contact);
        self.join_address(name, address)
    }

    /// Makes a node join each of these contacts at once: one request each, in this order.
    #[track_caller]
    pub fn join_each(&mut self, name: &str, contacts: &[&str]) -> Vec<Request> {
        contacts.iter().map(|contact| self.join(name, contact)).collect()
    }

    /// Makes a node join through this address.
    #[track_caller]
    pub fn join_address(&mut self, name: &str, address: SocketAddr) -> Request {
        self.note(format_args!("{name} joins {address}"));
        let request = self.request(name, |node, now| node.join(now, address));
        request.unwrap_or_else(|error| panic!("{name} does not join: {error}"))
    }

    /// Makes a node leave. Its process goes on and answers pings; [`crash`](World::crash) ends it.
    #[track_caller]
    pub fn leave(&mut self, name: &str) -> Request {
        self.note(format_args!("{name} leaves"));
        let request = self.request(name, |node, now| node.leave(now));
        request.unwrap_or_else(|error| panic!("{name} does not leave: {error}"))
    }

    /// Makes a node announce new metadata.
    #[track_caller]
    pub fn set_meta(&mut self, name: &str, meta: &str) -> Request {
        self.note(format_args!("{name} announces {meta:?}"));
        let meta = bytes::Bytes::copy_from_slice(meta.as_bytes());
        let request = self.request(name, |node, now| node.set_meta(now, meta));
        request.unwrap_or_else(|error| panic!("{name} does not change its metadata: {error}"))
    }

    /// Gives a node one or more commands, and carries out its outputs.
    ///
    /// ```
    /// let mut world = swim_sim::World::new(1);
    /// world.form(3);
    /// world.command("n0", |node, now| node.send(now, "n1", b"hello"))?;
    /// # Ok::<(), swim_core::CommandError>(())
    /// ```
    ///
    /// # Panics
    /// If the node's process is down or paused, or the node is a driver.
    #[track_caller]
    pub fn command<R>(&mut self, name: &str, command: impl FnOnce(&mut Node, Instant) -> R) -> R {
        let host = self.commandable(name);
        let result = self.touch(host, command);
        self.check(host, |checker, by| checker.command(by));
        self.pump(host);
        result
    }

    /// Connects to a node from outside the world, as a stranger.
    ///
    /// Use [`bring`](World::bring) for input on the stream. The node's output on it is dropped.
    ///
    /// ```
    /// use swim_core::StreamInput;
    ///
    /// let mut world = swim_sim::World::new(1);
    /// world.form(3);
    /// let stream = world.connect("192.0.2.1:50000".parse()?, "n0")?;
    /// world.bring("n0", stream, StreamInput::Data(b"GET / HTTP/1.1"));
    /// assert!(!world.bring("n0", stream, StreamInput::Finished), "the node has hung up");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The node refuses the connection.
    ///
    /// # Panics
    /// As for [`command`](World::command).
    #[track_caller]
    pub fn connect(&mut self, from: SocketAddr, to: &str) -> Result<StreamId, Refused> {
        let host = self.commandable(to);
        let accepted = self.touch(host, |node, now| node.handle_accept(now, from));
        if let Ok(stream) = accepted {
            self.check(host, |checker, by| checker.stream_accepted(by, stream, from));
            self.hosts[host as usize].outside.insert(stream);
        }
        self.pump(host);
        accepted
    }

    /// Gives a node input on a stream from outside the world. False if the stream has ended.
    ///
    /// See [`connect`](World::connect).
    #[track_caller]
    pub fn bring(&mut self, to: &str, stream: StreamId, input: StreamInput<'_>) -> bool {
        let host = self.commandable(to);
        let outside = &mut self.hosts[host as usize].outside;
        let is_open = match input {
            StreamInput::Failed(_) => outside.remove(&stream),
            _ => outside.contains(&stream),
        };
        if is_open {
            // A stranger can send anything.
            self.check_forged();
            self.check(host, |checker, by| checker.stream_input(by, stream, input));
            self.turn(host, |node, now| node.handle_stream(now, stream, input));
        }
        is_open
    }

    /// Gives a node a command that gets an answer. See [`command`](World::command).
    ///
    /// ```
    /// use swim_sim::{World, secs};
    /// use swim_core::Answer;
    ///
    /// let mut world = World::new(1);
    /// world.form(3);
    /// let request = world.request("n0", |node, now| node.ping(now, "n1"))?;
    /// world.run(secs(1));
    /// assert!(matches!(world.answer(request), Some(Ok(Answer::Pong { .. }))));
    /// # Ok::<(), swim_core::CommandError>(())
    /// ```
    ///
    /// # Errors
    /// The node refuses the command.
    ///
    /// # Panics
    /// As for [`command`](World::command).
    #[track_caller]
    pub fn request(
        &mut self,
        name: &str,
        command: impl FnOnce(&mut Node, Instant) -> Result<RequestId, CommandError>,
    ) -> Result<Request, CommandError> {
        let host = self.commandable(name);
        let result = self.touch(host, command);
        self.check(host, |checker, by| checker.command(by));
        let known = &mut self.hosts[host as usize];
        let life = known.life;
        if let Ok(id) = result {
            // Before the outputs are carried out: the answer may be among them.
            let news = known.requests.insert((life, id), None).is_none();
            assert!(news, "{name} gave out {id:?} twice");
            self.trace.request(host, life, id);
            self.check(host, |checker, by| checker.request(by, id));
        }
        self.pump(host);
        result.map(|id| Request { host, life, id })
    }

    /// Announces the content of the node's next command or request to the checkers.
    ///
    /// They recognise it when it arrives: see [`Deliveries`](crate::checkers::Deliveries) and
    /// [`States`](crate::checkers::States). Call it before [`command`](World::command) or
    /// [`request`](World::request).
    ///
    /// ```
    /// use swim_sim::checkers::Sent;
    /// use swim_sim::{WorldOptions, secs};
    ///
    /// let mut world = WorldOptions::new(1).checked().build();
    /// world.form(3);
    /// world.tell_sent("n0", Sent::Broadcast { payload: b"hello" });
    /// world.request("n0", |node, now| node.broadcast(now, b"hello"))?;
    /// world.run(secs(5));
    /// # Ok::<(), swim_core::CommandError>(())
    /// ```
    ///
    /// # Panics
    /// If the node's process is down.
    #[track_caller]
    pub fn tell_sent(&mut self, name: &str, sent: Sent<'_>) {
        let host = self.existing(name);
        self.check(host, |checker, by| checker.sent(by, &sent));
    }

    /// Returns the answer to a request, once there is one.
    #[must_use]
    pub fn answer(&self, request: Request) -> Option<&Result<Answer, Failure>> {
        self.hosts[request.host as usize]
            .requests
            .get(&(request.life, request.id))?
            .as_ref()
            .map(|(_, result)| result)
    }

    /// Returns the answers to all commands of a host's processes, in order of arrival.
    #[must_use]
    pub fn answers(&self, name: &str) -> Vec<(Instant, &Result<Answer, Failure>)> {
        let answered = self.hosts[self.host(name) as usize].answered();
        answered.into_iter().map(|(at, _, result)| (at, result)).collect()
    }

    /// Returns the unanswered requests of running processes, with their nodes' names.
    ///
    /// Every request gets an answer, so after a calm time there should be none here. A second
    /// answer always fails the test.
    #[must_use]
    pub fn unanswered(&self) -> Vec<(&str, Request)> {
        let mut unanswered = Vec::new();
        for (number, host) in (0..).zip(&self.hosts) {
            for ((life, id), answer) in &host.requests {
                if answer.is_none() && host.process.is_some() && *life == host.life {
                    unanswered.push((&*host.label, Request { host: number, life: *life, id: *id }));
                }
            }
        }
        unanswered
    }

    #[track_caller]
    fn commandable(&mut self, name: &str) -> u32 {
        let host = self.existing(name);
        assert!(!self.is_paused(host), "{name} is paused: nobody can give it commands");
        let bare = !self.hosts[host as usize].runs_driver();
        assert!(bare, "{name} is a driver: see World::ask for what its cluster handle can do");
        self.trace.mark(self.now, host, Mark::Command);
        self.disturb();
        host
    }
}
