//! The state that the tasks of a service share.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_listener::Event;
use swim_driver::{RuntimeHandle, Task};

use crate::bus::{Bus, Peer};
use crate::lane;
use crate::settings::Settings;

/// The bus of a node, and the tasks that hand on its messages.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) settings: Settings,
    state: Mutex<State>,
    /// Notified when the log has a new message or the node stops. Readers wait for it.
    pub(crate) news: Event,
    /// Notified when a message was handed on, or a member or a reader is gone.
    pub(crate) progress: Event,
}

#[derive(Debug)]
struct State {
    bus: Bus,
    /// `None` once the service has ended, so that a task on another thread cannot start a new lane.
    lanes: Option<BTreeMap<Peer, Lane>>,
    /// Readers per address.
    readers: BTreeMap<IpAddr, usize>,
    is_stopping: bool,
}

/// The task that hands messages to one member.
#[derive(Debug)]
struct Lane {
    wake: Arc<Event>,
    _task: Task<()>,
}

impl State {
    fn reader_count(&self) -> usize {
        self.readers.values().sum()
    }
}

impl Shared {
    pub(crate) fn new(runtime: RuntimeHandle, settings: Settings, own: Peer) -> Self {
        let bus = Bus::new(settings.clone(), own);
        let (lanes, readers, is_stopping) = (Some(BTreeMap::new()), BTreeMap::new(), false);
        let state = Mutex::new(State { bus, lanes, readers, is_stopping });
        Shared { runtime, settings, state, news: Event::new(), progress: Event::new() }
    }

    /// Uses the bus in a way that creates no new work.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Bus) -> T) -> T {
        look(&mut self.lock().bus)
    }

    /// Changes the bus, then wakes or starts the lanes of all members that it owes messages.
    pub(crate) fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut Bus, Instant) -> T) -> T {
        let now = self.runtime.now();
        let mut state = self.lock();
        let before = state.bus.last();
        let result = change(&mut state.bus, now);
        let has_news = state.bus.last() != before;
        for (peer, address) in state.bus.targets() {
            self.serve(&mut state, peer, address);
        }
        drop(state);
        if has_news {
            self.news.notify(usize::MAX);
        }
        self.progress.notify(usize::MAX);
        result
    }

    /// Handles a live member. If its life or address is new, the old connection is closed.
    pub(crate) fn join(self: &Arc<Self>, peer: &Peer, address: SocketAddr) {
        let void = self.lock().bus.join(peer, address);
        self.end_lane(void);
    }

    pub(crate) fn part(self: &Arc<Self>, name: &str) {
        let void = self.lock().bus.part(name);
        self.end_lane(void);
    }

    fn end_lane(self: &Arc<Self>, void: Option<Peer>) {
        let lane = void.and_then(|peer| self.lock().lanes.as_mut()?.remove(&peer));
        drop(lane);
        self.change(|_, _| ());
    }

    /// Admits another reader from this address.
    ///
    /// # Errors
    ///
    /// The reason why there is no room.
    pub(crate) fn add_reader(&self, from: IpAddr) -> Result<(), String> {
        let Settings { readers_max, readers_per_address_max, .. } = self.settings;
        let mut state = self.lock();
        if state.reader_count() >= readers_max {
            return Err(format!("this node has {readers_max} readers, which is the limit"));
        }
        let of_address = state.readers.get(&from).copied().unwrap_or(0);
        if of_address >= readers_per_address_max {
            return Err(format!(
                "this node has {readers_per_address_max} readers from your address, which is the \
                 limit"
            ));
        }
        state.readers.insert(from, of_address + 1);
        Ok(())
    }

    pub(crate) fn remove_reader(&self, from: IpAddr) {
        let mut state = self.lock();
        if let Some(of_address) = state.readers.get_mut(&from) {
            *of_address -= 1;
            if *of_address == 0 {
                state.readers.remove(&from);
            }
        }
        drop(state);
        self.progress.notify(usize::MAX);
    }

    pub(crate) fn readers(&self) -> usize {
        self.lock().reader_count()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().is_stopping
    }

    /// Stops publishing, and lets readers end with a last line.
    pub(crate) fn stop(&self) {
        self.lock().is_stopping = true;
        self.news.notify(usize::MAX);
    }

    /// Resolves once each message is with another member that hands it on, or there is no such
    /// member.
    pub(crate) async fn settled(&self) {
        self.until(|state| state.bus.is_settled()).await;
    }

    /// Resolves once no reader is left.
    pub(crate) async fn read_out(&self) {
        self.until(|state| state.readers.is_empty()).await;
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let progress = self.progress.listen();
            if is_so(&self.lock()) {
                return;
            }
            progress.await;
        }
    }

    /// Ends all lanes for good. This breaks the reference cycle: the lanes hold `self`, and `self`
    /// holds them.
    pub(crate) fn end_lanes(&self) {
        let lanes = self.lock().lanes.take();
        drop(lanes);
    }

    /// Wakes the lane of this member, or starts one.
    fn serve(self: &Arc<Self>, state: &mut State, peer: Peer, address: SocketAddr) {
        let Some(lanes) = &mut state.lanes else {
            return;
        };
        if let Some(lane) = lanes.get(&peer) {
            lane.wake.notify(usize::MAX);
            return;
        }
        let wake = Arc::new(Event::new());
        let serving = lane::serve(Arc::clone(self), peer.clone(), address, Arc::clone(&wake));
        let task = self.runtime.spawn(serving);
        lanes.insert(peer, Lane { wake, _task: task });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a random time between half of `time` and `time`, so that nodes that failed together do
/// not retry together.
pub(crate) fn jittered(runtime: &RuntimeHandle, time: Duration) -> Duration {
    let half = time / 2;
    let spread = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_millis(runtime.random() % spread)
}
