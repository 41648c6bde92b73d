//! The members as the application sees them, and the subscribers to their changes.
//!
//! The node's own table belongs to its turn. Applications read this copy. A turn publishes its
//! changes and notifies subscribers under one lock, so that a snapshot and the events after it have
//! neither a gap nor an overlap.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Waker;

use swim_core::{Event, Member, MemberRef, Name, Node, State};

use crate::events::{Events, Subscriber};
use crate::options::Options;
use crate::watch::{Sighting, Watch, Watcher};

/// The part that a node shares with its handles.
#[derive(Debug)]
pub(crate) struct View {
    bound: SocketAddr,
    events_max: usize,
    events_bytes_max: usize,
    health: AtomicU8,
    settled: AtomicBool,
    published: RwLock<Published>,
}

#[derive(Debug)]
struct Published {
    /// By name, so that lists have a stable order.
    members: BTreeMap<Name, Member>,
    local: Member,
    subscribers: Vec<Subscriber>,
    watchers: Vec<Watcher>,
    stopped: bool,
}

impl View {
    pub(crate) fn local_address(&self) -> SocketAddr {
        self.bound
    }

    pub(crate) fn health(&self) -> u8 {
        self.health.load(Ordering::Relaxed)
    }

    pub(crate) fn settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    pub(crate) fn local(&self) -> Member {
        self.read().local.clone()
    }

    pub(crate) fn member(&self, name: &str) -> Option<Member> {
        self.read().members.get(name).cloned()
    }

    pub(crate) fn members(&self) -> Vec<Member> {
        self.read().members.values().cloned().collect()
    }

    pub(crate) fn state(&self, name: &str) -> Option<State> {
        self.read().members.get(name).map(|member| member.state)
    }

    pub(crate) fn member_at(&self, address: SocketAddr) -> Option<Member> {
        let published = self.read();
        let here = |member: &&Member| member.address == address;
        // Of several members with one address, prefers a live one.
        let live = published.members.values().filter(here).find(|member| member.state.is_live());
        live.or_else(|| published.members.values().find(here)).cloned()
    }

    pub(crate) fn peers_where(&self, wanted: impl Fn(&Member) -> bool) -> Vec<Member> {
        self.read().peers().filter(|peer| wanted(peer)).cloned().collect()
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.read().peers().count()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.read().members.values().filter(|member| member.state.is_live()).count()
    }

    pub(crate) fn watch(&self) -> Watch {
        let mut published = self.write();
        let (watcher, watch) = Watcher::new(published.peers());
        published.watchers.retain(Watcher::is_read);
        if published.stopped {
            // Nothing waits on it yet.
            let _ = watcher.close();
        } else {
            published.watchers.push(watcher);
        }
        watch
    }

    pub(crate) fn subscribe(&self) -> (Vec<Member>, Events) {
        self.subscribe_up_to(self.events_max, self.events_bytes_max)
    }

    /// Like [`subscribe`](View::subscribe), with other limits.
    pub(crate) fn subscribe_up_to(
        &self,
        events_max: usize,
        bytes_max: usize,
    ) -> (Vec<Member>, Events) {
        let (subscriber, events) = Subscriber::new(events_max, bytes_max);
        let mut published = self.write();
        // Here too, so that subscriptions that come and go in a quiet cluster do not pile up.
        published.subscribers.retain(Subscriber::is_read);
        if published.stopped {
            // Nothing waits on it yet.
            let _ = subscriber.close();
        } else {
            published.subscribers.push(subscriber);
        }
        (published.members.values().cloned().collect(), events)
    }

