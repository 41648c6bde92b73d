//! The live peers as they come, change and go.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use swim_core::text::escape;
use swim_core::{Member, Name, State};

/// A running member raises its incarnation by one to refute, and by one to change its metadata. The
/// incarnation of a restarted one is the time of its start. More than this at once is a restart.
const SAME_LIFE_STEP_MAX: u32 = 16;

/// What changed among the live peers.
///
/// ```
/// # use swim_driver::{Change, Cluster};
/// async fn follow(cluster: &Cluster) {
///     let mut watch = cluster.watch();
///     while let Some(change) = watch.next().await {
///         match &change {
///             Change::Joined { member, .. } => println!("connect to {}", member.address),
///             Change::Gone { member, .. } => println!("disconnect from {}", member.address),
///             _ => println!("{change}"),
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A peer is live that was not.
    #[non_exhaustive]
    Joined {
        /// The peer.
        member: Member,
    },
    /// A live peer has other metadata or another address, and is the same process as before.
    #[non_exhaustive]
    Changed {
        /// The peer as it was last reported.
        before: Member,
        /// The peer now.
        member: Member,
    },
    /// A peer lives a new life: what was agreed with the old one, such as connections or sessions,
    /// is void. The peer failed or left and is back, or it restarted before anybody declared it
    /// failed.
    ///
    /// Such a fast restart shows as an incarnation that rises by more than 16 at once: a running
    /// member raises its own by one at a time, and a restarted one begins with the Unix time in
    /// seconds. It is not noticed within 16 seconds of the last start, with a fixed
    /// [`Options::incarnation`](crate::Options::incarnation), or for programs on memberlist's wire
    /// that count from one.
    #[non_exhaustive]
    Replaced {
        /// The old life as it was last reported.
        before: Member,
        /// The new life.
        member: Member,
    },
    /// A peer is no longer live.
    #[non_exhaustive]
    Gone {
        /// The peer as last known; its state says whether it failed or left.
        member: Member,
    },
}

impl Change {
    /// The peer that it is about, as it is now.
    #[must_use]
    pub fn member(&self) -> &Member {
        match self {
            Change::Joined { member }
            | Change::Changed { member, .. }
            | Change::Replaced { member, .. }
            | Change::Gone { member } => member,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Member { name, address, state, .. } = self.member();
        let name = escape(name.as_str());
        match self {
            Change::Joined { .. } => write!(f, "{name} joined at {address}"),
            Change::Changed { before, .. } if before.address != *address => {
                write!(f, "{name} moved from {} to {address}", before.address)
            }
            Change::Changed { .. } => write!(f, "{name} changed its metadata"),
            Change::Replaced { .. } => write!(f, "{name} restarted at {address}"),
            Change::Gone { .. } => match state {
                State::Left => write!(f, "{name} left"),
                _ => write!(f, "{name} failed"),
            },
        }
    }
}

/// The changes among the live peers, from [`Cluster::watch`](crate::Cluster::watch).
///
/// It begins with none: those that are live when it is made come first, each as [`Change::Joined`].
/// Applying the changes in order to a list gives the live peers.
///
/// A reader may be as slow as it likes: what happens to a peer between two reads is one change, or
/// none if nothing remains of it, and no peer is missed. So what waits is bounded by the number of
/// members. It is also a [`Stream`], which ends when the node does.
pub struct Watch {
    shared: Arc<Shared>,
}

impl Watch {
    /// Waits for the next change. `None` once the node is gone and everything before was read.
    ///
    /// # Cancel safety
    ///
    /// A dropped future loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next change, if one is waiting.
    pub fn try_next(&mut self) -> Option<Change> {
        self.shared.lock().pop()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Change>> {
        let mut state = self.shared.lock();
        if let Some(change) = state.pop() {
            return Poll::Ready(Some(change));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Stream for Watch {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.poll(context)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Watch")
            .field("live", &state.told.len())
            .field("waiting", &state.order.len())
            .finish_non_exhaustive()
    }
}

/// The node's end of a watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
}

/// What became of a member in one event.
#[derive(Debug)]
pub(crate) struct Sighting<'a> {
    /// What was known of it before.
    pub(crate) before: Option<&'a Member>,
    /// The member as the event has it.
    pub(crate) event: &'a Member,
    /// Whether the event ends its life.
    pub(crate) is_end: bool,
    /// The member as it is after all events of the turn.
    pub(crate) now: Option<&'a Member>,
}

impl Watcher {
    /// A watch that begins with these peers.
    pub(crate) fn new<'a>(live: impl Iterator<Item = &'a Member>) -> (Watcher, Watch) {
        let mut state = WatchState::default();
        for member in live {
            state.news(&member.name).now = Some(member.clone());
        }
        let shared = Arc::new(Shared { state: Mutex::new(state) });
        (Watcher { shared: Arc::clone(&shared) }, Watch { shared })
    }

