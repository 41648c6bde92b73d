//! Clusters of memberlist members and members of this library, for each framing.
//!
//! `cargo test -p swim-interop --test mixed -- key::` runs the checks of one framing. Any other
//! part of a name works too. Two variables change the checks:
//!
//! - `SWIM_INTEROP_BOTH=go` puts memberlist on both sides: a check that fails then is itself wrong.
//!   `SWIM_INTEROP_BOTH=rust` puts this library on both sides.
//! - `SWIM_INTEROP_CROWD=20x300` sets the number of members of each side in the crowd, and the
//!   seconds for which it is watched; `4x15` by default.

mod addresses;
mod agreeing;
mod blocked;
mod crowd;
mod failing;
mod group;
mod joining;
mod messages;
mod restarting;
mod returning;
mod rotating;
mod scene;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};
use swim_interop::{Framing, Missing, Namespace, Program};

use crate::scene::{Pair, Scene};

/// The name of a check, and the check.
type Check = (&'static str, fn(&Scene));

/// The checks for every framing.
const CHECKS: &[&[Check]] =
    &[joining::CHECKS, agreeing::CHECKS, messages::CHECKS, failing::CHECKS, restarting::CHECKS];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The checks mostly wait.
    arguments.test_threads.get_or_insert(12);
    let pair = Pair::from_environment();
    // Programs read the list of tests, so it must not depend on the machine.
    let missing = if arguments.list { None } else { pair.as_ref().err() };
    if let Some(missing) = missing {
        missing.announce("everything with memberlist");
    }
    let no_network = match (&missing, arguments.list) {
        (None, false) => Namespace::new().err(),
        _ => None,
    };
    if let Some(missing) = &no_network {
        missing.announce("members whose datagrams are blocked, and ones that listen everywhere");
    }
    let mut trials = Vec::new();
    for framing in Framing::ALL {
        for (name, check) in CHECKS.iter().copied().flatten() {
            trials.push(trial(&pair, framing, name, *check));
        }
    }
    for framing in Framing::KEYED {
        for (name, check) in rotating::CHECKS {
            trials.push(trial(&pair, framing, name, *check));
        }
    }
    for (name, check) in
        crowd::CHECKS.iter().chain(returning::CHECKS).chain(rotating::CHECKS_OF_PLAIN)
    {
        trials.push(trial(&pair, Framing::Plain, name, *check));
    }
    for (name, check) in blocked::CHECKS.iter().chain(addresses::CHECKS) {
        let pair = match &no_network {
            None => pair.clone(),
            Some(missing) => Err(missing.clone()),
        };
        trials.push(trial(&pair, Framing::Plain, name, *check));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(pair: &Result<Pair, Missing>, framing: Framing, name: &str, check: fn(&Scene)) -> Trial {
    let name = format!("{framing}::{name}");
    let pair = pair.clone();
    Trial::ignorable_test(name, move || match pair {
        Ok(pair) => {
            check(&Scene::new(pair, framing));
            Ok(Completion::Completed)
        }
        Err(missing) => missing.skip(),
    })
}

impl Pair {
    fn from_environment() -> Result<Self, Missing> {
        let go = || Program::go(env!("CARGO_TARGET_TMPDIR"));
        let rust = Program::rust(env!("CARGO_BIN_EXE_rust-peer"));
        match std::env::var("SWIM_INTEROP_BOTH").as_deref() {
            Ok("go") => go().map(|go| Pair { ours: go.clone(), theirs: go }),
            Ok("rust") => Ok(Pair { ours: rust.clone(), theirs: rust }),
            Ok(other) => panic!("SWIM_INTEROP_BOTH is go or rust, not {other}"),
            Err(_) => Ok(Pair { ours: rust, theirs: go()? }),
        }
    }
}
