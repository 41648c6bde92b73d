//! Limits files to 600 lines and functions to 70, without tests.
//!
//! A file's tests are its `#[cfg(test)]` items. A file that is a test as a whole has the same
//! limit, for all its lines. A function's lines are those with code, from its signature to its last
//! brace. clippy's `too_many_lines` counts the same way, without the signature.

use syn::visit::Visit;

use crate::finding::{Finding, Rule};
use crate::source::{Source, lines_of};
use crate::test_code::{is_test, test_lines, test_paths};

/// The most lines of a file.
pub const FILE_MAX: usize = 600;

/// The most lines of a function.
pub const FUNCTION_MAX: usize = 70;

/// Finds files and functions that are too long.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let tests = test_paths(sources);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.syntax.is_some()) {
        let is_tests = tests.contains(&source.path);
        let without_tests = if is_tests { 0 } else { test_lines(source) };
        let lines = source.text.lines().count() - without_tests;
        if lines > FILE_MAX {
            findings.push(Finding {
                path: source.path.clone(),
                line: 1,
                rule: Rule::Sizes,
                key: "file".into(),
                what: format!("the file has {lines} lines without its tests"),
                remedy: format!("split it by task, at most {FILE_MAX} lines each"),
            });
        }
        if !is_tests {
            let lines = source.text.lines().collect();
            let mut functions = Functions { path: &source.path, lines, findings: &mut findings };
            source.items().iter().for_each(|item| functions.visit_item(item));
        }
    }
    findings
}

struct Functions<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    findings: &'a mut Vec<Finding>,
}

impl Functions<'_> {
    fn check(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (first, last) = (lines_of(signature).0, lines_of(body).1);
        let lines = self.lines[first - 1..last].iter().map(|line| line.trim());
        let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
        if code > FUNCTION_MAX {
            self.findings.push(Finding {
                path: self.path.to_owned(),
                line: first,
                rule: Rule::Sizes,
                key: format!("fn {}", signature.ident),
                what: format!("the function {} has {code} lines", signature.ident),
                remedy: format!("move work into other functions, at most {FUNCTION_MAX} lines"),
            });
        }
    }
}

impl<'a> Visit<'a> for Functions<'_> {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(crate::test_code::attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.check(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.check(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.check(&function.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let sources = [Source::new(path, text).expect("it parses")];
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_file_is_found_but_its_tests_do_not_count() {
        let code = "const A: u8 = 0;\n".repeat(600);
        assert_eq!(found("a/src/long.rs", &code), [""; 0]);
        let tests = format!("\n#[cfg(test)]\nmod tests {{\n{code}}}\n");
        let expected = "a/src/long.rs:1: the file has 601 lines without its tests: split it by \
                        task, at most 600 lines each";
        assert_eq!(found("a/src/long.rs", &format!("{code}{tests}")), [expected]);
        assert_eq!(found("a/tests/long.rs", &format!("{code}const B: u8 = 0;\n")).len(), 1);
    }

    #[test]
    fn a_file_that_is_declared_a_test_is_one() {
        let tests = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(80));
        let named = |declaration: &str| {
            let parent = Source::new("a/src/seal.rs", declaration).expect("it parses");
            let child = Source::new("a/src/seal/tests.rs", tests.as_str()).expect("it parses");
            check(&[parent, child]).len()
        };
        assert_eq!(named("#[cfg(test)]\nmod tests;\n"), 0);
        assert_eq!(named("mod tests;\n"), 1);
    }

    #[test]
    fn a_long_function_is_found_wherever_it_is() {
        let body = |lines: usize| "        work();\n        // why\n\n".repeat(lines);
        for (before, after) in [("fn long() {\n", "}\n"), ("impl A {\n    fn long() {\n", "}\n}\n")]
        {
            let text = |lines: usize| format!("{before}{}{after}", body(lines));
            assert_eq!(found("a/src/b.rs", &text(68)), [""; 0]);
            let found = found("a/src/b.rs", &text(69));
            assert!(found[0].contains("the function long has 71 lines"), "{found:?}");
        }
        let test = format!("#[test]\nfn long() {{\n{}}}\n", body(80));
        assert_eq!(found("a/src/b.rs", &test), [""; 0]);
    }
}
