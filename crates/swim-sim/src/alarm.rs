//! The alarm of a host: when its node wants to be woken, and by which timer.

use swim_core::Instant;

/// A host's alarm. Most deadlines move many times before they are reached. So a timer stays in the
/// queue when its deadline moves to a later time, and is set again only when it fires.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    /// When, in the world's time; read from the node after each turn.
    due: Option<Instant>,
    /// When the current timer fires: at `due` or before.
    set: Option<Instant>,
    /// Distinguishes the current timer from earlier ones.
    generation: u32,
}

impl Alarm {
    /// Notes when the node wants to be woken. Returns the time for a new timer, unless the current
    /// one fires early enough.
    pub(crate) fn expect(&mut self, due: Option<Instant>) -> Option<Instant> {
        self.due = due;
        due.filter(|due| self.set.is_none_or(|set| *due < set))
    }

    /// Replaces the current timer. Returns the generation of the new one.
    pub(crate) fn set(&mut self, at: Instant) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.set = Some(at);
        self.generation
    }

    /// Notes that a timer fires. False if it is not the current one.
    pub(crate) fn fires(&mut self, generation: u32) -> bool {
        let is_current = generation == self.generation;
        if is_current {
            self.set = None;
        }
        is_current
    }

    /// Cancels the alarm, and every timer set for it.
    pub(crate) fn cancel(&mut self) {
        *self = Alarm { generation: self.generation.wrapping_add(1), ..Alarm::default() };
    }

    /// When the node wants to be woken.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a timer is going to fire.
    pub(crate) fn is_set(&self) -> bool {
        self.set.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_timer_that_fires_before_the_deadline_is_kept() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.expect(Some(at(5))), Some(at(5)));
        let timer = alarm.set(at(5));
        assert_eq!(alarm.expect(Some(at(9))), None, "it is set again when it fires");
        assert_eq!(alarm.expect(None), None);
        assert_eq!(alarm.expect(Some(at(3))), Some(at(3)), "it would be late");
        let earlier = alarm.set(at(3));
        assert!(!alarm.fires(timer), "another was set in its place");
        assert!(alarm.is_set() && alarm.fires(earlier) && !alarm.is_set());
    }

    #[test]
    fn no_timer_of_a_process_wakes_the_next_one() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.expect(Some(at(5))), Some(at(5)));
        let timer = alarm.set(at(5));
        alarm.cancel();
        assert!(!alarm.fires(timer));
        assert_eq!((alarm.due(), alarm.is_set()), (None, false));
    }
}
