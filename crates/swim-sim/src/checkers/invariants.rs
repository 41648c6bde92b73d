//! The state of a node is consistent.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Checker, Sight, Verdict};

/// Nodes with fewer members are checked after every turn: it costs about as much as the turn
/// itself.
const SMALL: usize = 32;

/// Larger nodes are checked once in so many of the world's turns. A check visits every member, so
/// with 1,000 members each turn pays for about one.
const LOOK_ONE_IN: u32 = 1024;

/// Checks that a node's state is consistent and within its limits.
///
/// Every index of its tables, queues and streams matches its entries, each command that waits for
/// an answer waits in one place, and all pending work has a deadline. Nodes with fewer than 32
/// members are checked after each turn, larger ones after one in 1,024 turns.
///
/// It calls [`Node::check_invariants`](swim_core::Node), which panics with a description of the
/// violation.
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
