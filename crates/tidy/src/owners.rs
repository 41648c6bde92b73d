//! A table of the owners of `swim-core`: their fields, callers and lines.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use crate::definitions::name_of;
use crate::imports::{ROOT, exports, references};
use crate::paths::module_of;
use crate::source::Source;
use crate::test_code::{attributes, is_test, test_lines, test_paths};

/// The owners, each a module and the type that owns its state, highest layer first.
const OWNERS: [(&str, &str); 9] = [
    ("node", "Node"),
    ("exchange", "Exchange"),
    ("membership", "Membership"),
    ("detection", "Detector"),
    ("dissemination", "Gossip"),
    ("members", "Members"),
    ("context", "Context"),
    ("outputs", "Outputs"),
    ("channel", "Channel"),
];

/// The table; its `Display` is Markdown.
#[derive(Debug)]
pub struct Owners {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    owner: (&'static str, &'static str),
    fields: usize,
    /// The fields that other modules can see.
    fields_visible: usize,
    /// The structs of the owner's module that it contains by value, directly or nested.
    parts: usize,
    parts_fields: usize,
    /// The modules that import the owner's type.
    callers: BTreeSet<String>,
    /// Without tests.
    lines: usize,
}

impl Owners {
    /// Counts the fields, callers and lines of the owners of `swim-core`.
    ///
    /// # Errors
    /// If an owner's module does not define its type.
    pub fn of(sources: &[Source]) -> Result<Self, String> {
        Self::among(sources, &OWNERS)
    }

    fn among(sources: &[Source], owners: &[(&'static str, &'static str)]) -> Result<Self, String> {
        let tests = test_paths(sources);
        let files: Vec<(Vec<String>, &Source)> = sources
            .iter()
            .filter(|source| !tests.contains(&source.path))
            .filter_map(|source| Some((module_of(&source.path, ROOT)?, source)))
            .collect();
        let callers = callers(&files, &exports(sources));
        let row = |owner: &(&'static str, &'static str)| {
            let &(module, of) = owner;
            let own = files.iter().filter(|(home, _)| home[0] == module).map(|(_, source)| *source);
            let structs = structs(own.clone());
            let fields = structs.get(of).ok_or_else(|| {
                format!("{ROOT}/{module} defines no struct {of}: fix OWNERS in {}", file!())
            })?;
            let parts = parts(&structs, of);
            Ok(Row {
                owner: *owner,
                fields: fields.len(),
                fields_visible: fields.iter().filter(|field| is_visible(field)).count(),
                parts: parts.len(),
                parts_fields: parts.iter().map(|part| structs[part].len()).sum(),
                callers: callers
                    .get(&(module.to_owned(), of.to_owned()))
                    .cloned()
                    .unwrap_or_default(),
                lines: own.map(|source| source.text.lines().count() - test_lines(source)).sum(),
            })
        };
        Ok(Owners { rows: owners.iter().map(row).collect::<Result<_, String>>()? })
    }
}

impl fmt::Display for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| owner | fields | visible outside | in parts | imported by | lines |")?;
        writeln!(f, "|---|---:|---:|---:|---|---:|")?;
        for row in &self.rows {
            let Row { owner: (module, of), fields, fields_visible, parts, lines, .. } = row;
            let in_parts = match parts {
                0 => "0".to_owned(),
                parts => format!("{} in {parts}", row.parts_fields),
            };
            let callers: Vec<String> =
                row.callers.iter().map(|caller| format!("`{caller}`")).collect();
            let callers = if callers.is_empty() { "-".to_owned() } else { callers.join(" ") };
            writeln!(
                f,
                "| `{module}`: `{of}` | {fields} | {fields_visible} | {in_parts} | {callers} | \
                 {lines} |"
            )?;
        }
        Ok(())
    }
}

