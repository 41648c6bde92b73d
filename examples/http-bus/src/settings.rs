//! Settings of a service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::{Message, PAYLOAD_SIZE_MAX, PUBLISHED_MAX, Peer};
use example_http::{ClientLimits, ServerLimits};

/// The settings of a [`Service`](crate::Service).
///
/// ```
/// use std::time::Duration;
/// use http_bus::Settings;
///
/// let mut settings = Settings::default();
/// settings.http_port = 8080;
/// settings.keep = Duration::from_secs(120);
/// settings.check()?;
/// # Ok::<(), http_bus::SettingsError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The port for HTTP, at the node's address, announced in the tag `http-port`. 0, the default,
    /// takes a free one.
    pub http_port: u16,
    /// How long a message is kept after it was accepted: for readers, and for members that join,
    /// come back, or take over from one that failed. 60 s by default. Choose more than the cluster
    /// takes to declare a member failed.
    pub keep: Duration,
    /// How many messages of its own clients a node keeps. At the limit `/publish` answers 503. 1024
    /// by default, at most [`PUBLISHED_MAX`].
    pub published_max: usize,
    /// How many messages a node keeps, including those from other members. 16,384 by default.
    /// `/publish` may fill half of it. At the limit, messages from members are refused, and offered
    /// again later.
    pub kept_max: usize,
    /// How many bytes of messages a node keeps, as with `kept_max`. 64 MiB by default.
    pub kept_bytes_max: usize,
    /// How many clients read the stream of messages at a time. Further ones are answered with 503.
    /// 128 by default, and less than `server.connections_max`: a reader keeps its connection for
    /// ever, and members need the remaining ones to hand on messages.
    pub readers_max: usize,
    /// How many readers one address may have. 64 by default, and less than
    /// `server.connections_per_address_max`, so that a member at that address gets through.
    pub readers_per_address_max: usize,
    /// Longest time for a request's body. 10 s by default.
    pub body_time_max: Duration,
    /// After how long without a message a reader is sent an empty line, which finds broken
    /// connections. 15 s by default.
    pub heartbeat: Duration,
    /// Limits on clients of the HTTP server.
    pub server: ServerLimits,
    /// Limits on the members that this node sends messages to.
    pub client: ClientLimits,
    /// A planted bug, to test the tests.
    #[doc(hidden)]
    pub flaw: Flaw,
    /// A test's observer of each message that the node takes.
    #[doc(hidden)]
    pub witness: Option<Witness>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            http_port: 0,
            keep: Duration::from_secs(60),
            published_max: 1024,
            kept_max: 16_384,
            kept_bytes_max: 64 << 20,
            readers_max: 128,
            readers_per_address_max: 64,
            body_time_max: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            server: ServerLimits::default(),
            client: ClientLimits::default(),
            flaw: Flaw::None,
            witness: None,
        }
    }
}

impl Settings {
    /// Names the first setting that cannot work.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with the setting and its limits.
    pub fn check(&self) -> Result<(), SettingsError> {
        let within = |setting, value: usize, min: usize, max: usize, why| {
            let error = SettingsError { setting, value, min, max, why };
            if (min..=max).contains(&value) { Ok(()) } else { Err(error) }
        };
        let seconds = usize::try_from(self.keep.as_secs()).unwrap_or(usize::MAX);
        let ServerLimits { connections_max, connections_per_address_max, .. } = self.server;
        let (no_publish, no_reader) = ("no message could be published", "no client could read");
        within("keep, in seconds,", seconds, 1, KEEP_SECONDS_MAX, "a second to a day is allowed")?;
        within("published_max", self.published_max, 1, PUBLISHED_MAX, no_publish)?;
        within("kept_max", self.kept_max, 2, usize::MAX, no_publish)?;
        let kept_bytes_min = 2 * PAYLOAD_SIZE_MAX;
        let why = "the largest message must fit into half of it";
        within("kept_bytes_max", self.kept_bytes_max, kept_bytes_min, usize::MAX, why)?;
        within("server.connections_max", connections_max, 2, usize::MAX, no_reader)?;
        let (name, of_address) =
            ("server.connections_per_address_max", connections_per_address_max);
        within(name, of_address, 2, usize::MAX, no_reader)?;
        let why = "allow at least one reader, and leave connections for members";
        within("readers_max", self.readers_max, 1, connections_max - 1, why)?;
        let (name, readers) = ("readers_per_address_max", self.readers_per_address_max);
        within(name, readers, 1, of_address - 1, why)?;
        let why = "HTTP needs this much";
        within("server.buffer_size_max", self.server.buffer_size_max, 8192, usize::MAX, why)?;
        within("client.buffer_size_max", self.client.buffer_size_max, 8192, usize::MAX, why)
    }
}

/// One day. The bus is not an archive: a member that was away for longer needs another source.
const KEEP_SECONDS_MAX: usize = 86_400;

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    setting: &'static str,
    value: usize,
    min: usize,
    max: usize,
    why: &'static str,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SettingsError { setting, value, min, max, why } = self;
        write!(f, "{setting} is {value}: {why}; choose ")?;
        match *max {
            usize::MAX => write!(f, "at least {min}"),
            max => write!(f, "{min} to {max}"),
        }
    }
}

impl std::error::Error for SettingsError {}

/// A planted bug that the checkers of the tests must find.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// A message is not offered to the next member when the member that took it is gone.
    FailedStaysServed,
    /// Nothing is offered to a member that joins or comes back.
    NothingForJoiners,
    /// A member that did not take a message is not tried again.
    NoRetry,
    /// Duplicates are taken.
    NoWindow,
    /// Message ids repeat in each life of a node.
    SameLife,
    /// A reader that continues misses the first message.
    ReaderSkips,
    /// An accepted message is not kept.
    AcceptsInVain,
}

/// A message that a node took.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The node, in its current life.
    pub node: Peer,
    /// The message's number in the log of the node.
    pub number: u64,
    /// The message.
    pub message: Arc<Message>,
}

/// Called with each message that a node takes.
#[doc(hidden)]
#[derive(Clone)]
pub struct Witness(pub Arc<dyn Fn(&Delivery) + Send + Sync>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}
