//! S94: the most work per byte, and requests for full tables.

use std::path::Path;
use std::process::Command;

use swim_core::Wire;

use super::tables::tables;
use crate::finding::{Finding, Verdict};
use crate::stage::{Pace, Size, Stage};

/// Instructions per byte received.
const WORK_MAX: f64 = 600.0;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let mut findings = work()?;
    findings.push(tables(&Stage::new(Wire::Swim, false, Pace::Lan, size)).await?);
    if size == Size::Large {
        findings.push(tables(&Stage::new(Wire::Memberlist, false, Pace::Lan, size)).await?);
    }
    Ok(findings)
}

/// Counts the instructions of each case of `work.rs` with valgrind.
fn work() -> Result<Vec<Finding>, String> {
    let folder = std::env::temp_dir().join(format!("swim-attacks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let counted = count(&folder);
    _ = std::fs::remove_dir_all(&folder);
    let findings = counted?.into_iter().map(|(name, bytes, instructions)| {
        #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
        let per_byte = instructions as f64 / bytes as f64;
        Finding {
            attack: "S94",
            case: format!("work, {name}"),
            did: format!("{bytes} bytes"),
            suffered: format!("{instructions} instructions"),
            figure: per_byte,
            unit: "instructions per byte",
            limit: format!("at most {WORK_MAX} instructions per byte"),
            verdict: Verdict::of(per_byte <= WORK_MAX),
        }
    });
    Ok(findings.collect())
}

/// Returns the name, bytes and instructions of each case.
fn count(folder: &Path) -> Result<Vec<(String, u64, u64)>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*work::measured*"])
        .arg("--dump-before=*work::told*")
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(program)
        .arg("work")
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}; install it"))?;
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    (1..)
        .zip(said.lines())
        .map(|(number, line)| {
            let (bytes, name) = line.split_once(' ').ok_or("a line without a name")?;
            let bytes = bytes.parse().map_err(|_| format!("no number of bytes: {line}"))?;
            Ok((name.to_string(), bytes, total(&folder.join(format!("out.{number}")))?))
        })
        .collect()
}

/// Reads the total from a dump of callgrind.
fn total(dump: &Path) -> Result<u64, String> {
    let text = std::fs::read_to_string(dump);
    let text = text.map_err(|error| format!("{}: {error}", dump.display()))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.parse().ok());
    total.filter(|&total| total > 0).ok_or(format!("{}: nothing was counted", dump.display()))
}
