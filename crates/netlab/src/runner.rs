//! Runs cases side by side, and reports their results.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::broken::Broken;
use crate::cases::Case;
use crate::cli::Run;
use crate::error::Error;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::stop::{EXIT_CODE, Stop};
use crate::swim;

/// The result of a case.
#[derive(Debug)]
struct Outcome {
    case: &'static Case,
    took: Duration,
    result: Result<Figures, Broken>,
}

/// Runs the chosen cases.
pub(crate) fn run(run: &Run) -> Result<ExitCode, Error> {
    let chosen = run.chosen().map_err(Error::new)?;
    let swim = match &run.swim {
        Some(swim) => absolute(swim)?,
        None => swim::beside_this_program()?,
    };
    let setup = Setup {
        seed: run.seed,
        swim,
        arguments: run.agent_argument.clone(),
        logs: run.logs.clone(),
        stop: Stop::on_signals()?,
    };
    let began = Instant::now();
    let (mut held, mut broken, mut impossible) = (0, 0, 0);
    side_by_side(&chosen, run.jobs.get(), &setup, |outcome| {
        match &outcome.result {
            Ok(_) => held += 1,
            Err(Broken::Oracle(_)) => broken += 1,
            Err(Broken::Lab(_)) => impossible += 1,
            Err(Broken::Interrupted) => {}
        }
        println!("{}", outcome.tell(setup.seed, run.json));
    });
    if !run.json {
        let took = began.elapsed().as_secs();
        println!("{held} hold, {broken} are broken, {impossible} could not run; {took} s");
    }
    Ok(match (setup.stop.is_asked(), broken, impossible) {
        (true, ..) => ExitCode::from(EXIT_CODE),
        (false, 0, 0) => ExitCode::SUCCESS,
        (false, 0, _) => ExitCode::from(2),
        (false, ..) => ExitCode::FAILURE,
    })
}

fn absolute(swim: &Path) -> Result<PathBuf, Error> {
    swim.canonicalize().map_err(|error| Error::new(format!("--swim {}: {error}", swim.display())))
}

/// Runs `jobs` cases at a time, in their order, and reports each result at once.
fn side_by_side(
    cases: &[&'static Case],
    jobs: usize,
    setup: &Setup,
    mut tell: impl FnMut(Outcome),
) {
    let waiting: Mutex<VecDeque<&'static Case>> = Mutex::new(cases.iter().copied().collect());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let (sender, outcomes) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some(case) = next() {
                    let began = Instant::now();
                    let result = (case.run)(setup);
                    let outcome = Outcome { case, took: began.elapsed(), result };
                    if sender.send(outcome).is_err() || setup.stop.is_asked() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        outcomes.iter().for_each(&mut tell);
    });
}

impl Outcome {
    fn tell(&self, seed: u64, as_json: bool) -> String {
        let (verdict, why) = match &self.result {
            Ok(_) => ("holds", None),
            Err(broken @ Broken::Oracle(_)) => ("broken", Some(broken.to_string())),
            Err(broken @ Broken::Lab(_)) => ("impossible", Some(broken.to_string())),
            Err(Broken::Interrupted) => ("stopped", Some("before it ended".into())),
        };
        let took = self.took.as_secs_f64();
        if as_json {
            let figures = self.result.as_ref().map(Figures::to_json).unwrap_or_default();
            let took = (took * 10.0).round() / 10.0;
            return json!({
                "case": self.case.name, "seed": seed, "verdict": verdict, "why": why,
                "took_s": took, "figures": figures,
            })
            .to_string();
        }
        let figures = self.result.as_ref().map(ToString::to_string).unwrap_or_default();
        let told = why.unwrap_or(figures);
        format!("{:15} {verdict:10} {took:6.1} s  {told}", self.case.name)
    }
}
