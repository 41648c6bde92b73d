//! Plain wording in pages and comments.
//!
//! No sentence opens with *Who*, *What* or *Where* in place of a noun; questions may. No phrase of
//! [`STAND_INS`] occurs. These are the rules of CONTRIBUTING.md, "Words", that a program can check.

use crate::finding::{Finding, Rule};
use crate::markdown::Markdown;
use crate::source::Source;

/// Words that open a sentence only if it is a question.
const OPENERS: [&str; 6] = ["who", "whoever", "what", "whatever", "where", "wherever"];

/// Phrases that replace a term of the field or need decoding, each with its remedy.
pub const STAND_INS: [(&str, &str); 29] = [
    ("whoever", "name the noun"),
    ("whomever", "name the noun"),
    ("whatever", "name the noun"),
    ("goodbye", "write \"leave message\""),
    ("goodbyes", "write \"leave messages\""),
    ("told so", "write \"reported\", or name the message"),
    ("say so", "name what is reported"),
    ("says so", "name what is reported"),
    ("said so", "name what is reported"),
    ("saying so", "name what is reported"),
    ("the word is", "write \"the update\""),
    ("detour", "write \"relay\" or \"TCP\""),
    ("detours", "write \"relays\" or \"TCP\""),
    ("aloud", "write \"with a notice\""),
    ("hear nobody", "write \"receives nothing\""),
    ("hears nobody", "write \"receives nothing\""),
    ("heard nobody", "write \"received nothing\""),
    ("in vain", "write \"without an answer\""),
    ("lest", "write \"so that ... not\""),
    ("at hand", "write \"available\""),
    ("no more", "write \"no longer\", or \"no more than\""),
    ("the others", "write \"the other members\", or name them"),
    ("afar", "name the distance or the path"),
    ("that is all", "leave it out"),
    ("one's", "name the owner"),
    ("hitherto", "write \"so far\""),
    ("thereof", "name the noun"),
    ("wherein", "write \"in which\""),
    ("by the way", "leave it out"),
];

/// Finds sentences and phrases that a reader has to decode.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for paragraph in Markdown::of(source).iter().flat_map(Markdown::paragraphs) {
            let found = |(key, what, remedy): (&str, String, &str)| Finding {
                path: source.path.clone(),
                line: paragraph.line,
                rule: Rule::Prose,
                key: key.to_owned(),
                what,
                remedy: remedy.to_owned(),
            };
            findings.extend(openers(&paragraph.text).map(found));
            findings.extend(stand_ins(&paragraph.text).map(found));
        }
    }
    findings
}

/// Finds the sentences that open with a stand-in.
fn openers(text: &str) -> impl Iterator<Item = (&'static str, String, &'static str)> {
    sentences(text).filter_map(|sentence| {
        let first = sentence.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())?;
        let is_upper = first.chars().next().is_some_and(char::is_uppercase);
        let opener = OPENERS.into_iter().find(|opener| first.eq_ignore_ascii_case(opener))?;
        let start: String = sentence.chars().take(40).collect();
        let what = format!("the sentence \"{start}\" opens with a stand-in for a noun");
        (is_upper && !sentence.contains('?')).then_some((opener, what, "name the noun"))
    })
}

/// Splits a paragraph into sentences.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let ends = rest.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?' | ':'));
        let mut ends = ends.map(|(at, _)| at + 1);
        let end = ends.find(|end| rest[*end..].starts_with(' ')).unwrap_or(rest.len());
        let (sentence, left) = rest.split_at(end);
        rest = left;
        Some(sentence)
    })
}

/// Finds the phrases of the list.
fn stand_ins(text: &str) -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    STAND_INS.into_iter().filter_map(move |(phrase, remedy)| {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        let is_found = (0..words.len()).any(|at| {
            let rest = &words[at..];
            let is_here =
                rest.len() >= wanted.len() && rest.iter().zip(&wanted).all(|(a, b)| a == b);
            is_here && !(phrase == "no more" && rest.get(2).is_some_and(|word| word == "than"))
        });
        is_found.then(|| (phrase, format!("\"{phrase}\""), remedy))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let sources = [Source::new("a.md", text).expect("it parses")];
        check(&sources).into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn a_sentence_that_opens_with_a_stand_in_is_found() {
        assert_eq!(found("Where UDP is blocked, use TCP."), ["where"]);
        assert_eq!(found("A node. Who left says it."), ["who"]);
        assert_eq!(found("It has: What is sent."), ["what"]);
        assert_eq!(found("- *What* it sends"), ["what"]);
        assert_eq!(found("| a |\n|---|\n| Where it is |\n"), ["where"]);
    }

    #[test]
    fn a_question_and_a_relative_clause_are_not() {
        for right in [
            "What does it cost?",
            "A node that knows where it is, and what it is.",
            "# Where is it?",
            "`What` is a type. A `Where` too.",
            "Version 1.2: what follows.",
        ] {
            assert_eq!(found(right), [""; 0], "{right}");
        }
    }

    #[test]
    fn a_phrase_of_the_list_is_found_across_lines_and_in_capitals() {
        assert_eq!(found("It tells the\nothers."), ["the others"]);
        assert_eq!(found("NO MORE of it"), ["no more"]);
        assert_eq!(found("no more than three, the otherwise best, `the others`"), [""; 0]);
        assert_eq!(found("```\nthe others\n```\n"), [""; 0]);
    }
}
