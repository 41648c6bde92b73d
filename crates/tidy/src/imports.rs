//! Imports of `swim-core` point downward.
//!
//! A module may name items of a lower layer. In its own layer it may name only items at the root of
//! another module (`crate::membership::Membership`), never deeper ones
//! (`crate::membership::table::Row`). Modules of one layer never import each other in a circle.
//! Uses in `use`, in bodies and signatures, and in macros count. `super::` and re-exports of
//! `lib.rs` are resolved. Tests do not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use crate::finding::{Finding, Rule};
use crate::graph::{Graph, circles};
use crate::layers::{self, Layers};
use crate::paths::module_of;
use crate::source::{Source, line_of};
use crate::test_code::{attributes, is_test, test_paths};

/// The sources with layers.
pub const ROOT: &str = "crates/swim-core/src";

/// Finds imports that point upward or inside a sibling, circles, and modules not in the drawing.
#[must_use]
pub fn check(sources: &[Source], layers: &Layers) -> Vec<Finding> {
    let tests = test_paths(sources);
    let modules: Vec<(Vec<String>, &Source)> = sources
        .iter()
        .filter(|source| !tests.contains(&source.path))
        .filter_map(|source| Some((module_of(&source.path, ROOT)?, source)))
        .collect();
    let inner: BTreeSet<&[String]> = modules.iter().map(|(module, _)| &module[..]).collect();
    let exported = exports(sources);

    let mut findings = undrawn(&modules, layers);
    let mut siblings = Graph::new();
    for (module, source) in &modules {
        let Some(own) = layers.of(&module[0]) else { continue };
        let mut told = BTreeSet::new();
        for (mut path, line) in references(source, module) {
            if let Some(home) = exported.get(&path[0]) {
                path.insert(0, home.clone());
            }
            let target = &path[0];
            let Some(layer) = layers.of(target).filter(|_| *target != module[0]) else { continue };
            let enters = path.len() > 2 && inner.contains(&path[..2]);
            let mut tell = |key: &str, what: String, remedy: &str| {
                if told.insert(key.to_owned()) {
                    findings.push(finding(&source.path, line, key, what, remedy));
                }
            };
            if layer < own {
                let what = format!(
                    "{} of layer {} imports {target} of the higher layer {}",
                    module[0], layers.names[own], layers.names[layer]
                );
                tell(target, what, "take it as an argument, or move what both need further down");
            } else if layer == own {
                siblings.entry(module[0].clone()).or_default().insert(target.clone());
                if enters {
                    let key = format!("{target}::{}", path[1]);
                    let what = format!("{} imports {key} from inside its sibling", module[0]);
                    tell(&key, what, "import what its root exports, or move it further down");
                }
            }
        }
    }
    findings.extend(circles(&siblings).into_iter().map(|circle| {
        let key = format!("circle of {}", circle.len());
        let what = format!("modules of one layer import each other: {}", circle.join(" "));
        finding(ROOT, 1, &key, what, "one of them takes what it needs as an argument")
    }));
    findings
}

fn finding(path: &str, line: usize, key: &str, what: String, remedy: &str) -> Finding {
    let (path, key, remedy) = (path.to_owned(), key.to_owned(), remedy.to_owned());
    Finding { path, line, rule: Rule::Imports, key, what, remedy }
}

/// Finds modules missing in the drawing, and modules in it that do not exist.
fn undrawn(modules: &[(Vec<String>, &Source)], layers: &Layers) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    for (module, source) in modules {
        if known.insert(module[0].as_str()) && layers.of(&module[0]).is_none() {
            let what = format!("{} has no layer", module[0]);
            let remedy = format!("draw it in {}, {:?}", layers::FILE, layers::HEADING);
            findings.push(finding(&source.path, 1, &module[0], what, &remedy));
        }
    }
    for (module, &(_, line)) in &layers.modules {
        if !known.contains(module.as_str()) {
            let what = format!("{module} is drawn, but is not in {ROOT}");
            findings.push(finding(layers::FILE, line, module, what, "remove it"));
        }
    }
    findings
}

/// Returns the re-exports of the crate's root, each with its module.
pub(crate) fn exports(sources: &[Source]) -> BTreeMap<String, String> {
    let root = format!("{ROOT}/lib.rs");
    let mut exports = BTreeMap::new();
    for item in sources.iter().filter(|source| source.path == root).flat_map(Source::items) {
        let syn::Item::Use(item) = item else { continue };
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (path, name) in paths {
            let home = path.iter().find(|segment| !matches!(segment.as_str(), "crate" | "self"));
            if let Some(home) = home.filter(|home| **home != name) {
                exports.insert(name, home.clone());
            }
        }
    }
    exports
}

/// Returns the paths that a file names, from the crate's root, each with its line.
pub(crate) fn references(source: &Source, module: &[String]) -> Vec<(Vec<String>, usize)> {
    let mut references = References { module: module.to_vec(), found: Vec::new() };
    source.items().iter().for_each(|item| references.visit_item(item));
    references.found
}

struct References {
    /// The current module.
    module: Vec<String>,
    found: Vec<(Vec<String>, usize)>,
}

impl References {
    fn add(&mut self, path: &[String], line: usize) {
        if let Some(home) = resolve(path, &self.module) {
            self.found.push((home, line));
        }
    }

