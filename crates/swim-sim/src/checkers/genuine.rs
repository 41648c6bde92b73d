//! No made-up members.

use core::net::SocketAddr;
use std::collections::BTreeSet;

use swim_core::{Event, Name};

use super::{Checker, Sight, Verdict, expect};
use crate::trace::event_member;

/// Checks that events name only members that were started, at their own addresses.
///
/// With required keys this always holds. Without, it holds as long as no news is forged.
#[derive(Debug, Default)]
pub struct Genuine {
    started: BTreeSet<(Name, SocketAddr)>,
    forged: bool,
}

impl Checker for Genuine {
    fn name(&self) -> &'static str {
        "genuine members"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let config = by.node.config();
        self.started.insert((config.name.clone(), config.address));
        Ok(())
    }

    fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
        let Some(member) = event_member(event) else {
            return Ok(());
        };
        let known = self.forged || self.started.contains(&(member.name.clone(), member.address));
        expect(known, || format!("nobody ever was {} at {}", member.name, member.address))
    }

    fn forged(&mut self) {
        self.forged = true;
    }
}