/// Returns the modules that name a type of another module, by that module and type.
fn callers(
    files: &[(Vec<String>, &Source)],
    exported: &BTreeMap<String, String>,
) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut callers: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (module, source) in files {
        for (mut path, _) in references(source, module) {
            if let Some(home) = exported.get(&path[0]) {
                path.insert(0, home.clone());
            }
            if let [home, of, ..] = &path[..]
                && *home != module[0]
            {
                let key = (home.clone(), of.clone());
                callers.entry(key).or_default().insert(module[0].clone());
            }
        }
    }
    callers
}

/// Returns the structs that these files define outside tests, with their fields.
fn structs<'a>(sources: impl Iterator<Item = &'a Source>) -> BTreeMap<String, Vec<&'a syn::Field>> {
    let items = sources.flat_map(Source::items).filter(|item| !is_test(attributes(item)));
    items
        .filter_map(|item| match item {
            syn::Item::Struct(item) => Some((item.ident.to_string(), item.fields.iter().collect())),
            _ => None,
        })
        .collect()
}

/// Returns the structs of the same module that this one contains, directly or nested.
fn parts(structs: &BTreeMap<String, Vec<&syn::Field>>, of: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let mut next = vec![of.to_owned()];
    while let Some(whole) = next.pop() {
        for part in structs[&whole].iter().filter_map(|field| name_of(&field.ty, None)) {
            if part != of && structs.contains_key(&part) && parts.insert(part.clone()) {
                next.push(part);
            }
        }
    }
    parts
}

/// Whether other modules can see a field.
///
/// In this crate `pub(super)` and `pub(in path)` do not leave the module's folder.
fn is_visible(field: &syn::Field) -> bool {
    match &field.vis {
        syn::Visibility::Public(_) => true,
        syn::Visibility::Restricted(to) => to.path.is_ident("crate"),
        syn::Visibility::Inherited => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::new(format!("{ROOT}/{path}"), text).expect("it parses")
    }

    fn house() -> Vec<Source> {
        vec![
            source("lib.rs", "mod node; mod table; mod tools;\npub use node::House;"),
            source(
                "node/mod.rs",
                "mod room;\nuse crate::table::Table;\nuse room::Room;\n\
                 pub struct House { table: Table, room: Option<Room>, pub(crate) seen: u8 }\n\
                 #[cfg(test)]\nmod tests {\n    struct Room { a: u8, b: u8, c: u8 }\n}\n",
            ),
            source(
                "node/room.rs",
                "pub(super) struct Room { pub(super) bed: Bed, guests: Vec<Guest> }\n\
                 struct Bed(u8, u8, u8);\nstruct Guest { name: u8 }\n",
            ),
            source("table.rs", "pub struct Table { pub legs: u8 }\nfn f() {}\n"),
            source(
                "tools.rs",
                "fn f(of: &crate::House) {}\n\
                 #[cfg(test)]\nmod tests { use crate::table::Table; }\n",
            ),
        ]
    }

    #[test]
    fn the_table_counts_fields_parts_callers_and_lines_without_tests() {
        let owners = Owners::among(&house(), &[("node", "House"), ("table", "Table")]);
        let expected = "\
| owner | fields | visible outside | in parts | imported by | lines |
|---|---:|---:|---:|---|---:|
| `node`: `House` | 3 | 1 | 5 in 2 | `tools` | 7 |
| `table`: `Table` | 1 | 1 | 0 | `node` | 2 |
";
        assert_eq!(owners.expect("both are there").to_string(), expected);
    }

    #[test]
    fn an_owner_that_is_gone_is_an_error() {
        let error = Owners::among(&house(), &[("node", "Palace")]).expect_err("there is none");
        assert!(error.contains("crates/swim-core/src/node defines no struct Palace"), "{error}");
    }

    #[test]
    fn every_owner_of_the_repository_is_found() {
        let repository = crate::Repository::read().expect("every file can be read");
        let owners = Owners::of(&repository.sources).expect("all are there");
        assert_eq!(owners.rows.len(), OWNERS.len());
    }
}
