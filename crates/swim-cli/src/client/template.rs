//! `--format`: a line of a form that the user gives, for each member.

use serde_json::Value;

use super::ask::text_at;
use crate::text;

const FIELDS: &str = "{name} {address} {host} {port} {state} {incarnation} {meta} {tags} {tag.KEY}";

/// Text with fields in it.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Field(String),
    Tag(String),
}

impl Template {
    /// Reads a template. `{{` and `}}` stand for braces, `\t` and `\n` for a tab and a line break.
    pub(super) fn parse(template: &str) -> Result<Self, String> {
        let template = template.replace("\\t", "\t").replace("\\n", "\n");
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = template.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '{' | '}' if rest.peek() == Some(&c) => {
                    rest.next();
                    plain.push(c);
                }
                '{' => {
                    let field: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::named(&field)?);
                }
                c => plain.push(c),
            }
        }
        parts.push(Part::Text(plain));
        Ok(Template(parts))
    }

    /// The line of a member.
    pub(super) fn render(&self, member: &Value) -> String {
        self.0.iter().map(|part| part.render(member)).collect()
    }
}

impl Part {
    fn named(field: &str) -> Result<Self, String> {
        match field {
            "name" | "address" | "host" | "port" | "state" | "incarnation" | "meta" | "tags" => {
                Ok(Part::Field(field.into()))
            }
            field => match field.strip_prefix("tag.") {
                Some(key) => Ok(Part::Tag(key.into())),
                None => Err(format!("there is no field {{{field}}}; there are {FIELDS}")),
            },
        }
    }

    fn render(&self, member: &Value) -> String {
        let (host, port) = text_at(member, "address").rsplit_once(':').unwrap_or_default();
        match self {
            Part::Text(text) => text.clone(),
            Part::Tag(key) => text::escape(text_at(&member["tags"], key)),
            Part::Field(field) => match field.as_str() {
                "host" => host.trim_matches(['[', ']']).into(),
                "port" => port.into(),
                "incarnation" => member["incarnation"].to_string(),
                "tags" => tags(member),
                field => text::escape(text_at(member, field)),
            },
        }
    }
}

/// Tags as they are written; empty if there are none.
pub(super) fn tags(member: &Value) -> String {
    let pairs = member["tags"].as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| {
            format!("{}={}", text::escape(key), text::escape(value.as_str().unwrap_or_default()))
        })
        .collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in() {
        let member = serde_json::json!({
            "name": "a\n", "address": "[::1]:7946", "state": "alive", "incarnation": 3,
            "tags": { "role": "db", "zone": "a" },
        });
        for (template, expected) in [
            ("{name} {host} {port}", "a\\n ::1 7946"),
            ("{address}\\t{state}/{incarnation}", "[::1]:7946\talive/3"),
            ("{tags};{tag.role};{tag.none};{meta}", "role=db,zone=a;db;;"),
            ("{{{name}}} }", "{a\\n} }"),
        ] {
            assert_eq!(Template::parse(template).unwrap().render(&member), expected);
        }
        assert!(Template::parse("{nam}").unwrap_err().contains("{tag.KEY}"));
    }
}
