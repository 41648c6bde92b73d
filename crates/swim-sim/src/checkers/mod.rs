//! Checkers: properties that hold at every instant of a run, whichever faults occur.
//!
//! A [`Checker`] watches one property. It sees everything that a node takes in and gives out, and
//! complains at once when something does not fit, not at the end. A [`World`] made with
//! [`WorldOptions::checked`](crate::WorldOptions::checked) has all of them.
//! [`WorldOptions::check`](crate::WorldOptions::check) adds one, such as your own.
//! [`Answers`] and [`Spin`] watch every world.
//!
//! | checker | what it watches |
//! |---|---|
//! | [`Incarnations`] | a member's incarnation, as a node knows it, never goes down |
//! | [`Resurrection`] | a suspect, failed or departed member returns only with a higher incarnation |
//! | [`OwnDeath`] | a running node never believes itself suspect, failed or departed |
//! | [`Metadata`] | a member announces one metadata per incarnation, and peers believe that one |
//! | [`Limits`] | all stays within the [`Config`](swim_core::Config), and each stream ends once |
//! | [`Invariants`] | a node's indexes, queues, deadlines and commands are consistent |
//! | [`Answers`] | each request has one answer, and in a calm world the answer has come in time |
//! | [`Spin`] | nothing is due after `handle_timeout` |
//! | [`Agreement`] | the member list is what the events add up to |
//! | [`Convergence`] | in a calm world all nodes agree within [`bounds::settling`](crate::bounds::settling) |
//! | [`Genuine`] | with keys, or while no news is forged, all members were started once |
//! | [`Deliveries`] | with keys, messages arrive at their destination, once |
//! | [`States`] | with keys, delivered application states are current |
//! | [`Accusers`] | failed members accuse no other member |
//! | [`Asked`] | a node that declares a member failed has asked it since the suspicion began |
//! | [`Drawn`] | hosts without a node receive few pings, and no answer longer than its question |
//!
//! `tests/checkers_bite.rs` shows that each checker detects its violations: there, nodes break a
//! rule on purpose.

mod accusers;
mod agreement;
mod answers;
mod asked;
mod convergence;
mod deliveries;
mod drawn;
mod genuine;
mod incarnations;
mod invariants;
mod limits;
mod metadata;
mod own_death;
mod panel;
mod resurrection;
mod spin;
mod states;

use core::fmt;
use core::net::SocketAddr;

use swim_core::{
    Answer, Event, Failure, Instant, Node, RequestId, StreamId, StreamInput, StreamOp,
};

use crate::world::World;

pub use accusers::Accusers;
pub use agreement::Agreement;
pub use answers::Answers;
pub use asked::Asked;
pub use convergence::Convergence;
pub use deliveries::Deliveries;
pub use drawn::Drawn;
pub use genuine::Genuine;
pub use incarnations::Incarnations;
pub use invariants::Invariants;
pub use limits::Limits;
pub use metadata::Metadata;
pub use own_death::OwnDeath;
pub(crate) use panel::Panel;
pub use resurrection::Resurrection;
pub use spin::Spin;
pub use states::States;

/// The verdict of a checker: `Ok`, or a description of the violation.
pub type Verdict = Result<(), String>;

/// Watches one property of a run.
///
/// A checker sees events in order, and judges each one. It must depend on nothing but its
/// arguments, so that a run stays a function of its seed. Every method has a default that accepts.
///
/// ```
/// use swim_core::Event;
/// use swim_sim::checkers::{Checker, Sight, Verdict};
/// use swim_sim::{WorldOptions, secs};
///
/// /// Nobody ever leaves this cluster.
/// struct NobodyLeaves;
///
/// impl Checker for NobodyLeaves {
///     fn name(&self) -> &'static str {
///         "nobody leaves"
///     }
///
///     fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
///         match event {
///             Event::Left { member, .. } => Err(format!("{} left", member.name)),
///             _ => Ok(()),
///         }
///     }
/// }
///
/// let mut world = WorldOptions::new(1).check(NobodyLeaves).keep_violations().build();
/// world.form(3);
/// world.leave("n2");
/// world.run(secs(5));
/// assert_eq!(world.violations()[0].what, "n2 left");
/// ```
pub trait Checker {
    /// The watched property, in a word or two.
    fn name(&self) -> &'static str;

