//! A page with parts that are made.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::Sources;

const OPEN: &str = "<!-- refresh: ";
const OPEN_END: &str = " -->";
const CLOSE: &str = "<!-- /refresh -->";

/// The result for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The page, from the root of the repository.
    pub path: PathBuf,
    /// The number of its parts.
    pub parts: usize,
    /// The directives of the stale parts.
    pub stale: Vec<String>,
}

/// Makes the parts of all pages, and writes the pages that have changed unless `is_check`. Returns
/// the pages that have parts.
///
/// # Errors
///
/// When a page cannot be read or written, a comment is not understood, or a part cannot be made.
pub fn refresh(sources: &Sources, is_check: bool) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    for path in pages(sources.root())? {
        let full = sources.root().join(&path);
        let about = |what: &str| format!("{}: {what}", path.display());
        let text = fs::read_to_string(&full).map_err(|error| about(&error.to_string()))?;
        let made = remake(&text, |what| sources.make(what)).map_err(|error| about(&error))?;
        if made.parts == 0 {
            continue;
        }
        if !is_check && made.text != text {
            fs::write(&full, &made.text).map_err(|error| about(&error.to_string()))?;
        }
        outcomes.push(Outcome { path, parts: made.parts, stale: made.stale });
    }
    Ok(outcomes)
}

/// The pages of the repository, sorted.
fn pages(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        let about = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(root.join(&folder)).map_err(about)? {
            let entry = entry.map_err(about)?;
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    Ok(pages)
}

struct Remade {
    text: String,
    parts: usize,
    stale: Vec<String>,
}

/// A page with its parts made anew.
fn remake(
    page: &str,
    mut make: impl FnMut(&str) -> Result<String, String>,
) -> Result<Remade, String> {
    let mut made = Remade { text: String::new(), parts: 0, stale: Vec::new() };
    let mut rest = page;
    while let Some(at) = rest.find(OPEN) {
        let (before, after) = rest.split_at(at);
        let (what, after) = after[OPEN.len()..]
            .split_once(OPEN_END)
            .ok_or_else(|| format!("\"{OPEN}\" without \"{OPEN_END}\": end the comment"))?;
        let (old, after) = after
            .split_once(CLOSE)
            .ok_or_else(|| format!("\"{what}\" has no end: write {CLOSE} after the part"))?;
        let new = format!("\n{}\n", make(what)?.trim_end());
        if new != old {
            made.stale.push(what.to_owned());
        }
        made.parts += 1;
        made.text.push_str(&format!("{before}{OPEN}{what}{OPEN_END}{new}{CLOSE}"));
        rest = after;
    }
    made.text.push_str(rest);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upper(what: &str) -> Result<String, String> {
        Ok(what.to_uppercase() + "\n")
    }

    #[test]
    fn a_part_is_replaced_and_the_rest_is_kept() {
        let page = "a\n<!-- refresh: b -->\nold\n<!-- /refresh -->\nc\n<!-- refresh: d -->\nD\n\
                    <!-- /refresh -->\n";
        let made = remake(page, upper).expect("it is understood");
        assert_eq!(made.text, page.replace("old", "B"));
        assert_eq!((made.parts, made.stale), (2, vec!["b".to_owned()]));
        let again = remake(&made.text, upper).expect("it is understood");
        assert_eq!((again.text, again.stale), (made.text, vec![]));
    }

    #[test]
    fn a_part_without_an_end_is_an_error() {
        for page in ["<!-- refresh: b -->\nold\n", "<!-- refresh: b"] {
            assert!(remake(page, upper).is_err(), "{page}");
        }
    }
}
