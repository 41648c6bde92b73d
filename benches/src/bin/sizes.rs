//! Prints the size of a member on `swim-core` in a microcontroller, by features.
//!
//! The program is `examples/embedded`, linked for a Cortex-M4.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin sizes -- [FEATURES...]
//! ```
//!
//! FEATURES are `none`, `all`, or names separated by commas; all eight sets by default. It only
//! needs the target: `rustup target add thumbv7em-none-eabi`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use object::{Object, ObjectSection, SectionKind};

const TARGET: &str = "thumbv7em-none-eabi";
const FEATURES: [&str; 3] = ["compression", "encryption", "memberlist"];

/// The sizes of a program, in bytes.
struct Sizes {
    /// Only in flash: code and constants.
    text: u64,
    /// In flash, and copied into memory.
    data: u64,
    /// In memory, without allocations.
    bss: u64,
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let sets = if asked.is_empty() { all_sets() } else { asked };
    println!("| features | text | data | bss |");
    println!("|---|---|---|---|");
    for set in sets {
        match build(&set).and_then(|program| sizes(&program)) {
            Ok(Sizes { text, data, bss }) => {
                println!("| {} | {} | {data} | {bss} |", set.replace(',', ", "), grouped(text));
            }
            Err(why) => {
                eprintln!("sizes: {set}: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Returns all sets of features, by their number of features.
fn all_sets() -> Vec<String> {
    let mut sets: Vec<Vec<&str>> = (0..1 << FEATURES.len())
        .map(|bits| {
            let has = |place: &usize| bits >> place & 1 == 1;
            (0..FEATURES.len()).filter(has).map(|place| FEATURES[place]).collect()
        })
        .collect();
    sets.sort_by_key(Vec::len);
    sets.iter().map(|set| if set.is_empty() { "none".into() } else { set.join(",") }).collect()
}

/// Builds the program with a set of features.
fn build(set: &str) -> Result<PathBuf, String> {
    let all = FEATURES.join(",");
    let features = match set {
        "none" => "",
        "all" => &all,
        names => names,
    };
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/embedded");
    let into = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| example.join("target"), |folder| Path::new(&folder).join("embedded"));
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--quiet", "--target", TARGET])
        .args(["--features", features])
        .arg("--manifest-path")
        .arg(example.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&into)
        .output()
        .map_err(|why| format!("cargo: {why}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(into.join(TARGET).join("release/embedded"))
}

fn sizes(program: &Path) -> Result<Sizes, String> {
    let bytes = std::fs::read(program).map_err(|why| format!("{}: {why}", program.display()))?;
    let file = object::File::parse(&*bytes).map_err(|why| why.to_string())?;
    let mut sizes = Sizes { text: 0, data: 0, bss: 0 };
    for section in file.sections() {
        let name = section.name().map_err(|why| why.to_string())?;
        match section.kind() {
            SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => {
                sizes.text += section.size();
            }
            SectionKind::Data => sizes.data += section.size(),
            SectionKind::UninitializedData if name != ".heap" => sizes.bss += section.size(),
            _ => {}
        }
    }
    Ok(sizes)
}

/// Returns a number with a comma after the thousands.
fn grouped(number: u64) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{thousands},{:03}", number % 1000),
    }
}
