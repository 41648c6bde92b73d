//! Code that is compiled only for tests.

use std::collections::BTreeSet;

use crate::source::{Source, line_of, lines_of};

/// Whether these attributes contain `#[cfg(test)]` or `#[test]`.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let condition = || attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test");
        path.is_ident("test") || (path.is_ident("cfg") && condition())
    })
}

/// Returns the attributes of an item.
pub(crate) fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Counts the lines of the file that are only for tests.
pub(crate) fn test_lines(source: &Source) -> usize {
    let items = source.items().iter().filter(|item| is_test(attributes(item)));
    items
        .map(|item| {
            let (first, last) = lines_of(item);
            let first = attributes(item).iter().map(line_of).min().unwrap_or(first).min(first);
            last + 1 - first
        })
        .sum()
}

/// Returns the paths of files that are only tests: from `#[cfg(test)] mod name;` and test folders.
pub(crate) fn test_paths(sources: &[Source]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for source in sources {
        if is_of_a_test_folder(&source.path) {
            paths.insert(source.path.clone());
        }
        for item in source.items() {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && is_test(&module.attrs)
            {
                let folder = crate::paths::folder_of_children(&source.path);
                let stem = format!("{folder}/{}", module.ident);
                let inside = format!("{stem}/");
                let all = sources.iter().map(|source| &source.path);
                paths.extend(
                    all.filter(|path| {
                        path.strip_suffix(".rs") == Some(stem.as_str()) || path.starts_with(&inside)
                    })
                    .cloned(),
                );
            }
        }
    }
    paths
}

fn is_of_a_test_folder(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    !path.contains("/src/") && folders.any(|folder| folder == "tests")
}