    /// A poisoned lock is safe to use: no panic under it can leave the view half changed.
    fn read(&self) -> RwLockReadGuard<'_, Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Published> {
        self.published.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node's end of a [`View`], its only writer. Dropping it ends all subscriptions.
#[derive(Debug)]
pub(crate) struct Publisher {
    view: Arc<View>,
    /// The local member as published, to detect changes without a lock.
    local: Member,
    /// Woken after the lock is released; kept for its buffer.
    wakers: Vec<Waker>,
}

impl Publisher {
    pub(crate) fn new(node: &Node, bound: SocketAddr, options: &Options) -> Self {
        let local = node.local().to_member();
        let mut members: BTreeMap<_, _> =
            node.members().map(|it| it.to_member()).map(|it| (it.name.clone(), it)).collect();
        members.insert(local.name.clone(), local.clone());
        let view = Arc::new(View {
            bound,
            events_max: options.events_max,
            events_bytes_max: options.events_bytes_max,
            health: AtomicU8::new(node.health()),
            settled: AtomicBool::new(false),
            published: RwLock::new(Published {
                members,
                local: local.clone(),
                subscribers: Vec::new(),
                watchers: Vec::new(),
                stopped: false,
            }),
        });
        Publisher { view, local, wakers: Vec::new() }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view)
    }

    /// The name of this node.
    pub(crate) fn name(&self) -> &Name {
        &self.local.name
    }

    /// Updates the view from the node, and passes on `events`, which say what changed since the
    /// last call. Takes no lock if nothing did.
    pub(crate) fn publish(&mut self, node: &Node, is_settled: bool, events: &mut Vec<Event>) {
        self.view.health.store(node.health(), Ordering::Relaxed);
        self.view.settled.store(is_settled, Ordering::Relaxed);
        let local = node.local();
        let local_changed = !is_same(&local, &self.local);
        if events.is_empty() && !local_changed {
            return;
        }
        if local_changed {
            self.local = local.to_member();
        }
        let mut published = self.view.write();
        published.watchers.retain(Watcher::is_read);
        for event in events.iter() {
            published.apply(node, event, &mut self.wakers);
        }
        if local_changed {
            published.local = self.local.clone();
            published.members.insert(self.local.name.clone(), self.local.clone());
        }
        published.subscribers.retain(Subscriber::is_read);
        for event in events.drain(..) {
            self.wakers.extend(published.subscribers.iter().filter_map(|it| it.tell(&event)));
        }
        drop(published);
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.view.settled.store(false, Ordering::Relaxed);
        let mut published = self.view.write();
        published.stopped = true;
        self.wakers.extend(published.subscribers.iter().filter_map(Subscriber::close));
        published.subscribers.clear();
        self.wakers.extend(published.watchers.iter().filter_map(Watcher::close));
        published.watchers.clear();
        drop(published);
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

impl Published {
    /// The live members without this node.
    fn peers(&self) -> impl Iterator<Item = &Member> {
        let local = &self.local.name;
        self.members.values().filter(move |it| it.state.is_live() && it.name != *local)
    }

    /// Updates the member that an event is about.
    fn apply(&mut self, node: &Node, event: &Event, wakers: &mut Vec<Waker>) {
        let (Event::Joined { member, .. }
        | Event::Updated { member, .. }
        | Event::Suspected { member, .. }
        | Event::Refuted { member, .. }
        | Event::Failed { member, .. }
        | Event::Left { member, .. }
        | Event::Unlisted { member, .. }) = event
        else {
            return;
        };
        // An unlisted member may still be remembered as evidence.
        let is_unlisted = matches!(event, Event::Unlisted { .. });
        let known = node.member(member.name.as_str()).filter(|_| !is_unlisted);
        let before = match &known {
            Some(known) => self.members.insert(member.name.clone(), known.to_member()),
            None => self.members.remove(&member.name),
        };
        if member.name == self.local.name {
            return;
        }
        let is_end = is_unlisted || matches!(event, Event::Failed { .. } | Event::Left { .. });
        let now = self.members.get(&member.name);
        let seen = Sighting { before: before.as_ref(), event: member, is_end, now };
        wakers.extend(self.watchers.iter().filter_map(|it| it.note(&seen)));
    }
}

fn is_same(known: &MemberRef<'_>, published: &Member) -> bool {
    known.address == published.address
        && known.state == published.state
        && known.incarnation == published.incarnation
        && known.versions == published.versions
        && known.meta == published.meta
}
