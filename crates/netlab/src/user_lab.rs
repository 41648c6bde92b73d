//! A lab for a user's programs.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;

use crate::cli::UserLab;
use crate::error::Error;
use crate::fault::Fault;
use crate::lab::{Host, Lab};
use crate::stop::{EXIT_CODE, Stop};

/// The programs, killed when dropped.
#[derive(Debug)]
struct Programs(Vec<Child>);

impl Drop for Programs {
    fn drop(&mut self) {
        for program in &mut self.0 {
            // It may have ended by itself.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// The time for programs to end by themselves after Ctrl-C.
const GRACE: Duration = Duration::from_secs(5);
/// The time between two checks whether they have ended.
const LOOK: Duration = Duration::from_millis(50);

/// Starts a lab with a program on each host, until all programs have ended or a signal stops it.
pub(crate) fn run(arguments: &UserLab) -> Result<ExitCode, Error> {
    let stop = Stop::on_signals()?;
    let lab = Lab::new(arguments.nodes, arguments.seed)?;
    let link = arguments.link();
    lab.switch().change_all(|each| *each = link);
    let mut programs = Programs(Vec::new());
    for (index, host) in lab.hosts().iter().enumerate() {
        eprintln!(
            "netlab: host {index}: {} and {}; enter it with 'ip netns exec {} sh'",
            host.v4(),
            host.v6(),
            host.namespace().name()
        );
        programs.0.push(start(index, host, lab.host(0), &arguments.command)?);
    }
    let typed = typed_lines();
    let mut left = arguments.nodes;
    while left > 0 && !stop.is_asked() {
        std::thread::sleep(LOOK);
        typed.try_iter().for_each(|line| change(&lab, &line));
        left = running(&mut programs);
    }
    if left > 0 {
        end(&mut programs);
    }
    let failed = failed(&mut programs);
    eprintln!("netlab: {:?}", lab.switch().tallies());
    if stop.is_asked() {
        return Ok(ExitCode::from(EXIT_CODE));
    }
    if failed > 0 {
        eprintln!("netlab: {failed} of {} programs failed", arguments.nodes);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the typed lines. The end of the input does not end the lab.
///
/// In the background of a terminal nothing is read: the system would stop this process.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    let is_in_front = tcgetpgrp(std::io::stdin()).is_ok_and(|front| front == getpgrp());
    if std::io::stdin().is_terminal() && !is_in_front {
        return lines;
    }
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if !line.trim().is_empty() && sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn change(lab: &Lab, line: &str) {
    match Fault::parse(line, lab.hosts().len()) {
        Ok(fault) => match fault.carry_out(&mut lab.switch()) {
            Some(told) => eprintln!("netlab: {told}"),
            None => eprintln!("netlab: done: {line}"),
        },
        Err(why) => eprintln!("netlab: {why}"),
    }
}

fn start(index: usize, host: &Host, first: &Host, command: &[String]) -> Result<Child, Error> {
    let filled = |word: &String| {
        word.replace("{index}", &index.to_string())
            .replace("{address}", &host.v4().to_string())
            .replace("{address6}", &host.v6().to_string())
            .replace("{first}", &first.v4().to_string())
    };
    let words: Vec<String> = command.iter().map(filled).collect();
    let (program, arguments) = words.split_first().ok_or_else(|| Error::new("no command"))?;
    let mut command: Command = host.namespace().command(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Error::refused(&format!("starting {program}"), &error.to_string()))?;
    if let Some(stdout) = child.stdout.take() {
        copy(index, stdout, std::io::stdout());
    }
    if let Some(stderr) = child.stderr.take() {
        copy(index, stderr, std::io::stderr());
    }
    Ok(child)
}

/// Copies a program's output, with its host's number before each line.
fn copy(index: usize, from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { return };
            let line = [format!("{index:3} | ").as_bytes(), &line, b"\n"].concat();
            if to.write_all(&line).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    });
}

/// Counts the programs that did not end with exit code 0.
fn failed(programs: &mut Programs) -> usize {
    let succeeded = |program: &mut Child| {
        program.try_wait().is_ok_and(|ended| ended.is_some_and(|status| status.success()))
    };
    programs.0.iter_mut().filter_map(|program| (!succeeded(program)).then_some(())).count()
}

fn running(programs: &mut Programs) -> usize {
    programs
        .0
        .iter_mut()
        .filter_map(|program| program.try_wait().ok())
        .filter(Option::is_none)
        .count()
}

/// Asks all programs to end. Programs that ignore both Ctrl-C and this request are killed.
fn end(programs: &mut Programs) {
    for program in &mut programs.0 {
        if let (Ok(None), Ok(number)) = (program.try_wait(), i32::try_from(program.id())) {
            let _ = Pid::from_raw(number).map(|process| kill_process(process, Signal::TERM));
        }
    }
    let begin = std::time::Instant::now();
    while running(programs) > 0 && begin.elapsed() < GRACE {
        std::thread::sleep(LOOK);
    }
}
