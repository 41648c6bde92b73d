//! A table of the events.

use syn::{Attribute, Expr, ExprLit, Fields, Item, ItemEnum, Lit, Meta};

use crate::tables::row;

/// The events: the name in logs and JSON, the variant with its fields, and its documentation.
pub(crate) fn table(definition: &str, kinds: &str) -> Result<String, String> {
    let events = event(definition)?;
    let mut table = String::from("| event | variant and fields | meaning |\n|---|---|---|\n");
    for variant in &events.variants {
        let name = kind(kinds, &variant.ident.to_string())?;
        let fields = match &variant.fields {
            Fields::Named(fields) => fields.named.iter(),
            _ => return Err(format!("{} has no named fields", variant.ident)),
        };
        let fields: Vec<String> =
            fields.filter_map(|field| Some(format!("`{}`", field.ident.as_ref()?))).collect();
        let shown = format!("`{}`: {}", variant.ident, fields.join(", "));
        row(&mut table, &[&format!("`{name}`"), &shown, &documentation(&variant.attrs)]);
    }
    Ok(table)
}

/// The enum `Event` of a file.
fn event(definition: &str) -> Result<ItemEnum, String> {
    let file = syn::parse_file(definition).map_err(|error| error.to_string())?;
    let found = file.items.into_iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == "Event" => Some(item),
        _ => None,
    });
    found.ok_or_else(|| "there is no enum Event".to_owned())
}

/// The name of a variant in logs and JSON, from the list of kinds.
fn kind<'a>(kinds: &'a str, variant: &str) -> Result<&'a str, String> {
    let arm = format!(" {variant} => \"");
    let found = kinds.split_once(&arm).and_then(|(_, rest)| rest.split('"').next());
    found.ok_or_else(|| format!("Event::kind has no name for {variant}"))
}

/// The first paragraph of a documentation, without links.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let first: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    without_links(&first.join(" "))
}

/// Markdown with the texts of its links alone: their targets are those of rustdoc.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let Some((shown, after)) = after[1..].split_once(']') else {
            plain.push_str(after);
            return plain;
        };
        plain.push_str(shown);
        rest = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_becomes_a_row_with_its_name_its_fields_and_its_first_paragraph() {
        let definition = "pub enum Event {\n/// A [member](crate::Member) is\n/// [`Up`].\n///\n\
                          /// More.\nUp { /// It.\nmember: Member, via: Via } }";
        let kinds = "kinds! { Up => \"up\", }";
        let table = table(definition, kinds).expect("it is an event");
        assert!(
            table.ends_with("| `up` | `Up`: `member`, `via` | A member is `Up`. |\n"),
            "{table}"
        );
        assert!(super::table(definition, "").is_err());
    }
}
