//! Decisions of the application while the node works.

use core::fmt::Debug;
use core::net::SocketAddr;

use bytes::Bytes;

use crate::address::canonical;
use crate::member::MemberRef;
use crate::wire::Half;

/// Questions that the application answers while the node waits.
///
/// Everything else is an [`Event`](crate::Event). Each method has a default, which changes nothing.
///
/// Pass your hooks to an adapter when it starts a node, or to
/// [`Node::with_hooks`](crate::Node::with_hooks) in a loop of your own. Answer quickly, because the
/// node waits, and let the answers depend only on the arguments and the application's own state.
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
    /// Whether to accept a member's announcement: of a new member, of one that returns after it
    /// failed or left, or of other metadata, versions or another address. A refused announcement is
    /// dropped and counted ([`DropReason::NotAdmitted`](crate::DropReason)); the node keeps its
    /// earlier knowledge of the member.
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        let _ = member;
        true
    }

    /// Whether to merge the other node's half of a push/pull, periodic or in a join. If refused,
    /// none of it is used, and a joining node is turned away. A periodic exchange first has only
    /// the sender; the rest follows if the views differ.
    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        let _ = merge;
        true
    }

    /// The data to send with an ack. `None` sends the data set with
    /// [`Node::set_ack_payload`](crate::Node::set_ack_payload). Data of more than
    /// [`ack_payload_size_max`](crate::Node::ack_payload_size_max) bytes is not sent.
    fn ack_payload(&mut self) -> Option<Bytes> {
        None
    }

    /// The application state to send in a push/pull. `None` sends the state set with
    /// [`Node::set_user_state`](crate::Node::set_user_state). A state of more than
    /// `user_state_size_max` bytes is not sent.
    fn local_state(&mut self, join: bool) -> Option<Bytes> {
        let _ = join;
        None
    }
}

/// The default hooks: each method keeps its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}

/// The other node's half of a push/pull. See [`Hooks::accept_merge`].
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

    /// The members that the other node sent. On the native wire, the other node itself comes first.
    pub fn members(&self) -> impl Iterator<Item = MemberRef<'a>> + use<'a> {
        self.half
            .members()
            .flatten()
            .map(|member| MemberRef { address: canonical(member.address), ..member })
    }
}
