//! `swim simulate`: simulates a cluster of any size and settings, in virtual time.

mod arguments;
mod bar;
mod conclude;
mod json;
mod memory;
mod plot;
mod settings;
mod spec;
mod tell;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use swim_sim::simulation::{Plan, Report};

use self::arguments::Asked;
pub(crate) use self::arguments::{EXAMPLES, SimulateArgs};
use self::bar::Bar;
use self::plot::PlotFile;
pub(crate) use self::settings::SIMULATE;
#[cfg(test)]
pub(crate) use self::settings::SimulateSettings;
use crate::signal::{Received, Signals};
use crate::style::Paint;
use crate::{EXIT_FAILURE, Fatal};

/// Why printing stopped.
enum Unprinted {
    /// The reader of the pipe is gone.
    Closed,
    Failed(io::Error),
}

/// Simulates, prints the report, and returns the exit code.
pub(crate) async fn run(arguments: SimulateArgs, signals: Signals) -> Result<u8, Fatal> {
    let asked = arguments.asked()?;
    let plan = asked.plan()?;
    let plot = match &asked.settings.plot {
        Some(path) if plan.crashes() == 0 => {
            return Err(Fatal::usage(format!(
                "the plot {} shows how crashes are detected, but the simulation has no crash: add \
                 --crash 1",
                path.display()
            )));
        }
        Some(path) => Some(PlotFile::open(path).map_err(Fatal::usage)?),
        None => None,
    };
    match simulate(&asked, plan, plot, signals).await {
        Ok(code) => code,
        Err(Unprinted::Closed) => Ok(EXIT_FAILURE),
        Err(Unprinted::Failed(error)) => {
            Err(Fatal::usage(format!("cannot write to standard output: {error}")))
        }
    }
}

async fn simulate(
    asked: &Asked,
    plan: Plan,
    plot: Option<PlotFile>,
    signals: Signals,
) -> Result<Result<u8, Fatal>, Unprinted> {
    let paint = Paint::for_stdout();
    let warnings = plan.warnings();
    if !asked.settings.json {
        print(&tell::heading(paint, asked.node.profile.as_str(), &plan))?;
        print(&tell::warnings(paint, &warnings))?;
    }
    let bar = if asked.settings.json { Bar::hidden() } else { Bar::for_stderr() };
    let (report, signal) = match carry_out(plan.clone(), bar, signals).await {
        Ok(Ended::Reported(report, signal)) => (report, signal),
        Ok(Ended::Quit(signal)) => return Ok(Ok(signal.exit_code)),
        Err(fatal) => return Ok(Err(fatal)),
    };
    if asked.settings.json {
        print(&json::report(asked.node.profile.as_str(), &plan, &warnings, &report))?;
    } else {
        print(&tell::findings(paint, &report))?;
        print(&tell::conclusions(paint, &conclude::conclusions(&plan, &report, &warnings)))?;
    }
    if let Some(plot) = plot
        && let Err(error) = plot.draw(&plan, &report)
    {
        return Ok(Err(Fatal::failure(error)));
    }
    Ok(Ok(signal.map_or(0, |signal| signal.exit_code)))
}

/// How a simulation ended.
enum Ended {
    /// With a report, also after a first signal.
    Reported(Box<Report>, Option<Received>),
    /// At once, after a second signal.
    Quit(Received),
}

async fn carry_out(plan: Plan, mut bar: Bar, mut signals: Signals) -> Result<Ended, Fatal> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let mut simulation = tokio::task::spawn_blocking(move || {
        let report = plan.run(|progress| {
            bar.show(progress);
            match stopped.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        bar.clear();
        report
    });
    let mut received = None;
    loop {
        tokio::select! {
            ended = &mut simulation => {
                let report = ended.map_err(|error| Fatal::failure(format!(
                    "the simulation crashed; please report this bug: {error}"
                )))?;
                let report = report.map_err(|error| Fatal::usage(error.to_string()))?;
                // The exit code reports a signal even if it came after the last run.
                return Ok(Ended::Reported(Box::new(report), received));
            }
            signal = signals.next() => {
                if received.is_some() {
                    return Ok(Ended::Quit(signal));
                }
                received = Some(signal);
                stop.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// Prints text and a line break. Prints nothing for an empty text.
fn print(text: &str) -> Result<(), Unprinted> {
    if text.is_empty() {
        return Ok(());
    }
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Unprinted::Closed,
        _ => Unprinted::Failed(error),
    })
}
