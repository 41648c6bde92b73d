//! Recognises sealed messages in packets that were taken before.

use alloc::collections::BTreeMap;

use crate::member::Name;
use crate::recent::{Place, Recent};

/// How many senders are remembered: more than most clusters have members. 4,096 take half a
/// megabyte.
const SENDERS_MAX: usize = 4096;

/// Window of one sender's latest messages, in words of 64. A sender counts messages to all
/// recipients, so many can lie between two to this node. A message overtaken by more than the
/// window counts as old.
const WORDS: usize = 4;

/// Result of [`Inbox::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Repeated,
    /// Of an earlier life, or too old to tell. It is a repetition, or follows a forged message that
    /// claimed more than its sender has sent.
    Old,
    /// There is no room to remember it.
    Full,
}

/// Recognises messages that were taken before, by sender, life and sequence.
///
/// No sender is forgotten alone, because a recording could then come again. All are forgotten at
/// once, when the node takes an incarnation that no message before knows.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    senders: BTreeMap<Name, Letters>,
}

#[derive(Debug)]
struct Letters {
    life: u32,
    recent: Recent<WORDS>,
}

impl Inbox {
    pub(super) fn take(&mut self, from: &str, life: u32, sequence: u32) -> Taken {
        let Some(letters) = self.senders.get_mut(from) else {
            if self.senders.len() >= SENDERS_MAX {
                return Taken::Full;
            }
            let letters = Letters { life, recent: Recent::new(sequence) };
            self.senders.insert(Name::trusted(from), letters);
            return Taken::New;
        };
        if life > letters.life {
            *letters = Letters { life, recent: Recent::new(sequence) };
            return Taken::New;
        }
        match letters.recent.place(sequence) {
            _ if life < letters.life => Taken::Old,
            Place::Past => Taken::Old,
            Place::Seen => Taken::Repeated,
            Place::Ahead { .. } | Place::Missed => {
                letters.recent.note(sequence);
                Taken::New
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.senders.clear();
    }

    /// Asserts that it keeps to its limit.
    pub(super) fn check(&self) {
        assert!(self.senders.len() <= SENDERS_MAX, "messages of {} senders", self.senders.len());
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn messages_are_taken_once_in_any_order() {
        let mut inbox = Inbox::default();
        for sequence in [5, 3, 4, 5 + 255] {
            assert_eq!(inbox.take("a", 7, sequence), Taken::New);
            assert_eq!(inbox.take("a", 7, sequence), Taken::Repeated);
        }
        assert_eq!(inbox.take("a", 7, 4), Taken::Old, "too far below to know");
        assert_eq!(inbox.take("a", 8, 0), Taken::New, "a later life counts anew");
        assert_eq!(inbox.take("a", 7, 999), Taken::Old, "an earlier one does not");
        assert_eq!(inbox.take("b", 7, 5), Taken::New);
    }

    #[test]
    fn nobody_is_forgotten_to_make_room() {
        let mut inbox = Inbox::default();
        for number in 0..SENDERS_MAX {
            assert_eq!(inbox.take(&format!("{number}"), 7, 0), Taken::New);
        }
        assert_eq!(inbox.take("another", 7, 0), Taken::Full);
        assert_eq!(inbox.take("0", 7, 0), Taken::Repeated);
        inbox.check();
        inbox.clear();
        assert_eq!(inbox.take("another", 7, 0), Taken::New);
    }
}
