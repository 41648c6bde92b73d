//! Each `#[allow]` and `#[expect]` has a reason: `reason = "..."`, or a comment right above.

use syn::visit::Visit;

use crate::finding::{Finding, Rule};
use crate::source::{Source, line_of};

/// Finds attributes without a reason.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if let Some(syntax) = &source.syntax {
            Attributes { source, findings: &mut findings }.visit_file(syntax);
        }
    }
    findings
}

struct Attributes<'a> {
    source: &'a Source,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Visit<'a> for Attributes<'_> {
    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        let Some((name, arguments)) = silencing(&attribute.meta) else {
            return;
        };
        let line = line_of(attribute);
        let above = self.source.line(line - 1).trim();
        let has_comment = above.starts_with("//") && !is_documentation(above);
        if !arguments.contains("reason =") && !has_comment {
            self.findings.push(Finding {
                path: self.source.path.clone(),
                line,
                rule: Rule::Reasons,
                key: format!("{name} {arguments}"),
                what: format!("{name}({arguments}) without a reason"),
                remedy: "give it as reason = \"...\"".into(),
            });
        }
    }
}

/// Whether a comment is a doc comment: it describes the item, not why a lint is off.
fn is_documentation(comment: &str) -> bool {
    comment.starts_with("///") || comment.starts_with("//!")
}

/// Returns the name and arguments of an `allow` or `expect`, also inside `cfg_attr`.
fn silencing(meta: &syn::Meta) -> Option<(String, String)> {
    let syn::Meta::List(list) = meta else {
        return None;
    };
    let name = list.path.get_ident()?.to_string();
    if name == "allow" || name == "expect" {
        return Some((name, list.tokens.to_string()));
    }
    if name != "cfg_attr" {
        return None;
    }
    let arguments = list.parse_args_with(
        syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated,
    );
    arguments.ok()?.iter().skip(1).find_map(silencing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let sources = [Source::new("a.rs", text).expect("it parses")];
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_exception_without_a_reason_is_found_wherever_it_is() {
        for wrong in [
            "#![allow(dead_code)]\n",
            "#[allow(dead_code)]\nfn f() {}\n",
            "#[allow(dead_code)] // behind it\nfn f() {}\n",
            "/// What it is.\n#[expect(dead_code)]\nfn f() {}\n",
            "fn f() {\n    #[allow(unused)]\n    let a = 1;\n}\n",
            "#[cfg_attr(test, allow(dead_code))]\nfn f() {}\n",
        ] {
            let found = found(wrong);
            assert_eq!(found.len(), 1, "{wrong}");
            assert!(found[0].ends_with("without a reason: give it as reason = \"...\""));
        }
    }

    #[test]
    fn a_reason_is_an_argument_or_a_comment_right_above() {
        for right in [
            "#[allow(dead_code, reason = \"why\")]\nfn f() {}\n",
            "// Why.\n#[allow(dead_code)]\nfn f() {}\n",
            "#[deny(dead_code)]\nfn f() {}\n",
            "#[cfg_attr(test, allow(dead_code, reason = \"why\"))]\nfn f() {}\n",
        ] {
            assert_eq!(found(right), [""; 0], "{right}");
        }
    }
}
