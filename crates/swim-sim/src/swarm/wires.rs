//! The wire that the nodes of a run speak, with seals and labels.

use core::fmt;
use core::str::FromStr;

use swim_core::wire::Wire;
use swim_core::{Config, Key, Keyring, VersionRange};

use crate::dice::Dice;
use crate::random::Draws;

/// The wire formats that the clusters of a swarm speak.
///
/// They are drawn independently of everything else that a seed decides: the cluster, its timing and
/// its faults are the same on either wire. A seed keeps the meaning that it had with one wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wires {
    /// The native wire, in the clear.
    #[default]
    Swim,
    /// Memberlist's wire; the seed decides on keys, compression and a label.
    Memberlist,
    /// Either wire; the seed decides, also on keys, compression and a label.
    Both,
}

impl Wires {
    /// The value on the command line of the program that runs seeds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Wires::Swim => "swim",
            Wires::Memberlist => "memberlist",
            Wires::Both => "both",
        }
    }

    /// Changes the configuration of a run's nodes as the seed decides.
    pub(super) fn apply(self, seed: u64, config: &mut Config) {
        if self == Wires::Swim {
            return;
        }
        let mut dice = Dice::new(seed, Draws::Wire);
        let is_memberlist = dice.one_in(2) || self == Wires::Memberlist;
        let mut changed = if is_memberlist { config.clone().memberlist() } else { config.clone() };
        changed.compression = is_memberlist && !dice.one_in(3);
        if dice.one_in(2) {
            changed.keyring = draw_keys(&mut dice, changed.wire);
        }
        if dice.one_in(3) {
            let size = dice.pick(&[1, 16, 100, 255]);
            changed.label = vec![b'l'; size].into();
        }
        if is_memberlist {
            // Version 1 is sealed differently, and below 5 there are no checksums.
            let (current, max) = (dice.pick(&[1, 2, 2, 5]), dice.pick(&[4, 5, 5, 5]));
            changed.versions.protocol = VersionRange { min: 1, max: max.max(current), current };
        }
        if !is_memberlist {
            // Drawn last, as compression came to this wire last: the other draws do not change.
            changed.compression = dice.one_in(2);
        }
        // Small packets may have too little room.
        while changed.validate().is_err() {
            match changed.packet_size_max {
                _ if changed.label.len() > 16 => changed.label.clear(),
                1400.. => unreachable!("packets of the usual size have room: {changed:?}"),
                _ => changed.packet_size_max = 1400,
            }
        }
        *config = changed;
    }
}

/// Draws one key, or two, as in a rotation that never ended.
fn draw_keys(dice: &mut Dice, wire: Wire) -> Keyring {
    let draw = |dice: &mut Dice| {
        let sizes = [16, 24, 32];
        let byte = u8::try_from(dice.below(250)).expect("below 256") + 1;
        if wire == Wire::Swim && dice.one_in(2) {
            Key::xchacha([byte; 32])
        } else {
            Key::aes(&vec![byte; dice.pick(&sizes)]).expect("one of the sizes of a key")
        }
    };
    let mut keyring = Keyring::new(draw(dice));
    if dice.one_in(3) {
        keyring.install(draw(dice)).expect("room for two keys");
    }
    keyring
}

impl fmt::Display for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Wires {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Wires::Swim, Wires::Memberlist, Wires::Both];
        let found = all.into_iter().find(|wires| wires.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of swim, memberlist and both"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::Plan;

    #[test]
    fn every_configuration_is_valid_and_has_everything_in_every_combination() {
        for wires in [Wires::Memberlist, Wires::Both] {
            let mut seen = std::collections::BTreeMap::<_, u32>::new();
            for seed in 0..4000 {
                let config = Plan::of_seed(seed, wires.into()).config;
                assert_eq!(config.validate(), Ok(()), "seed {seed}");
                let cipher = config.keyring.primary().map(|key| format!("{:?}", key.cipher()));
                let labelled = !config.label.is_empty();
                let key = (config.wire.as_str(), cipher, labelled, config.compression);
                *seen.entry(key).or_default() += 1;
            }
            // Plain or one of three ciphers (four on the native wire), by label, by compression.
            let expected = if wires == Wires::Both { 16 + 20 } else { 16 };
            assert_eq!(seen.len(), expected, "{seen:?}");
            assert!(seen.values().all(|count| *count >= 20), "{seen:?}");
        }
    }

    #[test]
    fn the_wire_changes_nothing_else_of_a_plan() {
        for seed in 0..500 {
            let (one, other) =
                (Plan::of_seed(seed, Wires::Swim.into()), Plan::of_seed(seed, Wires::Both.into()));
            assert_eq!(
                (one.nodes, one.steps, one.faults),
                (other.nodes, other.steps, other.faults)
            );
            assert_eq!(one.config.probe_interval, other.config.probe_interval);
        }
    }
}
