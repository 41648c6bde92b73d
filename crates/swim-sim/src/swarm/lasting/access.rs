//! Keys, labels and encryption that change on a running cluster, one node after the other.

use bytes::Bytes;
use swim_core::wire::Wire;
use swim_core::{Config, Encryption, Key};

use super::{Course, Lasting, Stage};
use crate::dice::Dice;
use crate::swarm::run::Run;

/// A change in progress. Each phase passes through all nodes before the next begins, as documented.
/// A stalled process misses it.
#[derive(Debug)]
pub(super) struct Rollout {
    change: Change,
    phase: usize,
    /// The node to change next.
    next: usize,
}

#[derive(Debug)]
enum Change {
    Key(Key),
    Label(Bytes),
    Encryption,
}

impl Change {
    fn new(kind: Lasting, config: &Config, dice: &mut Dice) -> Option<Self> {
        Some(match kind {
            Lasting::NewKey => Change::Key(new_key(config, dice)),
            Lasting::NewLabel => Change::Label(new_label(config)?),
            _ => Change::Encryption,
        })
    }

    fn phases(&self) -> usize {
        match self {
            Change::Key(_) | Change::Label(_) => 3,
            Change::Encryption => 4,
        }
    }

    /// Changes a node's settings, from any phase, to those of this phase. `before` is the
    /// configuration of all nodes before the first phase.
    fn apply(&self, phase: usize, before: &Config, config: &mut Config) {
        match self {
            Change::Key(new) => {
                let ring = &mut config.keyring;
                // It is refused if it was done before.
                let _ = ring.install(new.clone());
                let old = before.keyring.primary().filter(|_| phase > 0);
                if let Some(old) = old {
                    let _ = ring.use_key(new);
                    let _ = if phase > 1 { ring.remove(old) } else { Ok(()) };
                }
            }
            Change::Label(new) => {
                let (old, new) = (before.label.clone(), new.clone());
                (config.label, config.label_also) = match phase {
                    0 => (old, Some(new)),
                    1 => (new, Some(old)),
                    _ => (new, None),
                };
            }
            Change::Encryption => {
                config.encryption = match phase {
                    0 | 2 => Encryption::Outgoing,
                    1 => Encryption::Off,
                    _ => Encryption::Required,
                };
            }
        }
    }
}

impl Run {
    pub(super) fn go_on_with_access(&mut self, course: &mut Course) {
        let now = self.world.now();
        let Stage::Rollout(rollout) = &mut course.stage else {
            let change = Change::new(course.kind, &self.plan.config, &mut course.dice);
            let Some(change) = change else { return };
            self.seen.add(course.kind.as_str(), 1);
            course.stage = Stage::Rollout(Rollout { change, phase: 0, next: 0 });
            course.due = Some(now);
            return;
        };
        let (nodes, phases) = (self.labels.len(), rollout.change.phases());
        let interval = self.plan.config.probe_interval;
        if rollout.next < nodes {
            self.change_settings(rollout, rollout.next);
            self.follow_settings(rollout.next);
            rollout.next += 1;
            let steps = u32::try_from(nodes * phases).expect("few nodes");
            let pause = (interval * 5).min(self.chaos_lasts() / steps);
            course.due = Some(now + course.dice.time(pause));
        } else {
            // Stalled processes were skipped.
            (0..nodes).for_each(|host| self.follow_settings(host));
            if rollout.phase + 1 < phases {
                (rollout.phase, rollout.next) = (rollout.phase + 1, 0);
                course.due = Some(now + course.dice.time(interval * 5));
            }
        }
    }

    /// Brings all nodes to the present phase.
    pub(super) fn catch_up(&mut self, rollout: &Rollout) {
        for host in 0..self.labels.len() {
            self.change_settings(rollout, host);
            self.follow_settings(host);
        }
    }

    /// Changes the settings for a node's next start.
    fn change_settings(&mut self, rollout: &Rollout, host: usize) {
        let config = &mut self.world.hosts[host].config;
        rollout.change.apply(rollout.phase, &self.plan.config, config);
    }

    /// Gives a running node the settings of its next start.
    fn follow_settings(&mut self, host: usize) {
        if !self.takes_commands(host) {
            return;
        }
        let label = &self.labels[host];
        let wanted = self.world.hosts[host].config.clone();
        let has = self.world.node(label).config();
        let same = has.keyring == wanted.keyring
            && has.encryption == wanted.encryption
            && (&has.label, &has.label_also) == (&wanted.label, &wanted.label_also);
        if same {
            return;
        }
        let Config { keyring, encryption, label: own, label_also, .. } = wanted;
        self.world.note(format_args!(
            "{label}: {encryption:?}, {} keys, label {own:?}, also {label_also:?}",
            keyring.keys().count()
        ));
        let done = self.world.command(label, |node, now| {
            for key in keyring.keys() {
                node.install_key(now, key.clone())?;
            }
            if let Some(key) = keyring.primary() {
                node.use_key(now, key)?;
            }
            let old: Vec<Key> = node.config().keyring.keys().cloned().collect();
            for key in old.iter().filter(|old| keyring.keys().all(|key| key != *old)) {
                node.remove_key(now, key)?;
            }
            node.set_encryption(now, encryption)?;
            node.set_label(now, own, label_also)
        });
        if let Err(error) = done {
            self.world.fail(&format!("{label} does not change: {error}"), Some(label));
        }
    }
}

/// A key that no plan and no hostile host has.
fn new_key(config: &Config, dice: &mut Dice) -> Key {
    const BYTE: u8 = 0xfe;
    let is_short = dice.one_in(2);
    if config.wire == Wire::Swim && dice.one_in(2) {
        return Key::xchacha([BYTE; 32]);
    }
    let bytes: &[u8] = if is_short { &[BYTE; 16] } else { &[BYTE; 32] };
    Key::aes(bytes).expect("one of the sizes of a key")
}

/// Another label for clusters of this configuration, if their packets have room for it.
pub(super) fn new_label(config: &Config) -> Option<Bytes> {
    let new = Bytes::from_static(b"moved");
    let moved = config.clone().with(|config| {
        config.label_also = Some(config.label.clone());
        config.label = new.clone();
    });
    moved.validate().is_ok().then_some(new)
}
