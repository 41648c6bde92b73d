//! The checkers of a world, their input, and their complaints.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use swim_core::wire::{IndirectPing, Message, Ping, Wire};
use swim_core::{Instant, Node, Output};

use super::{Answers, Checker, Sight, Spin, Verdict, Violation};
use crate::contents::Opener;
use crate::time::secs;
use crate::world::World;

/// The interval between looks at the whole world.
const LOOK_EVERY: Duration = secs(1);

/// A run that breaks a rule may break it in every turn. The first complaints show the problem.
const KEPT_MAX: usize = 1000;

/// The checkers of a world.
pub(crate) struct Panel {
    checkers: Vec<Box<dyn Checker>>,
    keep: bool,
    /// Reads datagrams to nodes that no node sent.
    opener: Opener,
    violations: Vec<Violation>,
    /// The next look at the whole world.
    next_look: Instant,
    /// When the user declared the world calm, if nothing was done to it since.
    calm_since: Option<Instant>,
}

impl Panel {
    /// The given checkers, and the two that watch every world.
    pub(crate) fn new(mut checkers: Vec<Box<dyn Checker>>, keep: bool) -> Self {
        let names: Vec<&str> = checkers.iter().map(|checker| checker.name()).collect();
        let (answers, spin) = (Answers::default(), Spin::default());
        let missing = [answers.name(), spin.name()].map(|name| !names.contains(&name));
        if missing[0] {
            checkers.push(Box::new(answers));
        }
        if missing[1] {
            checkers.push(Box::new(spin));
        }
        let next_look = Instant::ORIGIN + LOOK_EVERY;
        let opener = Opener::default();
        Panel { checkers, keep, opener, violations: Vec::new(), next_look, calm_since: None }
    }
}

impl fmt::Debug for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.checkers.iter().map(|checker| checker.name())).finish()
    }
}

impl World {
    /// Declares the world calm: from now on no fault is left.
    ///
    /// All running nodes know of each other, or can find each other by themselves. There is no
    /// broken or clogged link, no considerable loss, and no stalled process. Anything done to the
    /// world ends this state: a fault, a command, a [note](World::note).
    ///
    /// In a calm world the checkers expect more: see [`Convergence`](crate::checkers::Convergence)
    /// and [`Answers`](crate::checkers::Answers).
    ///
    /// ```
    /// use swim_sim::{WorldOptions, secs};
    ///
    /// let mut world = WorldOptions::new(1).checked().build();
    /// world.form(3);
    /// world.cut(&["n0"], &["n1", "n2"]);
    /// world.run(secs(60));
    /// world.heal();
    /// world.calm();
    /// world.run(secs(300));
    /// ```
    pub fn calm(&mut self) {
        self.note("calm");
        self.panel.calm_since = Some(self.now);
    }

    /// Since when the world is [calm](World::calm), if it is.
    #[must_use]
    pub fn calm_since(&self) -> Option<Instant> {
        self.panel.calm_since
    }

    /// The checkers' complaints so far, if they are [kept](crate::WorldOptions::keep_violations).
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.panel.violations
    }

    /// Ends the calm: something was done to the world.
    pub(crate) fn disturb(&mut self) {
        self.panel.calm_since = None;
    }

    /// Asks every checker about a node with a running process.
    pub(crate) fn check(
        &mut self,
        number: u32,
        mut ask: impl FnMut(&mut dyn Checker, &Sight<'_>) -> Verdict,
    ) {
        let host = &self.hosts[number as usize];
        let Some(node) = host.node() else {
            return;
        };
        let sight = Sight {
            at: self.now,
            host: number as usize,
            label: &host.label,
            life: host.life,
            node,
        };
        let mut found = Vec::new();
        for checker in &mut self.panel.checkers {
            if let Err(what) = ask(&mut **checker, &sight) {
                found.push((checker.name(), what));
            }
        }
        if !found.is_empty() {
            self.complain(Some(number), found);
        }
    }

    /// Passes a node's output to the checkers.
    pub(crate) fn check_output(&mut self, host: u32, output: &Output) {
        self.check(host, |checker, by| match output {
            Output::Packet { to, payload, .. } => checker.packet(by, *to, payload),
            Output::Stream { id, op } => checker.stream_operation(by, *id, op),
            Output::Event(event) => checker.event(by, event),
            Output::Answer { request, result } => checker.answer(by, *request, result),
        });
    }

    /// Informs the checkers that news is forged.
    pub(crate) fn check_forged(&mut self) {
        for checker in &mut self.panel.checkers {
            checker.forged();
        }
    }

    /// Informs the checkers that a node may answer a datagram that no node sent.
    pub(crate) fn check_question(&mut self, to: u32, from: SocketAddr, payload: &[u8]) {
        let mut answered_at = vec![from];
        let host = &self.hosts[to as usize];
        let config = host.node().map_or(&host.config, Node::config);
        if config.wire == Wire::Memberlist {
            // A ping may name the address for the answer.
            let _ = self.panel.opener.packet(config, payload, &mut |message| match message {
                Ok(Message::Ping(Ping { reply_to, .. }))
                | Ok(Message::IndirectPing(IndirectPing { reply_to, .. })) => {
                    answered_at.extend(reply_to);
                }
                _ => {}
            });
        }
        for checker in &mut self.panel.checkers {
            for answered_at in &answered_at {
                checker.question(to as usize, *answered_at, payload.len());
            }
        }
    }

    /// Has the checkers look at the whole world if it is time to. Looks precede the next event, and
    /// have their own time.
    pub(crate) fn look_until(&mut self, until: Instant) {
        while self.panel.next_look <= until {
            self.now = self.now.max(self.panel.next_look);
            self.panel.next_look += LOOK_EVERY;
            let mut checkers = core::mem::take(&mut self.panel.checkers);
            let mut found = Vec::new();
            for checker in &mut checkers {
                if let Err(what) = checker.look(self) {
                    found.push((checker.name(), what));
                }
            }
            self.panel.checkers = checkers;
            if !found.is_empty() {
                self.complain(None, found);
            }
        }
    }

    fn complain(&mut self, host: Option<u32>, found: Vec<(&'static str, String)>) {
        let label = host.map(|host| self.hosts[host as usize].label.clone());
        for (checker, what) in found {
            let violation = Violation { checker, at: self.now, node: label.clone(), what };
            if !self.panel.keep {
                self.fail(&violation.to_string(), None);
            }
            if self.panel.violations.len() < KEPT_MAX {
                self.panel.violations.push(violation);
            }
        }
    }
}
