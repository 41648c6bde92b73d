//! Leftovers of a killed lab.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::cases::Case;
use crate::error::Error;
use crate::figures::Figures;
use crate::lab::Lab;
use crate::namespace::{FOLDER, processes_in};
use crate::setup::Setup;

pub(crate) const REMOVED: Case = Case {
    name: "leftovers",
    about: "a lab with a program on each of two hosts is killed while another lab runs",
    oracle: "the next lab removes the killed lab's namespaces and programs, but not the running \
             lab; that one removes itself when it ends",
    run: removed,
};

/// The time for a killed process to end.
const GONE: Duration = Duration::from_secs(10);

fn removed(setup: &Setup) -> Result<Figures, Broken> {
    let running = Lab::new(1, setup.seed)?;
    let killed = killed_lab()?;
    let mut programs = Vec::new();
    for name in &killed {
        // Another case may have removed it already.
        programs.extend(processes_in(name).unwrap_or_default());
    }
    drop(Lab::new(1, setup.seed)?);
    if let Some(name) = killed.iter().find(|name| Path::new(FOLDER).join(name).exists()) {
        return Err(Broken::oracle(format!("{name} of a killed lab is still there")));
    }
    let begin = Instant::now();
    while let Some(process) = programs.iter().find(|&&process| runs(process)) {
        if begin.elapsed() > GONE {
            return Err(Broken::oracle(format!("process {process} of a killed lab still runs")));
        }
        std::thread::yield_now();
    }
    let path = running.host(0).namespace().path();
    if !path.exists() {
        return Err(Broken::oracle("the running lab was removed"));
    }
    drop(running);
    if path.exists() {
        return Err(Broken::oracle("an ended lab is still there"));
    }
    Ok(Figures::default())
}

/// Starts a lab as a user does, kills it, and returns the names of its namespaces.
fn killed_lab() -> Result<Vec<String>, Broken> {
    const HOSTS: usize = 2;
    let failed = |error: std::io::Error| {
        Broken::Lab(Error::refused("starting a second lab", &error.to_string()))
    };
    let mut lab = Command::new(std::env::current_exe().map_err(failed)?)
        .args(["lab", "--nodes", &HOSTS.to_string(), "--", "sleep", "60"])
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stderr = lab.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines());
    let name = |line: std::io::Result<String>| {
        let line = line.ok()?;
        let (_, rest) = line.split_once("ip netns exec ")?;
        rest.split(' ').next().map(str::to_owned)
    };
    let names: Vec<String> = stderr.filter_map(name).take(HOSTS).collect();
    lab.kill().and_then(|()| lab.wait()).map_err(failed)?;
    if names.len() < HOSTS {
        return Err(Broken::oracle("a second lab does not print the names of its namespaces"));
    }
    Ok(names)
}

/// Whether a process runs. An ended one that nobody has waited for does not.
fn runs(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.starts_with(" Z"))
}
