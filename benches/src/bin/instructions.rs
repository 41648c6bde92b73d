//! Counts the instructions of ten operations under valgrind, and compares them.
//!
//! The committed numbers are in `benches/instructions.txt`:
//!
//! ```sh
//! cargo build --release --manifest-path benches/Cargo.toml --bins
//! benches/target/release/instructions          # fails if one is more than 3% above
//! benches/target/release/instructions --write  # writes the current numbers
//! ```
//!
//! Each operation runs a small and a large number of times. The difference leaves out one-time
//! work. The numbers hold for the compiler in `.ci/compiler`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use swim_benches::PUSH_PULL;

/// The number of members that the node knows, including itself.
const MEMBERS: u64 = 1_000;

/// A number this far above the committed one fails; this far below, it must be lowered.
const TOLERANCE: f64 = 0.03;

const USAGE: &str = "usage: instructions [--write]";

struct Measured {
    title: &'static str,
    /// The key in `repeat`.
    key: &'static str,
    /// The number of equal things in the operation; the count is per thing.
    per: u64,
    /// The small and the large number of repetitions; fewer if preparation is slow.
    times: [u64; 2],
}

const MEASURED: [Measured; 10] = [
    Measured { title: "ping answered", key: "ping/hot", per: 1, times: [500, 1_500] },
    Measured { title: "ack handled", key: "ack", per: 1, times: [500, 1_500] },
    Measured { title: "known update", key: "known/hot", per: 40, times: [500, 1_500] },
    Measured { title: "probe tick", key: "tick/probe/hot", per: 1, times: [100, 300] },
    Measured { title: "gossip tick", key: "tick/gossip", per: 1, times: [500, 1_500] },
    Measured { title: "push/pull, per member", key: PUSH_PULL.key, per: MEMBERS, times: [20, 60] },
    sealed("sealed: ping answered", "ping/hot@swim/aes256", 1),
    sealed("sealed: ack handled", "ack@swim/aes256", 1),
    sealed("sealed: known update", "known/hot@swim/aes256", 40),
    sealed("sealed: gossip tick", "tick/gossip@swim/aes256", 1),
];

const fn sealed(title: &'static str, key: &'static str, per: u64) -> Measured {
    Measured { title, key, per, times: [100, 300] }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => check(),
        ["--write"] => write(),
        ["--help"] => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => Err(format!("unknown arguments {arguments:?}\n{USAGE}")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("instructions: {why}");
            ExitCode::from(2)
        }
    }
}

/// Whether no operation exceeds its limit.
fn check() -> Result<bool, String> {
    let committed = read_committed()?;
    let (mut above, mut below) = (false, false);
    println!("{:24}{:>12}{:>12}{:>8}", "instructions", "committed", "now", "ratio");
    for measured in &MEASURED {
        let &before = committed
            .get(measured.key)
            .ok_or_else(|| format!("{}: no line for {}", file().display(), measured.key))?;
        let now = measured.count()?;
        let ratio = ratio(now, before);
        let verdict = if ratio > 1.0 + TOLERANCE {
            above = true;
            "  too many"
        } else if ratio < 1.0 - TOLERANCE {
            below = true;
            "  fewer: lower the number"
        } else {
            ""
        };
        println!("{:24}{before:>12}{now:>12}{ratio:>8.3}{verdict}", measured.title);
    }
    if above {
        println!(
            "\nmore than {:.0}% above benches/instructions.txt: find why with callgrind, see\n\
             docs/reports/performance.md. If it is justified, explain it in the commit that runs\n\
             `instructions --write`.",
            TOLERANCE * 100.0
        );
    } else if below {
        println!(
            "\nkeep the gain: run `instructions --write`, and commit benches/instructions.txt"
        );
    }
    Ok(!above)
}

fn write() -> Result<bool, String> {
    let path = file();
    let old = read(&path)?;
    let mut text: String =
        old.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for measured in &MEASURED {
        let now = measured.count()?;
        _ = writeln!(text, "{:24}{now:>8}", measured.key);
        println!("{:24}{now:>12}", measured.title);
    }
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(true)
}

impl Measured {
    /// Returns the instructions of one thing.
    fn count(&self) -> Result<u64, String> {
        let [few, many] = self.times;
        let more = self.collected(many)? - self.collected(few)?;
        let things = (many - few) * self.per;
        Ok((more + things / 2) / things)
    }

    /// Returns the instructions of `times` operations.
    fn collected(&self, times: u64) -> Result<u64, String> {
        let mut repeat = std::env::current_exe().map_err(|error| error.to_string())?;
        repeat.set_file_name("repeat");
        if !repeat.exists() {
            return Err(format!("{} is missing: build all --bins", repeat.display()));
        }
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg("--toggle-collect=*repeat::measured*")
            .arg(&repeat)
            .args([self.key, &MEMBERS.to_string(), &times.to_string()])
            .output()
            .map_err(|error| format!("cannot run valgrind: {error}; install it"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected =
            said.lines().find_map(|line| line.split_once("Collected : ")?.1.parse().ok());
        match collected {
            Some(count) if output.status.success() && count > 0 => Ok(count),
            _ => Err(format!("{} {} failed under valgrind:\n{said}", repeat.display(), self.key)),
        }
    }
}

fn read_committed() -> Result<BTreeMap<String, u64>, String> {
    let path = file();
    let mut committed = BTreeMap::new();
    for line in read(&path)?.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (key, count) = (words.next(), words.next().and_then(|word| word.parse().ok()));
        let (Some(key), Some(count)) = (key, count) else {
            return Err(format!("{}: {line:?} is not an operation and a number", path.display()));
        };
        if MEASURED.iter().all(|measured| measured.key != key) {
            return Err(format!("{}: {key} is not counted: remove it", path.display()));
        }
        committed.insert(key.to_owned(), count);
    }
    Ok(committed)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(now: u64, before: u64) -> f64 {
    now as f64 / before as f64
}