    /// Finds paths in a macro by their look: macros are not parsed.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut colons) = (0, 0);
        for token in tokens
            .into_iter()
            .chain([TokenTree::from(proc_macro2::Punct::new(';', proc_macro2::Spacing::Alone))])
        {
            match &token {
                TokenTree::Ident(ident) if path.is_empty() || colons == 2 => {
                    if path.is_empty() {
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                _ => {}
            }
            self.add(&path, line);
            (path, colons) = (Vec::new(), 0);
            match token {
                TokenTree::Group(group) => self.scan(group.stream()),
                TokenTree::Ident(ident) => {
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                }
                _ => {}
            }
        }
    }
}

impl<'a> Visit<'a> for References {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        self.module.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (path, _) in paths {
            self.add(&path, line_of(item));
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&segments, line_of(path));
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.scan(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }
}

/// Returns a path of this crate from its root.
///
/// `crate::a`, or `super::a` in a module. `None` for other crates.
pub(crate) fn resolve(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let mut home = match path.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        Some("super" | "self") => module.to_vec(),
        _ => return None,
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => drop(home.pop()),
            name => home.push(name.to_owned()),
        }
    }
    (!home.is_empty()).then_some(home)
}

/// Collects the paths of a `use`, each with its local name.
pub(crate) fn flatten(
    tree: &syn::UseTree,
    before: &mut Vec<String>,
    paths: &mut Vec<(Vec<String>, String)>,
) {
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, paths);
            before.pop();
        }
        syn::UseTree::Name(name) => {
            let path = [&before[..], &[name.ident.to_string()]].concat();
            paths.push((path, name.ident.to_string()));
        }
        syn::UseTree::Rename(renamed) => {
            let path = [&before[..], &[renamed.ident.to_string()]].concat();
            paths.push((path, renamed.rename.to_string()));
        }
        syn::UseTree::Glob(_) => paths.push((before.clone(), "*".to_owned())),
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, before, paths));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWING: &str = "```text\nnode   | node\nowners | fish  fowl\nwire   | wire\n```\n";

    /// Checks a crate of these files, besides files that follow the rules.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let page = format!("{}\n{DRAWING}", layers::HEADING);
        let layers = Layers::parse(&page).expect("it is drawn well");
        let mut all = BTreeMap::from([
            ("lib.rs", "pub use node::Node;\nmod node;\n"),
            ("node/mod.rs", "use crate::fish::Fish;\nuse crate::wire::half::Half;\n"),
            ("fish/mod.rs", "mod scale;\npub use scale::Scale;\nuse crate::wire;\n"),
            ("fish/scale.rs", "use super::Fish;\nuse crate::fowl::Wing;\n"),
            ("fowl.rs", ""),
            ("wire/mod.rs", ""),
            ("wire/half.rs", ""),
        ]);
        all.extend(files.iter().copied());
        let sources: Vec<Source> = all
            .into_iter()
            .map(|(path, text)| Source::new(format!("{ROOT}/{path}"), text).expect("it parses"))
            .collect();
        check(&sources, &layers).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn imports_downward_and_of_a_siblings_root_are_no_findings() {
        assert_eq!(found(&[]), [""; 0]);
    }

    #[test]
    fn an_import_upward_is_found_however_it_is_written() {
        for text in [
            "use crate::node::Node;\n",
            "use crate::{node::Node, wire};\n",
            "use super::node;\n",
            "use crate::Node;\n",
            "fn f() {\n    crate::node::g();\n}\n",
            "fn f(node: &mut crate::node::Node) {}\n",
            "fn f() {\n    assert!(crate::node::G > 1);\n}\n",
            "mod inner {\n    use super::super::node::Node;\n}\n",
        ] {
            let found = found(&[("fowl.rs", text)]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let what = "fowl of layer owners imports node of the higher layer node: take it as an";
            assert!(found[0].contains(what), "{found:?}");
        }
        assert_eq!(found(&[("wire/half.rs", "use super::super::fish::Fish;\n")]).len(), 1);
    }

    #[test]
    fn tests_may_import_everything() {
        let text = "#[cfg(test)]\nmod tests {\n    use crate::node::Node;\n}\n";
        assert_eq!(found(&[("fowl.rs", text)]), [""; 0]);
    }

    #[test]
    fn the_inside_of_a_sibling_is_not_to_be_imported() {
        let found =
            found(&[("fish/scale.rs", ""), ("fowl.rs", "use crate::fish::scale::Scale;\n")]);
        let expected = "crates/swim-core/src/fowl.rs:1: fowl imports fish::scale from inside \
                        its sibling: import what its root exports, or move it further down";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn siblings_do_not_import_each_other_in_a_circle() {
        let found = found(&[("fowl.rs", "use crate::fish::Fish;\n")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("modules of one layer import each other: fish fowl"));
    }

    #[test]
    fn a_module_and_the_drawing_know_each_other() {
        let found = found(&[("beast.rs", "")]);
        assert!(found[0].starts_with("crates/swim-core/src/beast.rs:1: beast has no layer: draw"));
        let page = format!("{}\n{}", layers::HEADING, DRAWING.replace("fowl", "fowl  bird"));
        let layers = Layers::parse(&page).expect("it is drawn well");
        let missing = check(&[], &layers);
        assert!(missing.iter().any(|found| {
            found.to_string()
                == "docs/explanation/architecture.md:4: bird is drawn, but is not in \
                    crates/swim-core/src: remove it"
        }));
    }
}
