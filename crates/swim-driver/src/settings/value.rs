//! A value as it was written, before its type is known.

use std::fmt;

use toml::de::DeValue;

/// A value as it was written in a file, a variable or a flag.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A text in quotes.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// `true` or `false`.
    Flag(bool),
    /// Values in brackets.
    List(Vec<Value>),
    /// A table: keys with values.
    Map(Vec<(String, Value)>),
    /// Anything that no setting takes: a float, a date.
    Other(String),
    /// The text of a variable or a flag, which may mean any of the first five.
    ///
    /// Commas separate the items of a list.
    Bare(String),
}

impl Value {
    pub(crate) fn from_toml(value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(it) => match i128::from_str_radix(it.as_str(), it.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Other(it.to_string()),
            },
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(list) => {
                Value::List(list.iter().map(|it| Value::from_toml(it.get_ref())).collect())
            }
            DeValue::Table(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| key.span().start);
                let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                    let key: &std::borrow::Cow<'_, str> = key.get_ref();
                    (key.to_string(), Value::from_toml(value.get_ref()))
                };
                Value::Map(entries.into_iter().map(entry).collect())
            }
            DeValue::Float(number) => Value::Other(number.to_string()),
            DeValue::Datetime(date) => Value::Other(date.to_string()),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Bare(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self {
            Value::Flag(flag) => Some(*flag),
            Value::Bare(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i128> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Bare(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<Vec<&str>> {
        match self {
            Value::List(list) => list.iter().map(Value::text).collect(),
            Value::Bare(text) => Some(parts(text)),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<Vec<(&str, &str)>> {
        match self {
            Value::Map(map) => {
                map.iter().map(|(key, value)| Some((key.as_str(), value.text()?))).collect()
            }
            Value::List(_) | Value::Bare(_) => self.list()?.into_iter().map(pair).collect(),
            _ => None,
        }
    }
}

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(key, _)| !key.is_empty())
}

/// Splits at commas. Empty for an empty text.
fn parts(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(str::trim).collect()
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) | Value::Bare(text) => write!(f, "{text:?}"),
            Value::Integer(number) => number.fmt(f),
            Value::Flag(flag) => flag.fmt(f),
            Value::List(list) => {
                let list: Vec<String> = list.iter().map(Value::to_string).collect();
                write!(f, "[{}]", list.join(", "))
            }
            Value::Map(_) => f.write_str("a table"),
            Value::Other(shown) => f.write_str(shown),
        }
    }
}
