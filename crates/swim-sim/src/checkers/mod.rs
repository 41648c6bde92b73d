//! Checkers: properties that hold at every instant of a run, whatever goes wrong in it.
//!
//! A [`Checker`] watches one property: it is told of everything that a node takes in and gives out,
//! and complains at the instant at which something does not fit, not at the end. A [`World`] made
//! with [`WorldOptions::checked`](crate::WorldOptions::checked) has all of them, and
//! [`WorldOptions::check`](crate::WorldOptions::check) adds one, also one of your own. [`Answers`]
//! and [`Spin`] watch every world.
//!
//! | checker | what it watches |
//! |---|---|
//! | [`Incarnations`] | what a node believes of a member's incarnation never goes down |
//! | [`Resurrection`] | who failed, left or is suspected comes back with a higher incarnation only |
//! | [`OwnDeath`] | a node that runs never believes itself suspect, failed or gone |
//! | [`Metadata`] | a member announces one metadata per incarnation, and others believe that one |
//! | [`Limits`] | all stays within the [`Config`](swim_core::Config), and each stream ends once |
//! | [`Invariants`] | what a node holds fits together: indexes, queues, deadlines, commands |
//! | [`Answers`] | each request has one answer, and in a calm world it has come |
//! | [`Spin`] | nothing is due any more after `handle_timeout` |
//! | [`Agreement`] | the member list is what the events add up to |
//! | [`Convergence`] | in a calm world all nodes agree within [`bounds::settling`](crate::bounds::settling) |
//! | [`Genuine`] | with keys, or as long as nobody makes up news, all members were started once |
//! | [`Deliveries`] | with keys, messages arrive where they were sent to, once |
//! | [`States`] | with keys, application states that are told are those of now |
//! | [`Accusers`] | members that are held failed accuse nobody |
//! | [`Asked`] | who declares a member failed has asked it since it is suspected |
//! | [`Drawn`] | to a host of nobody go answers, no longer than their questions, and few pings |
//!
//! That they see what they should is tested with nodes that break a rule on purpose: see
//! `tests/checkers_bite.rs`.

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

/// What a checker says: nothing, or what does not fit.
pub type Verdict = Result<(), String>;

/// Watches one property of a run.
///
/// It is told what happens, in order, and answers each time whether it fits. It must not depend on
/// anything but what it is told, so that a run stays a function of its seed. Every method has a
/// default that is content.
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
    /// What it watches, in a word or two.
    fn name(&self) -> &'static str;

    /// A process started: its node knows nobody, or, if the cluster was
    /// [assembled](World::assemble), members that no event told of.
    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// The node gave out an event. It may have changed further since.
    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let _ = (by, event);
        Ok(())
    }

    /// The node gave out a datagram.
    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let _ = (by, to, payload);
        Ok(())
    }

    /// The node gave out something to do to a stream.
    fn stream_operation(&mut self, by: &Sight<'_>, id: StreamId, operation: &StreamOp) -> Verdict {
        let _ = (by, id, operation);
        Ok(())
    }

    /// The node is told about a stream; it has not yet acted on it.
    fn stream_input(&mut self, by: &Sight<'_>, id: StreamId, input: StreamInput<'_>) -> Verdict {
        let _ = (by, id, input);
        Ok(())
    }

    /// The node let a peer connect.
    fn stream_accepted(&mut self, by: &Sight<'_>, id: StreamId, from: SocketAddr) -> Verdict {
        let _ = (by, id, from);
        Ok(())
    }

    /// The node took a command that is answered later.
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

    /// The application of the node is about to give it this to send: see [`World::tell_sent`].
    fn sent(&mut self, by: &Sight<'_>, sent: &Sent<'_>) -> Verdict {
        let _ = (by, sent);
        Ok(())
    }

    /// The node was given a command, with an answer or without; its events are still to come.
    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// The node's `handle_timeout` was called with this time of its own clock.
    fn woken(&mut self, by: &Sight<'_>, now: Instant) -> Verdict {
        let _ = (by, now);
        Ok(())
    }

    /// Something was done to the node, and everything that it wanted in return was taken.
    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let _ = by;
        Ok(())
    }

    /// Somebody makes up news that nodes may believe: see [`World::inject`] and
    /// [`World::set_hostile`].
    fn forged(&mut self) {}

    /// A datagram of so many bytes that no node sent is on its way to a host. Its node may answer
    /// to this address.
    fn question(&mut self, host: usize, answered_at: SocketAddr, bytes: usize) {
        let _ = (host, answered_at, bytes);
    }

    /// Looks at the whole world, every second of its time.
    fn look(&mut self, world: &World) -> Verdict {
        let _ = world;
        Ok(())
    }
}

/// What an application gives its node to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'a> {
    /// A message in a packet, by [`Node::send`].
    Message {
        /// For whom.
        to: &'a str,
        /// What.
        payload: &'a [u8],
    },
    /// A message on a stream, by [`Node::send_reliable`].
    Reliable {
        /// For whom.
        to: &'a str,
        /// What.
        payload: &'a [u8],
    },
    /// A message to everybody, by [`Node::broadcast`] or [`Node::broadcast_keyed`].
    Broadcast {
        /// What.
        payload: &'a [u8],
    },
    /// The state that goes along with push/pulls from now on, by [`Node::set_user_state`].
    State {
        /// What.
        state: &'a [u8],
    },
}

/// A node at an instant, as a checker sees it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Sight<'a> {
    /// The world's time.
    pub at: Instant,
    /// Which host of the world: 0 for the first that was started, and so on, without gaps.
    pub host: usize,
    /// What the world calls the node; usually its name.
    pub label: &'a str,
    /// Which life of the process: 0 for the first, one more with each restart.
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

/// A complaint of a checker, kept because of
/// [`WorldOptions::keep_violations`](crate::WorldOptions::keep_violations).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The name of the checker.
    pub checker: &'static str,
    /// When, in the world's time.
    pub at: Instant,
    /// Which node gave cause for it; none where it is about the whole world.
    pub node: Option<String>,
    /// What does not fit.
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

/// What a checker knows of each host, made when it is first asked for.
fn of_host<T: Default>(hosts: &mut Vec<T>, host: usize) -> &mut T {
    if hosts.len() <= host {
        hosts.resize_with(host + 1, T::default);
    }
    &mut hosts[host]
}

/// Says what does not fit if the condition does not hold. The text is made only then.
fn expect(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}
