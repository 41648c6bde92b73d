//! The Markdown of pages and comments.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::source::Source;

/// The Markdown of a page, or of a comment without its slashes.
pub(crate) struct Markdown {
    first_line: usize,
    text: String,
}

/// A paragraph, heading, list item or table cell, with inline code replaced by `X`.
pub(crate) struct Paragraph {
    /// The line of the file where it begins.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Markdown {
    /// Returns the page of a Markdown file, or each block of comments of a Rust file.
    pub(crate) fn of(source: &Source) -> Vec<Markdown> {
        if source.path.ends_with(".md") {
            return vec![Markdown { first_line: 1, text: source.text.clone() }];
        }
        if source.path.ends_with(".rs") { comments(source) } else { Vec::new() }
    }

    /// Returns its paragraphs, without code blocks.
    pub(crate) fn paragraphs(&self) -> Vec<Paragraph> {
        let mut paragraphs = Paragraphs { found: Vec::new(), open: None };
        let mut is_code = false;
        for (event, range) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(_)) => is_code = true,
                Event::End(TagEnd::CodeBlock) => is_code = false,
                Event::Text(text) if !is_code => paragraphs.push(&text, self.line_at(&range)),
                Event::Code(_) => paragraphs.push("X", self.line_at(&range)),
                Event::SoftBreak | Event::HardBreak => paragraphs.push(" ", self.line_at(&range)),
                Event::Start(tag) if !is_inline(&tag) => paragraphs.close(),
                Event::End(tag) if is_block_end(tag) => paragraphs.close(),
                _ => {}
            }
        }
        paragraphs.close();
        paragraphs.found
    }

    /// Returns the targets of its links and images, each with its line.
    pub(crate) fn targets(&self) -> Vec<(usize, String)> {
        let target = |(event, range): (Event<'_>, Range<usize>)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some((self.line_at(&range), dest_url.into_string()))
            }
            _ => None,
        };
        self.events().filter_map(target).collect()
    }

    /// Returns the anchors of its headings, as GitHub and mdBook generate them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let mut heading = None;
        for (event, _) in self.events() {
            match (event, &mut heading) {
                (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
                (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
                (Event::End(TagEnd::Heading(_)), _) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    let earlier = anchors.iter().filter(|earlier| **earlier == anchor).count();
                    anchors.push(anchor.clone());
                    if earlier > 0 {
                        anchors.push(format!("{anchor}-{earlier}"));
                    }
                }
                _ => {}
            }
        }
        anchors
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    fn line_at(&self, range: &Range<usize>) -> usize {
        self.first_line + self.text[..range.start].matches('\n').count()
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

struct Paragraphs {
    found: Vec<Paragraph>,
    open: Option<Paragraph>,
}

impl Paragraphs {
    fn push(&mut self, text: &str, line: usize) {
        self.open.get_or_insert(Paragraph { line, text: String::new() }).text.push_str(text);
    }

    fn close(&mut self) {
        self.found.extend(self.open.take());
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::Superscript
            | Tag::Subscript
    )
}

fn is_block_end(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell | TagEnd::List(_)
    )
}

/// Returns the blocks of whole-line comments.
fn comments(source: &Source) -> Vec<Markdown> {
    let mut blocks: Vec<Markdown> = Vec::new();
    let mut last: Option<(usize, &str)> = None;
    for (number, line) in source.lines() {
        let Some((marker, text)) = comment(line) else {
            continue;
        };
        match blocks.last_mut() {
            Some(block) if last == Some((number - 1, marker)) => {
                block.text.push('\n');
                block.text.push_str(text);
            }
            _ => blocks.push(Markdown { first_line: number, text: text.to_owned() }),
        }
        last = Some((number, marker));
    }
    blocks
}

/// Returns the marker and the text of a comment line.
fn comment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let marker = ["///", "//!", "//"].into_iter().find(|marker| line.starts_with(marker))?;
    let text = &line[marker.len()..];
    Some((marker, text.strip_prefix(' ').unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraphs(path: &str, text: &str) -> Vec<(usize, String)> {
        let pages = Markdown::of(&Source::new(path, text).expect("it parses"));
        let all = pages.iter().flat_map(Markdown::paragraphs);
        all.map(|paragraph| (paragraph.line, paragraph.text)).collect()
    }

    #[test]
    fn a_page_has_paragraphs_headings_items_and_cells() {
        let page =
            "# A\n\nB\nc `d`.\n\n- e\n- f\n\n| g | h |\n|---|---|\n| *i* | j |\n\n```\nk\n```\n";
        let expected =
            [(1, "A"), (3, "B c X."), (6, "e"), (7, "f"), (9, "g"), (9, "h"), (11, "i"), (11, "j")];
        assert_eq!(paragraphs("a.md", page), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn comments_of_one_kind_in_a_row_are_one_page() {
        let code = "//! A\n//! b.\n\n/// C.\n// D\n// e.\nfn f() {} // not this\n";
        let expected = [(1, "A b."), (4, "C."), (5, "D e.")];
        assert_eq!(paragraphs("a.rs", code), expected.map(|(line, text)| (line, text.to_owned())));
        assert_eq!(paragraphs("a.go", "// A.\n"), []);
    }

    #[test]
    fn links_and_anchors_are_those_that_readers_follow() {
        let text = "# A `b` (c)\n\n[d](e.md#f) and [g][h]\n\n## Same\n\n## Same\n\n[h]: i.md\n";
        let page = &Markdown::of(&Source::new("a.md", text).expect("it parses"))[0];
        assert_eq!(page.targets(), [(3, "e.md#f".to_owned()), (3, "i.md".to_owned())]);
        assert_eq!(page.anchors(), ["a-b-c", "same", "same", "same-1"]);
    }
}
