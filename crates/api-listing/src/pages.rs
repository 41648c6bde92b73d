//! Rustdoc's pages as a reader sees them.

use std::fs;
use std::path::{Path, PathBuf};

/// Elements whose content is not shown.
const UNSEEN: &[&str] = &["head", "script", "style", "noscript"];

/// The places in this folder and below that show one of these words: page, word, and the line.
pub(crate) fn that_name(words: &[&str], folder: &Path) -> Result<Vec<String>, String> {
    let pages = pages(folder)?;
    if pages.is_empty() {
        return Err(format!("{}: no page is here", folder.display()));
    }
    let mut places = Vec::new();
    for page in pages {
        let html = fs::read_to_string(&page).map_err(|why| format!("{}: {why}", page.display()))?;
        let shown = page.strip_prefix(folder).unwrap_or(&page).display();
        for line in visible(&html).lines() {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                places.push(format!("{word} in {shown}: {}", line.trim()));
            }
        }
    }
    Ok(places)
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |why: std::io::Error| format!("{}: {why}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a page, without its tags.
fn visible(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let (tag, after) = split_tag(&rest[at..]);
        rest = after;
        let name = tag.trim_start_matches('<');
        let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if UNSEEN.contains(&name) {
            let end = format!("</{name}>");
            rest = rest.split_once(&end).map_or("", |(_, after)| after);
        }
    }
    text.push_str(rest);
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(text, |text, (entity, character)| text.replace(entity, character))
}

/// The tag at the beginning of the text, and the rest. A quoted value may have a `>`.
fn split_tag(html: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, character) in html.char_indices() {
        match (quote, character) {
            (None, '>') => return html.split_at(at + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    (html, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_no_tag_and_no_script_holds() {
        let html = "<html><head><title>swim_core</title></head><body>\n\
            <script>swim_core</script><a title=\"a > b, swim_core\" href='swim_core'>Config</a>\n\
            <span class=\"kw\">use</span> <span>swim_core</span>::Config;&lt;T&gt;</body>";
        assert_eq!(visible(html), "\nConfig\nuse swim_core::Config;<T>");
    }

    #[test]
    fn a_word_is_found_on_every_page_with_its_line() {
        let folder = std::env::temp_dir().join(format!("pages-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        fs::write(folder.join("a.html"), "<p>one\n<b>swim_core</b>::Config</p>").unwrap();
        fs::write(folder.join("below/b.html"), "<p title='swim_core'>swim_tokio</p>").unwrap();
        let found = that_name(&["swim_driver", "swim_core"], &folder);
        let none = that_name(&["swim_sim"], &folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, Ok(vec!["swim_core in a.html: swim_core::Config".to_string()]));
        assert_eq!(none, Ok(vec![]));
    }
}
