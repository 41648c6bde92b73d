//! A subscriber's queue: events in order, with a mark for each gap.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use swim_core::Event;

/// One item of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Something happened.
    Event(Event),
    /// The subscriber was too slow: its queue was full, and these events are lost to it.
    ///
    /// Reported once for each gap, in place of the missing events. A gap lasts until the subscriber
    /// reads. [`Cluster::members`](crate::Cluster::members) has the current members.
    #[non_exhaustive]
    Missed {
        /// How many events are missing here.
        events: u64,
    },
}

/// The event's sentence, or how many events were missed.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Event(event) => event.fmt(f),
            Notice::Missed { events } => {
                write!(f, "missed: {events} events: the subscriber reads too slowly")
            }
        }
    }
}

/// The events of a node after [`Cluster::subscribe`](crate::Cluster::subscribe).
///
/// A subscriber that does not read costs only its queue's memory, which is bounded in number and
/// bytes. This is also a [`Stream`], which ends with the node.
///
/// ```
/// # use swim_driver::{Event, Events, Notice};
/// async fn watch(mut events: Events) {
///     while let Some(notice) = events.next().await {
///         match &notice {
///             Notice::Event(Event::Failed { member, .. }) => eprintln!("look at {}", member.name),
///             _ => println!("{notice}"),
///         }
///     }
/// }
/// ```
pub struct Events {
    queue: Arc<Queue>,
}

