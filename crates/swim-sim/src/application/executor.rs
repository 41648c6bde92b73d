//! Runs the tasks of one process, in the order in which they were woken.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Waker};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use std::thread::{self, ThreadId};

use swim_core::Instant;

/// The limit of polls per process and instant. More are an endless loop in which no time passes.
const POLLS_MAX: usize = 100_000;

/// A task beside a driver.
pub(crate) struct Task(pub(crate) Pin<Box<dyn Future<Output = ()>>>);

/// The origin of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The application itself: the process ends when it returns.
    Main,
    /// Spawned by the application.
    Spawned,
    /// Asked by the test.
    Asked,
}

/// The executor of one process.
#[derive(Debug)]
pub(crate) struct Executor {
    tasks: BTreeMap<u64, (Program, Option<Task>)>,
    next: u64,
    ready: Arc<Ready>,
    /// How many polls there were at this instant.
    polls: (Instant, usize),
    main_ended: bool,
}

/// The woken tasks, in order.
#[derive(Debug)]
struct Ready {
    queue: Mutex<VecDeque<u64>>,
    thread: ThreadId,
    /// Another thread woke a task: its timing is no function of the seed.
    foreign: AtomicBool,
}

impl Ready {
    fn queue(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_thread(&self) {
        if thread::current().id() != self.thread {
            self.foreign.store(true, Ordering::SeqCst);
        }
    }
}

/// Wakes one task.
struct TaskWaker {
    task: u64,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.note_thread();
        let mut queue = self.ready.queue();
        if !queue.contains(&self.task) {
            queue.push_back(self.task);
        }
    }
}

impl Executor {
    pub(crate) fn new() -> Self {
        Executor {
            tasks: BTreeMap::new(),
            next: 0,
            ready: Arc::new(Ready {
                queue: Mutex::default(),
                thread: thread::current().id(),
                foreign: AtomicBool::new(false),
            }),
            polls: (Instant::ORIGIN, 0),
            main_ended: false,
        }
    }

    /// Adds a task, which is polled at the end of this turn.
    pub(crate) fn add(&mut self, program: Program, task: Task) {
        self.next += 1;
        self.tasks.insert(self.next, (program, Some(task)));
        self.ready.queue().push_back(self.next);
    }

    /// Whether the application has returned.
    pub(crate) fn main_ended(&self) -> bool {
        self.main_ended
    }

    /// Polls the task that was woken first. False if none was.
    ///
    /// # Errors
    ///
    /// A message about the fault of the application.
    pub(crate) fn poll_next(&mut self, now: Instant) -> Result<bool, String> {
        if self.ready.foreign.load(Ordering::SeqCst) {
            return Err(
                "another thread woke a task of the application, or used its runtime. When \
                        it does so depends on the machine, so no seed would repeat this run: \
                        use RuntimeHandle::spawn instead of threads, and no other runtime"
                    .to_owned(),
            );
        }
        let Some(id) = self.ready.queue().pop_front() else {
            return Ok(false);
        };
        if self.polls.0 != now {
            self.polls = (now, 0);
        }
        self.polls.1 += 1;
        if self.polls.1 > POLLS_MAX {
            return Err(format!(
                "its application was polled {POLLS_MAX} times at one instant: something in it \
                 wakes itself without waiting for time, a message or a connection"
            ));
        }
        let Some((program, place)) = self.tasks.get_mut(&id) else {
            return Ok(true);
        };
        let program = *program;
        let Some(mut task) = place.take() else {
            return Ok(true);
        };
        let waker = Waker::from(Arc::new(TaskWaker { task: id, ready: Arc::clone(&self.ready) }));
        if task.0.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.tasks.remove(&id);
            self.main_ended |= program == Program::Main;
        } else if let Some((_, place)) = self.tasks.get_mut(&id) {
            *place = Some(task);
        }
        Ok(true)
    }

    /// Drops the tasks of the application.
    pub(crate) fn drop_application(&mut self) {
        let asked = |(_, (program, _)): &(u64, (Program, Option<Task>))| *program == Program::Asked;
        let (asked, application) = core::mem::take(&mut self.tasks).into_iter().partition(asked);
        self.tasks = asked;
        drop::<BTreeMap<_, _>>(application);
    }

    /// Polls every task once more, now that its node is gone.
    pub(crate) fn end(mut self) {
        for (_, task) in self.tasks.values_mut() {
            if let Some(task) = task {
                let _ended = task.0.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
        }
    }

    /// Returns a guard that notices other threads.
    pub(crate) fn guard(&self) -> ThreadGuard {
        ThreadGuard(Arc::clone(&self.ready))
    }
}

/// Notices use of the runtime by a thread other than the world's.
#[derive(Clone, Debug)]
pub(crate) struct ThreadGuard(Arc<Ready>);

impl ThreadGuard {
    pub(crate) fn note(&self) {
        self.0.note_thread();
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}
