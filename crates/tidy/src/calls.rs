//! Limits the files of `swim-core` that call each other in a circle to four.
//!
//! A file calls another one if a function in it names a function that the other file defines. The
//! name is a path, or a method of `self`, of a field, or of a value whose type is visible
//! (arguments, `let`, return types). A method of an unknown type counts if only one file of the
//! crate defines it and the standard library has no method of that name. Not seen are calls through
//! trait objects, from generic code, and in macros that are not lists of expressions. Tests do not
//! count.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::definitions::{Definitions, name_of};
use crate::finding::{Finding, Rule};
use crate::graph::{Graph, circles};
use crate::imports::{ROOT, flatten, resolve};
use crate::paths::module_of;
use crate::source::Source;
use crate::test_code::{attributes, is_test, test_paths};

/// The most files that may call each other in a circle.
pub const MAX: usize = 4;

/// Methods of the standard library: on a value of unknown type, a call of one is not counted.
const OF_STD: &str = "\
    as_mut as_ref as_str clear clone contains count drain extend filter find first get \
    get_mut insert is_empty iter join last len map max min next peek pop position push read \
    remove retain send split_at take write write_str";

/// Methods that return the value they are called on, or its content.
const TRANSPARENT: &str = "\
    as_deref as_deref_mut as_mut as_ref borrow borrow_mut clone expect ok_or take unwrap \
    unwrap_or_default";

/// Finds circles of too many files.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let calls = Calls::of(sources);
    let too_long = calls.circles().into_iter().filter(|circle| circle.len() > MAX);
    too_long
        .map(|circle| {
            let files: Vec<&str> = circle.iter().map(|file| below_root(file)).collect();
            let count = files.len();
            Finding {
                path: ROOT.to_owned(),
                line: 1,
                rule: Rule::Calls,
                key: format!("circle of {count}"),
                what: format!("{count} files call each other in a circle: {}", files.join(" ")),
                remedy: format!(
                    "return an instruction to the caller, do not call back; at most {MAX} files \
                     (`cargo run -p tidy -- calls` prints the calls)"
                ),
            }
        })
        .collect()
}

/// The functions that each file calls in each other file.
#[derive(Debug)]
pub struct Calls {
    /// The names of the called functions, by caller and callee.
    named: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Calls {
    /// Reads the calls of `swim-core`.
    #[must_use]
    pub fn of(sources: &[Source]) -> Self {
        let tests = test_paths(sources);
        let is_of_core = |source: &&Source| {
            module_of(&source.path, ROOT).is_some() && !tests.contains(&source.path)
        };
        let sources: Vec<&Source> = sources.iter().filter(is_of_core).collect();
        let definitions = Definitions::of(&sources);
        let mut calls = Calls { named: BTreeMap::new() };
        for source in sources {
            let mut reader = Reader {
                path: &source.path,
                definitions: &definitions,
                imported: imports_of(source),
                of: None,
                known: BTreeMap::new(),
                calls: &mut calls,
            };
            source.items().iter().for_each(|item| reader.visit_item(item));
        }
        calls
    }

    /// The files that call each other in a circle, the largest circle first.
    #[must_use]
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut graph = Graph::new();
        for (from, to) in self.named.keys() {
            graph.entry(from.clone()).or_default().insert(to.clone());
        }
        circles(&graph)
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let circles = self.circles();
        if circles.is_empty() {
            writeln!(f, "no files of {ROOT} call each other in a circle")?;
        }
        for circle in circles {
            writeln!(f, "{} files of {ROOT} call each other in a circle:", circle.len())?;
            for from in &circle {
                writeln!(f, "  {}", below_root(from))?;
                let inside =
                    self.named.iter().filter(|((of, to), _)| of == from && circle.contains(to));
                for ((_, to), names) in inside {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    writeln!(f, "    -> {}: {}", below_root(to), names.join(" "))?;
                }
            }
        }
        Ok(())
    }
}

/// The imports at the top of a file, by their local names. `super` is resolved.
fn imports_of(source: &Source) -> BTreeMap<String, Vec<String>> {
    let mut imported = BTreeMap::new();
    for item in source.items().iter().filter(|item| !is_test(attributes(item))) {
        let syn::Item::Use(item) = item else { continue };
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for (path, name) in paths {
            let own = module_of(&source.path, ROOT).unwrap_or_default();
            if let Some(path) = resolve(&path, &own) {
                imported.insert(name, path);
            }
        }
    }
    imported
}

fn below_root(path: &str) -> &str {
    path.strip_prefix(ROOT).map_or(path, |below| below.trim_start_matches('/'))
}

struct Reader<'a> {
    path: &'a str,
    definitions: &'a Definitions,
    /// The file's imports, by their local names.
    imported: BTreeMap<String, Vec<String>>,
    /// The type that `Self` stands for.
    of: Option<String>,
    /// The arguments and variables of this function, with their types where visible.
    known: BTreeMap<String, Option<String>>,
    calls: &'a mut Calls,
}

