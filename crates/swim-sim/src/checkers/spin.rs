//! No node spins.

use swim_core::Instant;

use super::{Checker, Sight, Verdict, expect};

/// Checks that after `handle_timeout(t)` nothing is due at `t`: `poll_timeout() > t`.
///
/// A node with work still due would be called again at once, for ever, and time would not pass.
/// This checker watches every world.
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
