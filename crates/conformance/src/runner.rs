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

/// More than a case waits for anything.
const CASE_LIMIT: Duration = Duration::from_secs(90);

/// Slower cases are named. The whole suite takes less than this.
const SLOW: Duration = Duration::from_secs(15);

/// Cases mostly wait.
const THREADS: usize = 12;

/// Far more than all cases together have open.
const DESCRIPTORS: u64 = 16 << 10;

/// The whole `main` of a test without the usual harness.
///
/// Takes the arguments of every Rust test. First prints which cases do not fit a setting.
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
                // Lists are for programs, and a single case needs no overview.
                Some(_) if arguments.list || is_alone() => {}
                Some(why) => println!("not on {}: {}: {why}", setting.name(), case.name),
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Some hooks panic on purpose; the usual message would look like a failed case.
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
            // Also limits cases that wait for a node without a limit.
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

/// A thousand connections have two ends here each. Most systems give a process 1,024 descriptors,
/// and more on request.
fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let current = Some(maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS)));
        // If this fails, the case that needs it fails with the reason.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
}
