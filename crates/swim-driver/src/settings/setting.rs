//! The description of a setting: its key, its type, and its documentation.

use std::time::Duration;

use toml::de::DeTable;

use super::value::Value;

/// A setting of a [`Table`].
///
/// This is the source of everything about it: the accepted values, the error message, the
/// environment variable, and the comment in the example file.
#[derive(Debug)]
pub struct Setting<T: 'static> {
    /// The key in the file.
    pub key: &'static str,
    /// Its meaning, in a sentence or two.
    pub about: &'static str,
    /// When to change it; empty if that is obvious.
    pub change: &'static str,
    /// The type of its value, and how to get and set it.
    pub kind: Kind<T>,
}

/// The type of a setting, and how to get and set its value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Kind<T: 'static> {
    /// A time with its unit.
    Time {
        /// The shortest; 1 ns stands for "above zero".
        min: Duration,
        /// The longest.
        max: Duration,
        /// Returns its value; `None` if there is none by default.
        get: fn(&T) -> Option<Duration>,
        /// Sets it.
        set: fn(&mut T, Duration),
    },
    /// A switch.
    Flag {
        /// Returns its value.
        get: fn(&T) -> bool,
        /// Sets it.
        set: fn(&mut T, bool),
    },
    /// A whole number.
    Count {
        /// The counted things, in the plural; empty for a plain number.
        unit: &'static str,
        /// The lowest value.
        min: u64,
        /// The highest value; `u64::MAX` means no limit.
        max: u64,
        /// Returns its value; `None` if there is none by default.
        get: fn(&T) -> Option<u64>,
        /// Sets it; false if it is too large for this machine.
        set: fn(&mut T, u64) -> bool,
    },
    /// One of a few words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// Returns its value.
        get: fn(&T) -> &'static str,
        /// Sets it to one of the words.
        set: fn(&mut T, &str),
    },
    /// A text in some form.
    Text {
        /// The form, as in "expected IP:PORT".
        form: &'static str,
        /// A value for the example file if there is no default.
        example: &'static str,
        /// Returns its value; `None` if there is none by default.
        get: fn(&T) -> Option<String>,
        /// Sets it, or returns what is wrong.
        set: fn(&mut T, &str) -> Result<(), String>,
    },
    /// Texts in some form. A list replaces that of a lower layer.
    List {
        /// The form of each.
        form: &'static str,
        /// A value for the example file if there is no default.
        example: &'static str,
        /// Returns its value; empty if there is none by default.
        get: fn(&T) -> Vec<String>,
        /// Sets it, or returns what is wrong.
        set: fn(&mut T, &[&str]) -> Result<(), String>,
    },
    /// Texts by key, merged with those of lower layers.
    Map {
        /// A value for the example file if there is no default.
        example: &'static str,
        /// Returns its value; empty if there is none by default.
        get: fn(&T) -> Vec<(String, String)>,
        /// Adds to it, or returns what is wrong.
        set: SetPairs<T>,
    },
}

/// Sets the texts by key, or returns what is wrong.
pub type SetPairs<T> = fn(&mut T, &[(&str, &str)]) -> Result<(), String>;

/// A table of the settings file.
#[derive(Debug)]
pub struct Table<T: 'static> {
    /// Its name, as in `[node]`.
    pub name: &'static str,
    /// A description for the example file.
    pub about: &'static str,
    /// The prefix of its environment variables; the key follows in capitals.
    pub variables: &'static str,
    /// Its settings.
    pub settings: &'static [Setting<T>],
}

impl<T> Setting<T> {
    /// Sets the value, or returns what is wrong with it.
    pub(crate) fn set(&self, target: &mut T, value: &Value) -> Result<(), String> {
        let expected = || format!("{} must be {}, not {value}", self.key, self.allowed_as(value));
        let with_key = |wrong: String| format!("{} = {value}: {wrong}", self.key);
        match &self.kind {
            Kind::Time { min, max, set, .. } => {
                let time = time(self.key, value).map_err(|wrong| wrong.unwrap_or_else(expected))?;
                if time < *min || time > *max {
                    return Err(expected());
                }
                set(target, time);
            }
            Kind::Flag { set, .. } => set(target, value.flag().ok_or_else(expected)?),
            Kind::Count { min, max, set, .. } => {
                let number = value.integer().ok_or_else(expected)?;
                let number = u64::try_from(number).ok().filter(|it| (*min..=*max).contains(it));
                if !set(target, number.ok_or_else(expected)?) {
                    return Err(format!("{} = {value} is too large for this machine", self.key));
                }
            }
            Kind::Word { words, set, .. } => {
                let word = value.text().filter(|word| words.contains(word));
                set(target, word.ok_or_else(expected)?);
            }
            Kind::Text { set, .. } => {
                set(target, value.text().ok_or_else(expected)?).map_err(with_key)?;
            }
            Kind::List { set, .. } => {
                set(target, &value.list().ok_or_else(expected)?).map_err(with_key)?;
            }
            Kind::Map { set, .. } => {
                set(target, &value.map().ok_or_else(expected)?).map_err(with_key)?;
            }
        }
        Ok(())
    }

