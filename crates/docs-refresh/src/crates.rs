//! A table of the crates.

use std::fs;
use std::path::Path;

use toml::Table;

use crate::tables::row;

/// The packages in `crates/`: the published ones first, each with its description and the packages
/// of this repository that it builds on.
pub(crate) fn table(root: &Path) -> Result<String, String> {
    let mut crates = Vec::new();
    let folder = root.join("crates");
    for entry in fs::read_dir(&folder).map_err(|error| format!("crates: {error}"))? {
        let path = entry.map_err(|error| error.to_string())?.path().join("Cargo.toml");
        if path.exists() {
            let about = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let text = fs::read_to_string(&path).map_err(|error| about(&error))?;
            let manifest: Table = text.parse().map_err(|error| about(&error))?;
            crates.push(Crate::of(&manifest).map_err(|error| about(&error))?);
        }
    }
    crates.sort();
    let mut table = String::from("| crate | purpose | builds on |\n|---|---|---|\n");
    for Crate { is_internal, name, description, builds_on } in crates {
        let note = if is_internal { " (not published)" } else { "" };
        let builds_on: Vec<String> = builds_on.iter().map(|name| format!("`{name}`")).collect();
        row(&mut table, &[&format!("`{name}`"), &(description + note), &builds_on.join(", ")]);
    }
    Ok(table)
}

/// The published ones sort first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    is_internal: bool,
    name: String,
    description: String,
    builds_on: Vec<String>,
}

impl Crate {
    fn of(manifest: &Table) -> Result<Self, &'static str> {
        let package = manifest.get("package").and_then(|package| package.as_table());
        let package = package.ok_or("it has no [package]")?;
        let text = |key| package.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let dependencies = manifest.get("dependencies").and_then(|all| all.as_table());
        let ours = |name: &&String| name.starts_with("swim-") || *name == "netlab";
        Ok(Crate {
            is_internal: package.get("publish").and_then(|value| value.as_bool()) == Some(false),
            name: text("name").ok_or("it has no name")?,
            description: text("description").ok_or("it has no description")?,
            builds_on: dependencies
                .into_iter()
                .flat_map(|all| all.keys())
                .filter(ours)
                .cloned()
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_builds_on_those_of_the_repository() {
        let manifest = "[package]\nname = \"a\"\ndescription = \"About\"\npublish = false\n\
                        [dependencies]\nbytes = \"1\"\nswim-core.workspace = true\n";
        let found = Crate::of(&manifest.parse().expect("it is TOML")).expect("it is a package");
        assert!(found.is_internal);
        assert_eq!(found.builds_on, ["swim-core"]);
        assert!(Crate::of(&Table::new()).is_err());
    }
}
