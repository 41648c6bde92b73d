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

/// A larger rise of the incarnation is a restart. A running member raises its own by one, to refute
/// or to change metadata; a restarted one begins with the time of its start.
const SAME_LIFE_STEP_MAX: u32 = 16;

/// A change among the live peers.
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A peer is live now and was not before.
    #[non_exhaustive]
    Joined {
        /// The peer.
        member: Member,
    },
    /// A live peer has new metadata or a new address, and is the same process as before.
    #[non_exhaustive]
    Changed {
        /// The peer as it was last reported.
        before: Member,
        /// The peer now.
        member: Member,
    },
    /// A peer has a new life, so connections and sessions with the old one are void.
    ///
    /// The peer failed or left and is back, or it restarted before any member declared it failed.
    ///
    /// Such a fast restart shows as an incarnation that rises by more than 16 at once: a running
    /// member raises its own by one at a time, and a restarted one begins with the Unix time in
    /// seconds. The restart goes unnoticed within 16 seconds of the last start, with a fixed
    /// [`Options::incarnation`](crate::Options::incarnation), and for programs on memberlist's wire
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
        /// The peer as last known. Its state says whether it failed or left.
        member: Member,
    },
}

impl Change {
    /// The peer of this change, as it is now.
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
/// The peers that are live at the start come first, each as [`Change::Joined`]. Applying the
/// changes in order to an empty list gives the live peers.
///
/// A reader may be slow and still misses no peer: everything that happens to a peer between two
/// reads becomes one change, or none if nothing differs. So the queue is bounded by the number of
/// members. This is also a [`Stream`], which ends with the node.
pub struct Watch {
    shared: Arc<Shared>,
}

impl Watch {
    /// Waits for the next change. `None` once the node is gone and all changes were read.
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

/// How one event changed a member.
#[derive(Debug)]
pub(crate) struct Sighting<'a> {
    /// The member as known before.
    pub(crate) before: Option<&'a Member>,
    /// The member as in the event.
    pub(crate) event: &'a Member,
    /// Whether the event ends its life.
    pub(crate) is_end: bool,
    /// The member after all events of the turn.
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

    /// Whether a reader still exists.
    pub(crate) fn is_read(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    /// Notes what happened to a peer. The caller must wake the waker without holding a lock.
    #[must_use]
    pub(crate) fn note(&self, seen: &Sighting<'_>) -> Option<Waker> {
        let mut state = self.shared.lock();
        if !state.note(seen) {
            return None;
        }
        state.waker.take()
    }

    /// Ends the watch once all waiting changes are read.
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
    /// A poisoned lock is safe to use: no panic under it can leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, WatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct WatchState {
    /// The live peers as the reader knows them.
    told: BTreeMap<Name, Member>,
    /// Unread news, one entry for each peer ...
    news: BTreeMap<Name, News>,
    /// ... in the order of its first news.
    order: VecDeque<Name>,
    closed: bool,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct News {
    /// The peer, if it is live.
    now: Option<Member>,
    /// The peer at the end of its latest life, if the reader has not seen that end.
    ended: Option<Member>,
    restarted: bool,
}

impl WatchState {
    /// Returns whether there is news for the reader.
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
            // Only the state or the incarnation changed, which readers do not need.
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
                // The peer came and went, or is as before.
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