    /// Whether anybody can still read this watch.
    pub(crate) fn is_read(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    /// Notes what became of a peer. The waker is for the caller to wake, without a lock held.
    #[must_use]
    pub(crate) fn note(&self, seen: &Sighting<'_>) -> Option<Waker> {
        let mut state = self.shared.lock();
        if !state.note(seen) {
            return None;
        }
        state.waker.take()
    }

    /// Ends the watch, once everything that waits is read.
    #[must_use]
    pub(crate) fn close(&self) -> Option<Waker> {
        let mut state = self.shared.lock();
        state.closed = true;
        state.waker.take()
    }
}

#[derive(Debug)]
struct Shared {
    state: Mutex<WatchState>,
}

impl Shared {
    /// No panic can happen while the lock is held that would leave the state half changed, so a
    /// poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, WatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct WatchState {
    /// The live peers as the reader knows them.
    told: BTreeMap<Name, Member>,
    /// What the reader does not know yet, of one peer each ...
    news: BTreeMap<Name, News>,
    /// ... in the order of the first news of each.
    order: VecDeque<Name>,
    closed: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct News {
    /// The peer, if it is live.
    now: Option<Member>,
    /// The peer at the end of its last life that the reader does not know of.
    ended: Option<Member>,
    restarted: bool,
}

impl WatchState {
    /// Whether there is news for the reader.
    fn note(&mut self, seen: &Sighting<'_>) -> bool {
        let name = &seen.event.name;
        let now = seen.now.filter(|member| member.state.is_live());
        let restarted = matches!((seen.before, now), (Some(before), Some(now))
            if before.state.is_live() && is_restart(before, now));
        if !seen.is_end
            && !restarted
            && !self.news.contains_key(name)
            && let (Some(told), Some(now)) = (self.told.get_mut(name), now)
            && is_same(told, now)
        {
            // Only its state or its incarnation, which the reader has no use for.
            told.clone_from(now);
            return false;
        }
        let news = self.news(name);
        news.now = now.cloned();
        news.restarted |= restarted;
        if seen.is_end {
            news.ended = Some(seen.event.clone());
        }
        true
    }

    fn news(&mut self, name: &Name) -> &mut News {
        let WatchState { news, order, .. } = self;
        news.entry(name.clone()).or_insert_with(|| {
            order.push_back(name.clone());
            News::default()
        })
    }

    fn pop(&mut self) -> Option<Change> {
        loop {
            let name = self.order.pop_front()?;
            let news = self.news.remove(&name).unwrap_or_default();
            let before = self.told.remove(&name);
            if let Some(now) = &news.now {
                self.told.insert(name, now.clone());
            }
            match (before, news.now) {
                (None, Some(member)) => return Some(Change::Joined { member }),
                (Some(before), None) => {
                    return Some(Change::Gone { member: news.ended.unwrap_or(before) });
                }
                (Some(before), Some(member)) if news.ended.is_some() || news.restarted => {
                    return Some(Change::Replaced { before, member });
                }
                (Some(before), Some(member)) if !is_same(&before, &member) => {
                    return Some(Change::Changed { before, member });
                }
                // It came and went, or is as it was.
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
    }
}

fn is_restart(before: &Member, now: &Member) -> bool {
    now.incarnation.0.saturating_sub(before.incarnation.0) > SAME_LIFE_STEP_MAX
}

fn is_same(one: &Member, other: &Member) -> bool {
    one.address == other.address && one.meta == other.meta
}

#[cfg(test)]
mod tests;
