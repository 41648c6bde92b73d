//! Stalled processes: the ways to stall one, and the order in which it catches up.

use crate::host::Condition;
use crate::socket_queue::Waiting;
use crate::trace::Mark;
use crate::world::World;

/// The ways in which a process stalls.
///
/// Meanwhile its sockets go on collecting streams and datagrams. Above a limit
/// ([`WorldOptions::socket_buffer`](crate::WorldOptions::socket_buffer)), new datagrams are
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// It stops, as after SIGSTOP or in a suspended virtual machine. On resuming it gets all
    /// waiting input, in order of arrival, and only then its timers fire: the adapters keep this
    /// order.
    Replay,
    /// It stops. On resuming its due timers fire first, and then it gets the waiting input: as in a
    /// program that checks its timers first.
    TimersFirst,
    /// Its timers fire in time, but it neither sends nor receives. On resuming its held output
    /// leaves, in order, and then it gets the waiting input, in order. This is how the authors of
    /// [Lifeguard](https://arxiv.org/abs/1707.00788) (Dadgar, Phillips, Currey 2018) disturbed
    /// processes: each blocks before it sends and after it has received.
    HeldIo,
}

impl World {
    /// Stops a node's process, as SIGSTOP or a suspended virtual machine does: [`Stall::Replay`].
    #[track_caller]
    pub fn pause(&mut self, name: &str) {
        self.stall(name, Stall::Replay);
    }

    /// Stalls a node's process, until [`resume`](World::resume).
    ///
    /// With [`Stall::HeldIo`] it still takes commands, and their output is held, too. A driver
    /// keeps the order of its turn, so it supports only [`Stall::Replay`]; see also
    /// [`poll_driver_every`](World::poll_driver_every).
    ///
    /// # Panics
    /// If the process is down or stalled already, or a driver would stall in another way.
    #[track_caller]
    pub fn stall(&mut self, name: &str, stall: Stall) {
        let number = self.existing(name);
        assert!(!self.is_stalled(number), "{name} is paused or stalled already");
        match stall {
            Stall::Replay => self.note(format_args!("pause {name}")),
            _ => self.note(format_args!("stall {name}: {stall:?}")),
        }
        let driver = self.hosts[number as usize].runs_driver();
        // The turn of a driver decides in which order it catches up.
        assert!(!driver || stall == Stall::Replay, "{name} is a driver: pause it");
        let (condition, mark) = match stall {
            Stall::Replay => (Condition::Paused, Mark::Pause),
            Stall::TimersFirst => (Condition::Paused, Mark::StallTimersFirst),
            Stall::HeldIo => (Condition::Held, Mark::StallHeldIo),
        };
        let host = &mut self.hosts[number as usize];
        host.condition = condition;
        host.stall = Some(stall);
        self.trace.mark(self.now, number, mark);
    }

    /// Resumes a stalled process, which catches up at this instant in the order of its [`Stall`].
    ///
    /// # Panics
    /// If the process is not stalled.
    #[track_caller]
    pub fn resume(&mut self, name: &str) {
        let number = self.existing(name);
        let stall = self.hosts[number as usize].stall.take();
        let stall = stall.unwrap_or_else(|| panic!("{name} is neither paused nor stalled"));
        self.note(format_args!("resume {name}"));
        self.hosts[number as usize].condition = Condition::Running;
        self.trace.mark(self.now, number, Mark::Resume);
        if self.hosts[number as usize].runs_driver() {
            return self.call_driver(number);
        }
        match stall {
            Stall::Replay => {
                self.receive_waiting(number);
                self.fire_due(number);
            }
            Stall::TimersFirst => {
                self.fire_due(number);
                self.receive_waiting(number);
            }
            Stall::HeldIo => {
                for output in core::mem::take(&mut self.hosts[number as usize].unsent) {
                    self.carry_out(number, output);
                }
                self.receive_waiting(number);
            }
        }
    }

    pub(crate) fn is_paused(&self, host: u32) -> bool {
        self.hosts[host as usize].condition == Condition::Paused
    }

    pub(crate) fn is_stalled(&self, host: u32) -> bool {
        self.hosts[host as usize].stall.is_some()
    }

    /// Gives a process the input that waited in its sockets.
    fn receive_waiting(&mut self, host: u32) {
        while let Some(waiting) = self.hosts[host as usize].waiting.pop() {
            match waiting {
                Waiting::Packet(place) => self.deliver_packet(place),
                Waiting::Lane(id, side) => {
                    if let Some(connection) = self.connections.get_mut(id) {
                        connection.lane_mut(side).scheduled = false;
                        self.unload_lane(id, side, host);
                    }
                }
                Waiting::Written(_) | Waiting::Lookup(_) => {}
            }
        }
    }

    /// Fires the timers that fell due while the process was stopped.
    fn fire_due(&mut self, host: u32) {
        // Uses the alarm of the node's last turn: the clock may have been set since, which the node
        // does not know yet.
        let alarm = self.hosts[host as usize].alarm;
        match alarm.due() {
            Some(due) if due <= self.now => self.wake(host),
            Some(due) if !alarm.is_set() => self.set_timer(host, due),
            _ => {}
        }
    }
}
