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
    /// The port for HTTP, at the address that the node listens on. 0, the default, takes a free
    /// one. It is announced in the tag `http-port`.
    pub http_port: u16,
    /// How long a message is kept, from the moment that it was accepted: for readers, and to be
    /// offered to members that join, come back, or follow one that failed. 60 s by default. Keep it
    /// above the time that the cluster takes to declare a member failed.
    pub keep: Duration,
    /// How many messages of its own clients a node keeps. With so many `/publish` answers 503. 1024
    /// by default, at most [`PUBLISHED_MAX`].
    pub published_max: usize,
    /// How many messages a node keeps in all, those of other members included. 16,384 by default.
    /// `/publish` leaves half of it to the other members; they are refused beyond all of it, and
    /// try again.
    pub kept_max: usize,
    /// How many bytes of messages a node keeps in all; see `kept_max`. 64 MiB by default.
    pub kept_bytes_max: usize,
    /// How many clients read the stream of messages at one time. Further ones are answered with
    /// 503. 128 by default, and less than `server.connections_max`: a reader keeps its connection
    /// for ever, and the rest is for members that hand on.
    pub readers_max: usize,
    /// How many of these from one address. 64 by default, and less than
    /// `server.connections_per_address_max`, so that a member at that address gets through.
    pub readers_per_address_max: usize,
    /// How long a request's body may take. 10 s by default.
    pub body_time_max: Duration,
    /// How long a reader hears nothing before it is sent an empty line, by which a connection to
    /// nobody is found out. 15 s by default.
    pub heartbeat: Duration,
    /// Limits on what clients may take of the server.
    pub server: ServerLimits,
    /// Limits on what a member that is handed messages may take of this one.
    pub client: ClientLimits,
    /// A planted bug, for the tests of the tests.
    #[doc(hidden)]
    pub flaw: Flaw,
    /// Sees each message that the node takes, for tests.
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
        let (no_publish, no_reader) = ("no message could be published", "nobody could read");
        within("keep, in seconds,", seconds, 1, KEEP_SECONDS_MAX, "the bus is no archive")?;
        within("published_max", self.published_max, 1, PUBLISHED_MAX, no_publish)?;
        within("kept_max", self.kept_max, 2, usize::MAX, no_publish)?;
        let kept_bytes_min = 2 * PAYLOAD_SIZE_MAX;
        let why = "the largest message needs half of it";
        within("kept_bytes_max", self.kept_bytes_max, kept_bytes_min, usize::MAX, why)?;
        within("server.connections_max", connections_max, 2, usize::MAX, no_reader)?;
        let (name, of_address) =
            ("server.connections_per_address_max", connections_per_address_max);
        within(name, of_address, 2, usize::MAX, no_reader)?;
        let why = "a node needs readers, and connections that none of them has";
        within("readers_max", self.readers_max, 1, connections_max - 1, why)?;
        let (name, readers) = ("readers_per_address_max", self.readers_per_address_max);
        within(name, readers, 1, of_address - 1, why)?;
        let why = "HTTP needs as much";
        within("server.buffer_size_max", self.server.buffer_size_max, 8192, usize::MAX, why)?;
        within("client.buffer_size_max", self.client.buffer_size_max, 8192, usize::MAX, why)
    }
}

/// A day: the bus is no archive, and a member that was away for longer should ask elsewhere.
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

/// A planted bug, which the checkers of the tests have to find.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    /// None.
    #[default]
    None,
    /// A message is not offered again when the member that it was handed to is gone.
    FailedStaysServed,
    /// Nothing is offered to a member that joins or comes back.
    NothingForJoiners,
    /// A member that did not take a message is not tried again.
    NoRetry,
    /// Duplicates are taken.
    NoWindow,
    /// Every life of a node numbers its messages alike.
    SameLife,
    /// A reader that continues misses the first message.
    ReaderSkips,
    /// A message that is accepted is not kept.
    AcceptsInVain,
}

/// A message that a node took.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The node, in this life.
    pub node: Peer,
    /// Its number in the stream of the node.
    pub number: u64,
    /// The message.
    pub message: Arc<Message>,
}

/// Is told of each message that a node takes.
#[doc(hidden)]
#[derive(Clone)]
pub struct Witness(pub Arc<dyn Fn(&Delivery) + Send + Sync>);

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}
