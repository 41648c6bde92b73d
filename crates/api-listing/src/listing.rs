//! The public API of a crate, one item to a line, from rustdoc's JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use public_api::Builder;

/// Holds the real rustdoc when cargo starts this program in its place.
const RUSTDOC: &str = "API_LISTING_RUSTDOC";

/// The items of this crate's library in a fixed order, without the traits that every type has.
pub(crate) fn of(repository: &Path, name: &str, features: &[&str]) -> Result<Vec<String>, String> {
    let doc = rustdoc(repository, name, features, &["--output-format", "json"])?;
    let json = doc.join(format!("{}.json", name.replace('-', "_")));
    let api = Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|why| format!("{}: {why}", json.display()))?;
    let mut items: Vec<String> = api.items().map(ToString::to_string).collect();
    items.sort_unstable();
    items.dedup();
    Ok(items)
}

/// Runs rustdoc if cargo started this program in its place. The JSON is unstable, so only one known
/// compiler may write it. RUSTC_BOOTSTRAP for rustc would make cargo rebuild everything.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let rustdoc = env::var_os(RUSTDOC)?;
    let mut command = Command::new(&rustdoc);
    command.args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1");
    Some(match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("api-listing: {} does not start: {why}", rustdoc.display());
            ExitCode::FAILURE
        }
    })
}

/// Documents this crate as HTML, and returns the folder. Call it after [`of`]: cargo rewrites the
/// pages only if its last output was JSON.
pub(crate) fn html(repository: &Path, name: &str, features: &[&str]) -> Result<PathBuf, String> {
    let folder = target_folder(repository).join("doc").join(name.replace('-', "_"));
    if folder.exists() {
        // Pages of removed items would stay.
        fs::remove_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    rustdoc(repository, name, features, &[])?;
    Ok(folder)
}

/// Documents this crate's library, and returns the output folder.
fn rustdoc(
    repository: &Path,
    name: &str,
    features: &[&str],
    more: &[&str],
) -> Result<PathBuf, String> {
    let this = env::current_exe().map_err(|why| format!("this program's path: {why}"))?;
    let mut command = cargo();
    command
        .current_dir(repository)
        .env(RUSTDOC, env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()))
        .env("RUSTDOC", this)
        .args(["rustdoc", "--quiet", "--locked", "--lib", "--package", name])
        .args(["--features", &features.join(",")])
        .args(["--", "-Z", "unstable-options", "--cap-lints", "allow"])
        .args(more);
    let status = command.status().map_err(|why| format!("cargo rustdoc does not start: {why}"))?;
    match status.success() {
        true => Ok(target_folder(repository).join("doc")),
        false => Err(format!("cargo rustdoc of {name} failed")),
    }
}

/// Refuses any compiler but the one in `.ci/compiler`: the JSON differs between compilers.
pub(crate) fn check_compiler(repository: &Path) -> Result<(), String> {
    let path = repository.join(".ci/compiler");
    let named = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(repository)
        .args(["--version", "--verbose"])
        .output()
        .map_err(|why| format!("rustc does not start: {why}"))?;
    let here = String::from_utf8_lossy(&output.stdout);
    let release = |text: &str| {
        text.lines().find_map(|line| line.strip_prefix("release: ").map(ToString::to_string))
    };
    match (release(&named), release(&here)) {
        (Some(named), Some(here)) if named == here => Ok(()),
        (Some(named), Some(here)) => Err(format!(
            "the listings are made by rustc {named}, and this is {here}: \
             run it with `cargo +{named}`"
        )),
        _ => Err("the release of the compiler is not known".into()),
    }
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn target_folder(repository: &Path) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    repository.join(target)
}
