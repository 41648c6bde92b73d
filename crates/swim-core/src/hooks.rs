//! What the application decides while the node works.

use core::fmt::Debug;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::address::canonical;
use crate::member::MemberRef;
use crate::wire::Half;

/// Questions that a node has to have answered at once. Everything else is an
/// [`Event`](crate::Event). Every method has a default, which changes nothing.
///
/// An adapter takes it when a node is started, and a loop of one's own gives it to
/// [`Node::with_hooks`](crate::Node::with_hooks). The answers should depend on the
/// arguments and on the application's own state alone, and not take long: the node waits.
///
/// ```
/// # use swim_core::{Config, Hooks, Instant, MemberRef, Node};
/// /// Lets in whoever says in its metadata that it belongs to this zone.
/// #[derive(Debug)]
/// struct OneZone;
///
/// impl Hooks for OneZone {
///     fn admit(&mut self, member: &MemberRef<'_>) -> bool {
///         member.meta.starts_with(b"zone=a")
///     }
/// }
/// # let config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
/// # let node = Node::with_hooks(config, Box::new(OneZone), [7; 32], Instant::ORIGIN)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Hooks: Debug + Send {
    /// Whether to take in what a member announces: when it is new, when it is back after it failed
    /// or left, and when it announces other metadata, versions or another address. What is not
    /// admitted is dropped and counted ([`DropReason::NotAdmitted`](crate::DropReason)); what was
    /// known of the member stays.
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        let _ = member;
        true
    }

    /// Whether to merge what another node sent in a push/pull, be it a join or the periodic
    /// exchange. If not, nothing of it is taken in, and a node that wanted to join is turned away.
    /// The periodic exchange begins with the sender alone; the rest follows where the views differ.
    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        let _ = merge;
        true
    }

    /// The data to send with an ack. `None` is what was set with
    /// [`Node::set_ack_payload`](crate::Node::set_ack_payload); more than
    /// [`ack_payload_size_max`](crate::Node::ack_payload_size_max) bytes are not sent.
    fn ack_payload(&mut self) -> Option<Bytes> {
        None
    }

    /// The application state to send in a push/pull. `None` is what was set with
    /// [`Node::set_user_state`](crate::Node::set_user_state); more than `user_state_size_max` bytes
    /// are not sent.
    fn local_state(&mut self, join: bool) -> Option<Bytes> {
        let _ = join;
        None
    }
}

/// The hooks of a node that is given none: every method does what its default does.
#[derive(Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {}

/// What another node sent in a push/pull. See [`Hooks::accept_merge`].
#[derive(Clone, Copy, Debug)]
pub struct Merge<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) join: bool,
    pub(crate) half: Half<'a>,
}

impl<'a> Merge<'a> {
    /// The address of the other node.
    #[must_use]
    pub fn from(&self) -> SocketAddr {
        self.from
    }

    /// Whether the exchange is a join, by either side, or periodic.
    #[must_use]
    pub fn is_join(&self) -> bool {
        self.join
    }

    /// Everybody the other node knows; on the native wire itself first.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'a>> + use<'a> {
        self.half
            .members()
            .flatten()
            .map(|member| MemberRef { address: canonical(member.address), ..member })
    }
}
