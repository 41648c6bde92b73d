//! No node spins.

use swim_core::Instant;

use super::{Checker, Sight, Verdict, expect};

/// After `handle_timeout(t)` nothing is due at `t` any more: `poll_timeout() > t`. A node that
/// still has something to do would be called again at once, and again, and never let time pass.
///
/// It watches every world.
#[derive(Debug, Default)]
pub struct Spin {}

impl Checker for Spin {
    fn name(&self) -> &'static str {
        "no spinning"
    }

    fn woken(&mut self, by: &Sight<'_>, now: Instant) -> Verdict {
        let next = by.node.poll_timeout();
        expect(next.is_none_or(|next| next > now), || {
            format!("after handle_timeout({now:?}) it wants to be woken at {next:?}")
        })
    }
}