    /// A process started. Its node knows no members, or, if the cluster was
    /// [assembled](World::assemble), members that no event announced.
    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// The node gave out an event. The node may have changed further since.
    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let _ = (by, event);
        Ok(())
    }

    /// The node gave out a datagram.
    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let _ = (by, to, payload);
        Ok(())
    }

    /// The node gave out a stream operation.
    fn stream_operation(&mut self, by: &Sight<'_>, id: StreamId, operation: &StreamOp) -> Verdict {
        let _ = (by, id, operation);
        Ok(())
    }

    /// The node receives input on a stream, and has not yet acted on it.
    fn stream_input(&mut self, by: &Sight<'_>, id: StreamId, input: StreamInput<'_>) -> Verdict {
        let _ = (by, id, input);
        Ok(())
    }

    /// The node accepted a peer's connection.
    fn stream_accepted(&mut self, by: &Sight<'_>, id: StreamId, from: SocketAddr) -> Verdict {
        let _ = (by, id, from);
        Ok(())
    }

    /// The node took a command whose answer comes later.
    fn request(&mut self, by: &Sight<'_>, id: RequestId) -> Verdict {
        let _ = (by, id);
        Ok(())
    }

    /// The node answered a command.
    fn answer(
        &mut self,
        by: &Sight<'_>,
        id: RequestId,
        result: &Result<Answer, Failure>,
    ) -> Verdict {
        let _ = (by, id, result);
        Ok(())
    }

    /// The application is about to give its node this to send: see [`World::tell_sent`].
    fn sent(&mut self, by: &Sight<'_>, sent: &Sent<'_>) -> Verdict {
        let _ = (by, sent);
        Ok(())
    }

    /// The node was given a command, with or without an answer. Its events are still to come.
    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// The node's `handle_timeout` was called with this time of its own clock.
    fn woken(&mut self, by: &Sight<'_>, now: Instant) -> Verdict {
        let _ = (by, now);
        Ok(())
    }

    /// A turn of the node is over, and all its output was taken.
    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// News is forged that nodes may believe: see [`World::inject`] and [`World::set_hostile`].
    fn forged(&mut self) {}

    /// A datagram of `bytes` bytes that no node sent is on its way to a host. Its node may answer
    /// to `answered_at`.
    fn question(&mut self, host: usize, answered_at: SocketAddr, bytes: usize) {
        let _ = (host, answered_at, bytes);
    }

    /// Looks at the whole world, every second of virtual time.
    fn look(&mut self, world: &World) -> Verdict {
        let _ = world;
        Ok(())
    }
}

/// Something that an application gives its node to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'a> {
    /// A message in a packet, by [`Node::send`].
    Message {
        /// The receiver.
        to: &'a str,
        /// The content.
        payload: &'a [u8],
    },
    /// A message on a stream, by [`Node::send_reliable`].
    Reliable {
        /// The receiver.
        to: &'a str,
        /// The content.
        payload: &'a [u8],
    },
    /// A message to all members, by [`Node::broadcast`] or [`Node::broadcast_keyed`].
    Broadcast {
        /// The content.
        payload: &'a [u8],
    },
    /// The state sent with push/pulls from now on, by [`Node::set_user_state`].
    State {
        /// The state.
        state: &'a [u8],
    },
}

/// A node at an instant, as a checker sees it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Sight<'a> {
    /// The world's time.
    pub at: Instant,
    /// The host's number in the world: 0 for the first that was started, and so on, without gaps.
    pub host: usize,
    /// The node's name in the world, usually its member name.
    pub label: &'a str,
    /// The life of the process: 0 for the first, one more with each restart.
    pub life: u32,
    /// The node itself.
    pub node: &'a Node,
}

impl fmt::Debug for Sight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sight")
            .field("at", &self.at)
            .field("host", &self.host)
            .field("label", &self.label)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

/// A checker's complaint. See
/// [`WorldOptions::keep_violations`](crate::WorldOptions::keep_violations).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The name of the checker.
    pub checker: &'static str,
    /// The world's time of the complaint.
    pub at: Instant,
    /// The node that caused it; none if it is about the whole world.
    pub node: Option<String>,
    /// A description of the violation.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { checker, at, node, what } = self;
        write!(f, "the checker of {checker} complains at {:.3?}", at.since_origin())?;
        if let Some(node) = node {
            write!(f, " of {node}")?;
        }
        write!(f, ": {what}")
    }
}

/// All checkers of this crate.
pub(crate) fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(Incarnations::default()),
        Box::new(Resurrection::default()),
        Box::new(OwnDeath::default()),
        Box::new(Metadata::default()),
        Box::new(Limits::default()),
        Box::new(Invariants::default()),
        Box::new(Answers::default()),
        Box::new(Spin::default()),
        Box::new(Agreement::default()),
        Box::new(Convergence::default()),
        Box::new(Genuine::default()),
        Box::new(Deliveries::default()),
        Box::new(States::default()),
        Box::new(Drawn::default()),
        Box::new(Accusers::default()),
        Box::new(Asked::default()),
    ]
}

/// A checker's state for a host, created on first use.
fn of_host<T: Default>(hosts: &mut Vec<T>, host: usize) -> &mut T {
    if hosts.len() <= host {
        hosts.resize_with(host + 1, T::default);
    }
    &mut hosts[host]
}

/// Fails with a text, made only then, if the condition does not hold.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}
