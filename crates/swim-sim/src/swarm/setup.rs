//! The setup of a swarm, besides its seeds.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use swim_core::Config;

use super::lasting::Lasting;
use super::wires::Wires;
use crate::dice::Dice;
use crate::hostile::{Hostile, Trick};
use crate::random::Draws;

/// The wires of a swarm's clusters, and whether there are hostile hosts and lasting faults.
///
/// Each is drawn independently of everything else that a seed decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setup {
    /// The wire formats.
    pub wires: Wires,
    /// The runs with a hostile host.
    pub hostile: Hostility,
    /// The runs with lasting faults.
    pub lasting: LastingFaults,
}

/// The runs of a swarm that have a [hostile host](crate::Hostile).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hostility {
    /// One in three, by the seed. The other runs are as they are without it.
    #[default]
    Drawn,
    /// All of them.
    Always,
    /// None of them.
    Never,
}

/// The runs of a swarm that have lasting faults.
///
/// For example, a member receives nothing for a while, or its traffic is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastingFaults {
    /// One in three, by the seed. The other runs are as they are without them.
    #[default]
    Drawn,
    /// All of them.
    Always,
    /// None of them.
    Never,
}

impl Setup {
    /// Sets which runs have a hostile host.
    #[must_use]
    pub fn hostile(mut self, hostile: Hostility) -> Self {
        self.hostile = hostile;
        self
    }

    /// Sets which runs have lasting faults.
    #[must_use]
    pub fn lasting(mut self, lasting: LastingFaults) -> Self {
        self.lasting = lasting;
        self
    }

    /// Command-line options for the program that runs seeds; empty for the default.
    pub(super) fn options(self) -> String {
        let mut options = String::new();
        if self.wires != Wires::default() {
            options += &format!(" --wire {}", self.wires);
        }
        if self.hostile != Hostility::default() {
            options += &format!(" --hostile {}", self.hostile);
        }
        if self.lasting != LastingFaults::default() {
            options += &format!(" --lasting {}", self.lasting);
        }
        options
    }
}

impl From<Wires> for Setup {
    fn from(wires: Wires) -> Self {
        Setup { wires, ..Setup::default() }
    }
}

impl Hostility {
    const ALL: [Hostility; 3] = [Hostility::Drawn, Hostility::Always, Hostility::Never];

    /// The value on the command line of the program that runs seeds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Hostility::Drawn => "drawn",
            Hostility::Always => "always",
            Hostility::Never => "never",
        }
    }

    /// The hostile host of a seed's run, if any. `lasts` is the longest time with faults.
    pub(super) fn draw(self, seed: u64, config: &Config, lasts: Duration) -> Option<Hostile> {
        const ONE_IN: usize = 3;
        /// With more acts, a run would take much longer than one without a hostile host.
        const ACTS_MAX: u32 = 400;
        let mut dice = Dice::new(seed, Draws::Hostility);
        let acts = dice.one_in(ONE_IN);
        if self == Hostility::Never || self == Hostility::Drawn && !acts {
            return None;
        }
        let sees_percent = dice.pick(&[0, 0, 10, 50, 50, 100]);
        // Some have many tricks, some few.
        let one_in = dice.pick(&[2, 3, 6]);
        let tricks: Vec<Trick> = Trick::ALL.into_iter().filter(|_| dice.one_in(one_in)).collect();
        let pause_max = config.probe_interval * dice.pick(&[1, 4, 10]) / 2;
        let pause_max = pause_max.max(lasts / ACTS_MAX);
        let hostile = Hostile::on_path().sees_percent(sees_percent).pause_max(pause_max);
        let hostile = hostile.tricks(&tricks);
        if hostile.usable().iter().any(|trick| !trick.lies_in_wait()) {
            return Some(hostile);
        }
        let one = if sees_percent > 0 { Trick::Repeat } else { Trick::Accuse };
        Some(hostile.tricks(&[one]))
    }
}

impl fmt::Display for Hostility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Hostility {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Hostility::ALL.into_iter().find(|hostile| hostile.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of drawn, always and never"))
    }
}

impl LastingFaults {
    const ALL: [LastingFaults; 3] =
        [LastingFaults::Drawn, LastingFaults::Always, LastingFaults::Never];

    /// The value on the command line of the program that runs seeds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            LastingFaults::Drawn => "drawn",
            LastingFaults::Always => "always",
            LastingFaults::Never => "never",
        }
    }

    /// The lasting faults of a seed's run, out of the possible ones.
    pub(super) fn draw(self, seed: u64, possible: impl Fn(Lasting) -> bool) -> Vec<Lasting> {
        const ONE_IN: usize = 3;
        let mut dice = Dice::new(seed, Draws::Lasting);
        let has_some = dice.one_in(ONE_IN);
        if self == LastingFaults::Never || self == LastingFaults::Drawn && !has_some {
            return Vec::new();
        }
        Lasting::draw(&mut dice, possible)
    }
}

impl fmt::Display for LastingFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LastingFaults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = LastingFaults::ALL.into_iter().find(|lasting| lasting.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of drawn, always and never"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::Plan;

    #[test]
    fn one_seed_in_three_has_a_hostile_host_and_they_differ_in_everything() {
        let plans = (0..3000).map(|seed| Plan::of_seed(seed, Setup::default()));
        let hostile: Vec<Hostile> = plans.filter_map(|plan| plan.hostile).collect();
        assert!((900..1100).contains(&hostile.len()), "{} of 3000", hostile.len());
        let off_path = hostile.iter().filter(|it| it.sees_percent == 0).count();
        assert!((200..500).contains(&off_path), "{off_path} are off the path");
        for trick in Trick::ALL {
            let having = hostile.iter().filter(|it| it.usable().contains(&trick)).count();
            assert!(having > 150, "{trick}: {having}");
        }
        let idle = |it: &&Hostile| it.usable().iter().all(|trick| trick.lies_in_wait());
        assert_eq!(hostile.iter().filter(idle).count(), 0);
    }

    #[test]
    fn a_hostile_host_changes_nothing_else_of_a_plan() {
        for seed in 0..500 {
            let [one, other] = [Hostility::Never, Hostility::Always]
                .map(|hostile| Plan::of_seed(seed, Setup::from(Wires::Both).hostile(hostile)));
            assert!(one.hostile.is_none() && other.hostile.is_some());
            assert_eq!(one.config, other.config);
            assert_eq!(
                (one.nodes, one.steps, one.faults),
                (other.nodes, other.steps, other.faults)
            );
        }
    }

    #[test]
    fn one_seed_in_three_has_faults_that_last_and_they_change_nothing_else_of_a_plan() {
        let mut having = 0;
        for seed in 0..1000 {
            let [none, drawn, some] =
                [LastingFaults::Never, LastingFaults::Drawn, LastingFaults::Always]
                    .map(|it| Plan::of_seed(seed, Setup::from(Wires::Both).lasting(it)));
            assert!(none.lasting.is_empty() && !some.lasting.is_empty());
            assert!(drawn.lasting.is_empty() || drawn.lasting == some.lasting);
            having += usize::from(!drawn.lasting.is_empty());
            assert_eq!(none.config, some.config);
            assert_eq!(
                (none.nodes, none.steps, none.faults),
                (some.nodes, some.steps, some.faults)
            );
            assert_eq!(none.hostile, some.hostile);
        }
        assert!((280..390).contains(&having), "{having} of 1000");
    }
}
