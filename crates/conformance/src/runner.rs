//! The program of a test target: all cases, on all settings of an adapter.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};

use crate::adapter::Adapter;
use crate::alone::{is_alone, run_alone};
use crate::case::Case;
use crate::cases;
use crate::scene::Scene;
use crate::setting::{Setting, Settings};
use crate::wait::within;

/// More than a case waits for any one thing.
const CASE_LIMIT: Duration = Duration::from_secs(90);

/// A case that takes longer is named: the whole suite takes less than that.
const SLOW: Duration = Duration::from_secs(15);

/// Cases wait most of the time.
const THREADS: usize = 12;

/// Far more than all cases together have open.
const DESCRIPTORS: u64 = 16 << 10;

/// The whole `main` of a test without the usual harness. Its arguments are those of every Rust
/// test; which cases are not for a setting it prints first.
#[must_use]
pub fn run<A: Adapter>(settings: Settings<A>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    raise_descriptors();
    silence_expected_panics();
    let mut trials = Vec::new();
    for setting in settings.into_settings() {
        for case in cases::all() {
            match case.unfit(&*setting) {
                None => trials.push(trial(&setting, case)),
                // A list is read by programs, and a single case is nobody's overview.
                Some(_) if arguments.list || is_alone() => {}
                Some(why) => println!("not on {}: {}: {why}", setting.name(), case.name),
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A hook that panics is a case; what the usual hook would print looks like one that fails.
fn silence_expected_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&cases::EXPECTED_PANIC) {
            usual(panic);
        }
    }));
}

fn trial(setting: &Arc<dyn Setting>, case: &'static Case) -> Trial {
    let name = format!("{}::{}", setting.name(), case.name);
    let setting = Arc::clone(setting);
    Trial::test(name.clone(), move || {
        let begun = Instant::now();
        if case.alone && !is_alone() {
            run_alone(&name);
        } else {
            let scene = Scene::new(Arc::clone(&setting));
            // Also where a case forgets to say how long it waits for a node.
            let limited = within(CASE_LIMIT, "the case ends", (case.run)(&scene));
            setting.block_on(case.threads, Box::pin(limited));
        }
        let took = begun.elapsed();
        if took > SLOW && !is_alone() {
            println!("{name} took {} s", took.as_secs());
        }
        Ok(())
    })
}

/// A thousand connections have two ends here each; most systems give a process 1,024 descriptors,
/// and more to those that ask.
fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let current = Some(maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS)));
        // Where it cannot be raised, the case that needs it fails, and says why.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
}