impl Events {
    /// Waits for the next notice. `None` once the node is gone and all notices were read.
    ///
    /// # Cancel safety
    ///
    /// A dropped future loses nothing.
    pub async fn next(&mut self) -> Option<Notice> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next notice, if one is waiting.
    pub fn try_next(&mut self) -> Option<Notice> {
        self.queue.lock().pop()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Notice>> {
        let mut state = self.queue.lock();
        if let Some(notice) = state.pop() {
            return Poll::Ready(Some(notice));
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

impl Stream for Events {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.poll(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.queue.lock();
        f.debug_struct("Events")
            .field("waiting", &state.notices.len())
            .field("missed", &state.missed)
            .finish_non_exhaustive()
    }
}

/// The node's end of a subscription.
#[derive(Debug)]
pub(crate) struct Subscriber {
    queue: Arc<Queue>,
}

impl Subscriber {
    /// A subscription for at most `events_max` waiting events with `bytes_max` bytes of payloads.
    pub(crate) fn new(events_max: usize, bytes_max: usize) -> (Subscriber, Events) {
        let queue = Arc::new(Queue {
            events_max: events_max.max(1),
            bytes_max,
            state: Mutex::new(QueueState::default()),
        });
        (Subscriber { queue: Arc::clone(&queue) }, Events { queue })
    }

    /// Whether a reader still exists.
    pub(crate) fn is_read(&self) -> bool {
        Arc::strong_count(&self.queue) > 1
    }

    /// Queues an event, or counts it as missed. The caller must wake the waker without holding a
    /// lock: waking may run any code.
    #[must_use]
    pub(crate) fn tell(&self, event: &Event) -> Option<Waker> {
        let mut state = self.queue.lock();
        let bytes = payload_size(event);
        // A gap lasts until something is read. Otherwise small events would slip in between large
        // ones that do not fit, and a subscriber that never reads would collect many gaps.
        let fits = (state.missed == 0 || state.read_since_missed)
            && state.notices.len() < self.queue.events_max
            && (state.bytes == 0 || state.bytes.saturating_add(bytes) <= self.queue.bytes_max);
        if !fits {
            state.missed += 1;
            state.read_since_missed = false;
            return None;
        }
        let missed = std::mem::take(&mut state.missed);
        if missed > 0 {
            state.notices.push_back(Notice::Missed { events: missed });
        }
        state.bytes += bytes;
        state.notices.push_back(Notice::Event(event.clone()));
        state.waker.take()
    }

    /// Ends the subscription once all waiting notices are read.
    #[must_use]
    pub(crate) fn close(&self) -> Option<Waker> {
        let mut state = self.queue.lock();
        state.closed = true;
        state.waker.take()
    }
}

#[derive(Debug)]
struct Queue {
    events_max: usize,
    bytes_max: usize,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    /// At most `events_max` events, and the marks of the gaps between them.
    notices: VecDeque<Notice>,
    /// The payloads of the waiting events.
    bytes: usize,
    /// The gap at the end of the queue. It grows until an event fits again or the gap is read.
    missed: u64,
    /// Something was read after the last missed event.
    read_since_missed: bool,
    closed: bool,
    waker: Option<Waker>,
}

impl Queue {
    /// A poisoned lock is safe to use: no panic under it can leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QueueState {
    fn pop(&mut self) -> Option<Notice> {
        self.read_since_missed = true;
        if let Some(notice) = self.notices.pop_front() {
            if let Notice::Event(event) = &notice {
                self.bytes -= payload_size(event);
            }
            return Some(notice);
        }
        let missed = std::mem::take(&mut self.missed);
        (missed > 0).then_some(Notice::Missed { events: missed })
    }
}

/// The bytes that an event carries for the application, which may be megabytes. Its other contents
/// are bounded by the number of events.
fn payload_size(event: &Event) -> usize {
    match event {
        Event::Message { payload, .. }
        | Event::Broadcast { payload, .. }
        | Event::AckPayload { payload, .. } => payload.len(),
        Event::UserState { state, .. } => state.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    fn late(by: u64) -> Event {
        Event::late(Duration::from_secs(by))
    }

    fn message(size: usize) -> Event {
        Event::message("a".parse().unwrap(), vec![0; size], true)
    }

    fn all(events: &mut Events) -> Vec<Notice> {
        std::iter::from_fn(|| events.try_next()).collect()
    }

    #[test]
    fn events_arrive_in_order() {
        let (subscriber, mut events) = Subscriber::new(8, 100);
        for by in 1..=3 {
            let _ = subscriber.tell(&late(by));
        }
        let expected: Vec<_> = (1..=3).map(|by| Notice::Event(late(by))).collect();
        assert_eq!(all(&mut events), expected);
    }

    #[test]
    fn a_gap_is_told_once_and_in_its_place() {
        let (subscriber, mut events) = Subscriber::new(2, 100);
        for by in 1..=5 {
            let _ = subscriber.tell(&late(by));
        }
        assert_eq!(events.try_next(), Some(Notice::Event(late(1))));
        let _ = subscriber.tell(&late(6));
        assert_eq!(
            all(&mut events),
            [Notice::Event(late(2)), Notice::Missed { events: 3 }, Notice::Event(late(6)),]
        );
    }

    #[test]
    fn while_nobody_reads_there_is_one_gap_whatever_would_fit_into_it() {
        let (subscriber, mut events) = Subscriber::new(8, 100);
        for size in [90, 20, 1, 20, 1] {
            let _ = subscriber.tell(&message(size));
        }
        assert_eq!(all(&mut events), [Notice::Event(message(90)), Notice::Missed { events: 4 }]);
        let _ = subscriber.tell(&message(1));
        assert_eq!(all(&mut events), [Notice::Event(message(1))]);
    }

    #[test]
    fn a_gap_at_the_end_is_told_without_waiting_for_more() {
        let (subscriber, mut events) = Subscriber::new(1, 100);
        for by in 1..=3 {
            let _ = subscriber.tell(&late(by));
        }
        assert_eq!(all(&mut events), [Notice::Event(late(1)), Notice::Missed { events: 2 }]);
    }

    #[test]
    fn payloads_are_bounded_in_bytes_but_one_always_fits() {
        let (subscriber, mut events) = Subscriber::new(8, 100);
        for size in [300, 1] {
            let _ = subscriber.tell(&message(size));
        }
        assert_eq!(all(&mut events), [Notice::Event(message(300)), Notice::Missed { events: 1 }]);
        for size in [60, 40, 1] {
            let _ = subscriber.tell(&message(size));
        }
        assert_eq!(
            all(&mut events),
            [Notice::Event(message(60)), Notice::Event(message(40)), Notice::Missed { events: 1 },]
        );
    }

    #[test]
    fn the_end_comes_after_what_was_told_before() {
        let (subscriber, mut events) = Subscriber::new(8, 100);
        let _ = subscriber.tell(&late(1));
        let _ = subscriber.close();
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(events.poll(&mut context), Poll::Ready(Some(Notice::Event(late(1)))));
        assert_eq!(events.poll(&mut context), Poll::Ready(None));
    }

    #[test]
    fn a_waiting_reader_is_woken_by_an_event_and_by_the_end() {
        #[derive(Default)]
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);

        let (subscriber, mut events) = Subscriber::new(8, 100);
        assert!(events.poll(&mut context).is_pending());
        subscriber.tell(&late(1)).unwrap().wake();
        assert!(events.poll(&mut context).is_ready());
        assert!(events.poll(&mut context).is_pending());
        subscriber.close().unwrap().wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn notices_are_sentences() {
        let told = Notice::Event(late(3)).to_string();
        assert_eq!(told, "late: this node did not run for 3.00 s: not counted against peers");
        let told = Notice::Missed { events: 7 }.to_string();
        assert_eq!(told, "missed: 7 events: the subscriber reads too slowly");
    }

    #[test]
    fn a_dropped_reader_is_noticed() {
        let (subscriber, events) = Subscriber::new(8, 100);
        assert!(subscriber.is_read());
        drop(events);
        assert!(!subscriber.is_read());
    }
}