impl Reader<'_> {
    /// Records a call of a function in these files, if exactly one other file defines it.
    fn call(&mut self, name: &str, defined_in: &BTreeSet<String>) {
        if let [to] = defined_in.iter().collect::<Vec<_>>()[..]
            && to != self.path
        {
            let between = (self.path.to_owned(), to.clone());
            self.calls.named.entry(between).or_default().insert(name.to_owned());
        }
    }

    fn method(&mut self, of: Option<String>, name: &str) {
        let definitions = self.definitions;
        match of {
            Some(of) => {
                if let Some(files) = definitions.methods.get(&(of, name.to_owned())) {
                    self.call(name, files);
                }
            }
            None if OF_STD.split(' ').any(|method| method == name) => {}
            None => self.call(name, &definitions.anywhere(name)),
        }
    }

    /// Returns the type of an expression, if it is visible.
    fn type_of(&self, value: &syn::Expr) -> Option<String> {
        match value {
            syn::Expr::Path(path) if path.path.get_ident().is_some_and(|name| name == "self") => {
                self.of.clone()
            }
            syn::Expr::Path(path) => {
                self.known.get(&path.path.get_ident()?.to_string()).cloned().flatten()
            }
            syn::Expr::Field(field) => {
                let name = match &field.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                self.definitions.fields.get(&(self.type_of(&field.base)?, name)).cloned()
            }
            syn::Expr::MethodCall(call) => {
                let (of, name) = (self.type_of(&call.receiver)?, call.method.to_string());
                let is_transparent = TRANSPARENT.split(' ').any(|method| method == name);
                let returned = self.definitions.returns.get(&(of.clone(), name));
                returned.cloned().or(is_transparent.then_some(of))
            }
            syn::Expr::Call(call) => match &*call.func {
                syn::Expr::Path(path) => {
                    let (of, name) = self.associated(&path.path)?;
                    self.definitions.returns.get(&(of, name)).cloned()
                }
                _ => None,
            },
            syn::Expr::Struct(literal) => self.named(literal.path.segments.last()?),
            syn::Expr::Reference(inner) => self.type_of(&inner.expr),
            syn::Expr::Paren(inner) => self.type_of(&inner.expr),
            syn::Expr::Try(inner) => self.type_of(&inner.expr),
            syn::Expr::Unary(inner) => self.type_of(&inner.expr),
            _ => None,
        }
    }

    /// Returns the type and function that a path such as `Node::answer` names.
    fn associated(&self, path: &syn::Path) -> Option<(String, String)> {
        let mut last = path.segments.iter().rev();
        let (name, of) = (last.next()?.ident.to_string(), self.named(last.next()?)?);
        of.starts_with(char::is_uppercase).then_some((of, name))
    }

    fn named(&self, segment: &syn::PathSegment) -> Option<String> {
        let name = segment.ident.to_string();
        if name == "Self" { self.of.clone() } else { Some(name) }
    }

    /// Records the types of a pattern's variables.
    fn bind(&mut self, pattern: &syn::Pat, of: Option<String>) {
        match pattern {
            syn::Pat::Ident(variable) => {
                self.known.insert(variable.ident.to_string(), of);
            }
            syn::Pat::Type(typed) => {
                let of = name_of(&typed.ty, self.of.as_deref());
                self.bind(&typed.pat, of);
            }
            syn::Pat::Reference(inner) => self.bind(&inner.pat, of),
            syn::Pat::TupleStruct(tuple) => {
                let wraps = tuple.path.segments.last();
                let wraps = wraps.is_some_and(|last| last.ident == "Some" || last.ident == "Ok");
                for inner in &tuple.elems {
                    self.bind(inner, of.clone().filter(|_| wraps));
                }
            }
            syn::Pat::Struct(fields) => {
                let outer = fields.path.segments.last().and_then(|last| self.named(last));
                for field in &fields.fields {
                    let syn::Member::Named(name) = &field.member else { continue };
                    let key = outer.clone().map(|outer| (outer, name.to_string()));
                    let of = key.and_then(|key| self.definitions.fields.get(&key).cloned());
                    self.bind(&field.pat, of);
                }
            }
            _ => {}
        }
    }

    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let before = core::mem::take(&mut self.known);
        for argument in &signature.inputs {
            if let syn::FnArg::Typed(typed) = argument {
                let of = name_of(&typed.ty, self.of.as_deref());
                self.bind(&typed.pat, of);
            }
        }
        self.visit_block(body);
        self.known = before;
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let before = core::mem::replace(&mut self.of, name_of(&item.self_ty, None));
        syn::visit::visit_item_impl(self, item);
        self.of = before;
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        let before = self.of.replace(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.of = before;
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        syn::visit::visit_local(self, local);
        let of = local.init.as_ref().and_then(|init| self.type_of(&init.expr));
        self.bind(&local.pat, of);
    }

    fn visit_expr_let(&mut self, condition: &'a syn::ExprLet) {
        syn::visit::visit_expr_let(self, condition);
        let of = self.type_of(&condition.expr);
        self.bind(&condition.pat, of);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        syn::visit::visit_expr_method_call(self, call);
        let of = self.type_of(&call.receiver);
        self.method(of, &call.method.to_string());
    }

    /// Sees calls by path, and functions passed as arguments.
    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let definitions = self.definitions;
        if let Some((of, name)) = self.associated(&path.path) {
            return self.method(Some(of), &name);
        }
        let mut segments: Vec<String> =
            path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [name] = &segments[..] {
            // It may be a variable, or a definition of this file.
            let imported = self.imported.get(name).filter(|_| !self.known.contains_key(name));
            let Some(imported) = imported else { return };
            segments.clone_from(imported);
        }
        let (Some(name), Some(module)) = (segments.pop(), segments.pop()) else { return };
        let of_module =
            |file: &&String| module_of(file, ROOT).is_some_and(|path| path.contains(&module));
        let files = definitions.functions.get(&name).into_iter().flatten();
        let files: BTreeSet<String> = files.filter(of_module).cloned().collect();
        self.call(&name, &files);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        type List = syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>;
        if let Ok(arguments) = call.parse_body_with(List::parse_terminated) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        let source = |(path, text): &(&str, &str)| Source::new(format!("{ROOT}/{path}"), *text);
        files.iter().map(source).collect::<Result<_, _>>().expect("they parse")
    }

    /// Returns the functions of `b.rs` that `a.rs` calls.
    ///
    /// `body` is that of a method, and the type of the method has a field of a type of `b.rs`.
    fn called(body: &str) -> Vec<String> {
        let a = format!(
            "use super::b::free;\npub struct Node {{ table: Option<Table> }}\n\
             impl Node {{ fn f(&mut self, t: &Table) {{ {body} }} }}"
        );
        let b = "pub struct Table;\nimpl Table { fn new() -> Self { Table } fn insert(&self) {} \
                 fn settle(&self) {} }\nimpl Node { fn g(&mut self) {} }\npub fn free() {}\n";
        let calls = Calls::of(&sources(&[("a.rs", &a), ("b.rs", b), ("c.rs", "")]));
        calls.named.values().flatten().cloned().collect()
    }

    #[test]
    fn a_call_is_seen_however_it_is_written() {
        for (body, name) in [
            ("self.g();", "g"),
            ("Node::g(self);", "g"),
            ("Self::g(self);", "g"),
            ("self.each(Node::g);", "g"),
            ("self.table.as_ref().expect(\"one\").insert();", "insert"),
            ("if let Some(one) = &self.table { one.insert(); }", "insert"),
            ("t.insert();", "insert"),
            ("let one: Table = other(); one.insert();", "insert"),
            ("let Node { table, .. } = self; table.insert();", "insert"),
            ("anything().settle();", "settle"),
            ("crate::b::free();", "free"),
            ("free();", "free"),
            ("assert!(1 > 0, \"{}\", free());", "free"),
        ] {
            assert_eq!(called(body), [name], "{body}");
        }
        assert_eq!(called("Table::new().insert();"), ["insert", "new"]);
    }

    #[test]
    fn what_is_no_call_of_ours_is_not_taken_for_one() {
        for body in [
            "anything().insert();",
            "let t = anything(); t.insert();",
            "crate::c::free();",
            "let other = 1; other;",
            "let free = anything(); self.f(free);",
            "self.f(t);",
        ] {
            assert_eq!(called(body), [""; 0], "{body}");
        }
    }

    /// A number of files that each call the next, and the last the first.
    fn circle(count: usize) -> Vec<String> {
        let files: Vec<(String, String)> = (0..count)
            .map(|number| {
                let next = (number + 1) % count;
                let text = format!("impl Node {{ fn f{number}(&mut self) {{ self.f{next}(); }} }}");
                (format!("m{number}.rs"), text)
            })
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check(&sources(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn more_than_four_files_in_a_circle_are_too_many() {
        assert_eq!(circle(4), [""; 0]);
        let found = circle(5);
        assert_eq!(found.len(), 1);
        let expected = "5 files call each other in a circle: m0.rs m1.rs m2.rs m3.rs m4.rs";
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn what_a_test_calls_does_not_count() {
        let test = "#[cfg(test)]\nmod tests { fn f(node: Node) { node.g(); } }\n";
        let b = "impl Node { fn g(&mut self) {} }\n";
        assert!(Calls::of(&sources(&[("a.rs", test), ("b.rs", b)])).named.is_empty());
    }
}
