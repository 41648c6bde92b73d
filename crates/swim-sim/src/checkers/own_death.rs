//! No node believes itself dead.

use swim_core::{State, Status};

use super::{Checker, Sight, Verdict, expect};

/// Checks that a running node believes itself alive, and a leaving or departed one that it left.
///
/// Claims of peers change neither. The node keeps its own name and address.
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
