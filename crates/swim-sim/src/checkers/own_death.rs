//! Nobody believes itself dead.

use swim_core::{State, Status};

use super::{Checker, Sight, Verdict, expect};

/// A node that runs believes itself alive, and one that leaves or has left believes that it left,
/// whatever others say of it; under its own name and at its own address.
#[derive(Debug, Default)]
pub struct OwnDeath {}

impl Checker for OwnDeath {
    fn name(&self) -> &'static str {
        "own death"
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let (local, config) = (by.node.local(), by.node.config());
        let status = by.node.status();
        let expected = match status {
            Status::Running => State::Alive,
            Status::Leaving | Status::Left => State::Left,
        };
        expect(local.state == expected, || {
            format!("it is {status:?} and believes itself {}", local.state)
        })?;
        expect(local.name == config.name.as_str() && local.address == config.address, || {
            format!("it believes itself {} at {}", local.name, local.address)
        })
    }
}