    /// The value in the file's syntax; `None` if there is none.
    #[must_use]
    pub fn shown(&self, target: &T) -> Option<String> {
        match &self.kind {
            Kind::Time { get, .. } => get(target).map(|it| format!("{:?}", shown_time(it))),
            Kind::Flag { get, .. } => Some(get(target).to_string()),
            Kind::Count { get, .. } => get(target).map(shown_count),
            Kind::Word { get, .. } => Some(format!("{:?}", get(target))),
            Kind::Text { get, .. } => get(target).map(|text| format!("{text:?}")),
            Kind::List { get, .. } => {
                let list = get(target);
                (!list.is_empty()).then(|| format!("{list:?}"))
            }
            Kind::Map { get, .. } => {
                let pairs = get(target);
                let shown: Vec<String> =
                    pairs.iter().map(|(key, value)| format!("{key:?} = {value:?}")).collect();
                (!pairs.is_empty()).then(|| format!("{{ {} }}", shown.join(", ")))
            }
        }
    }

    /// The allowed values, worded to follow "must be".
    #[must_use]
    pub fn allowed(&self) -> String {
        match &self.kind {
            Kind::Time { min, max, .. } => {
                let least = match *min {
                    Duration::ZERO => String::new(),
                    min if min == ABOVE_ZERO => "above zero and ".into(),
                    min => format!("at least {} and ", shown_time(min)),
                };
                let time = "a time with its unit, such as \"500ms\"";
                match *max {
                    Duration::MAX => format!("{time}, {}", least.trim_end_matches(" and ")),
                    max => format!("{time}, {least}at most {}", shown_time(max)),
                }
            }
            Kind::Flag { .. } => "true or false".into(),
            Kind::Count { unit, min, max, .. } => {
                let of = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
                match *max {
                    u64::MAX => format!("a whole number{of}, at least {min}"),
                    max => format!("a whole number{of} from {min} to {}", shown_count(max)),
                }
            }
            Kind::Word { words, .. } => {
                let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                words.join(" or ")
            }
            Kind::Text { form, .. } => (*form).into(),
            Kind::List { form, .. } => format!("a list in brackets: {form}"),
            Kind::Map { .. } => "a table of strings, such as { role = \"cache\" }".into(),
        }
    }

    /// The same in the syntax of `value`: that of the file, or that of variables and flags, which
    /// has neither quotes nor brackets.
    fn allowed_as(&self, value: &Value) -> String {
        match (value, &self.kind) {
            (Value::Bare(_), Kind::List { form, .. }) => {
                format!("{}, separated by commas", form.replace('"', ""))
            }
            (Value::Bare(_), Kind::Map { .. }) => {
                format!("KEY=VALUE, separated by commas, such as {}", self.bare_example())
            }
            (Value::Bare(_), _) => self.allowed().replace('"', ""),
            _ => self.allowed(),
        }
    }

    /// The example of a list or a table, in the syntax of variables.
    pub(crate) fn bare_example(&self) -> String {
        let line = format!("{} = {}", self.key, self.example());
        let document = DeTable::parse(&line).expect("the examples are TOML");
        let value = document.get_ref().values().next().expect("it has one key");
        match Value::from_toml(value.get_ref()) {
            Value::Map(map) => {
                let text = |(key, value): &(String, Value)| {
                    format!("{key}={}", value.text().unwrap_or_default())
                };
                map.iter().map(text).collect::<Vec<_>>().join(",")
            }
            value => value.list().unwrap_or_default().join(","),
        }
    }

    pub(crate) fn example(&self) -> &'static str {
        match &self.kind {
            Kind::Text { example, .. } | Kind::List { example, .. } | Kind::Map { example, .. } => {
                example
            }
            Kind::Time { .. } => "\"60s\"",
            Kind::Count { .. } => "1",
            Kind::Flag { .. } | Kind::Word { .. } => "",
        }
    }
}

/// As the shortest time of a setting: anything but zero.
pub const ABOVE_ZERO: Duration = Duration::from_nanos(1);

/// A time with its unit, or what is wrong with it. `Err(None)` if it is not a time at all.
fn time(key: &str, value: &Value) -> Result<Duration, Option<String>> {
    match value {
        Value::Text(text) | Value::Bare(text) => {
            duration(text).map_err(|wrong| Some(format!("{key}: {wrong}")))
        }
        Value::Integer(0) => Ok(Duration::ZERO),
        Value::Integer(number) if *number > 0 => Err(Some(format!(
            "{key} = {number} has no unit: write \"{number}ms\" or \"{number}s\""
        ))),
        _ => Err(None),
    }
}

/// Reads a time with its unit: `500ms`, `2s`, `1m 30s`.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.parse::<f64>().is_ok_and(|number| number != 0.0) {
        return Err(format!("'{text}' has no unit: write '{text}s' or '{text}ms'"));
    }
    humantime::parse_duration(text)
        .map_err(|_| format!("'{text}' is not a time: write one like 500ms, 2s or '1m 30s'"))
}

/// A time in the largest unit that divides it: `500ms`, `90s`, `24h`.
fn shown_time(time: Duration) -> String {
    let nanos = time.as_nanos();
    let units = [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)];
    let units = units.into_iter().chain([("ms", 1_000_000), ("us", 1000)]);
    for (unit, size) in units {
        if nanos >= size && nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    if nanos == 0 { "0s".into() } else { format!("{nanos}ns") }
}

/// A number in TOML, with thousands separators.
fn shown_count(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('_');
        }
        shown.push(digit);
    }
    shown
}
