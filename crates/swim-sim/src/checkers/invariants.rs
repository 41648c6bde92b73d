//! What a node holds fits together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Checker, Sight, Verdict};

/// Below this many members a node is looked through after everything that is done to it: it costs
/// about as much as the turn itself.
const SMALL: usize = 32;

/// Above that it is looked through once in so many of the world's turns. It looks at every member,
/// so of 1,000 members each turn pays for the look at one.
const LOOK_ONE_IN: u32 = 1024;

/// What a node holds fits together and keeps to its limits: every index of its tables, queues and
/// streams agrees with what it indexes, each command that waits for an answer waits in one place,
/// and whatever is to happen has a time. Nodes with fewer than 32 members are looked through after
/// each turn, larger ones after one in 1,024 turns.
///
/// It asks [`Node::check_invariants`](swim_core::Node), which panics with what does not fit.
#[derive(Debug, Default)]
pub struct Invariants {
    turns: u32,
}

impl Checker for Invariants {
    fn name(&self) -> &'static str {
        "invariants"
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        self.turns = self.turns.wrapping_add(1);
        if by.node.members_live() >= SMALL && !self.turns.is_multiple_of(LOOK_ONE_IN) {
            return Ok(());
        }
        let look = AssertUnwindSafe(|| by.node.check_invariants());
        catch_unwind(look).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            text.unwrap_or_else(|| "a panic without a text".to_owned())
        })
    }
}
