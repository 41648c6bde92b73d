//! A complete settings file, made from the descriptions of the settings.

use std::fmt::Write;

use super::setting::{Kind, Setting, Table};

/// The width of a comment line.
const WIDTH: usize = 100;

/// A table as part of an example file.
///
/// Each setting has its meaning, default, allowed values, environment variable and when to change
/// it. Settings without a default are commented out.
#[must_use]
pub fn example<T>(table: &Table<T>, defaults: &T) -> String {
    let mut text = String::new();
    comment(&mut text, table.about);
    let _ = writeln!(text, "[{}]", table.name);
    for setting in table.settings {
        text.push('\n');
        describe(&mut text, table, setting, defaults);
    }
    text
}

fn describe<T>(text: &mut String, table: &Table<T>, setting: &Setting<T>, defaults: &T) {
    comment(text, setting.about);
    let shown = setting.shown(defaults);
    let default = shown.as_deref().unwrap_or("none");
    let variable = match setting.kind {
        Kind::List { .. } | Kind::Map { .. } => {
            format!("{}={}", table.variable(setting), setting.bare_example())
        }
        _ => table.variable(setting),
    };
    let allowed = setting.allowed();
    comment(text, &format!("Default: {default}. Allowed: {allowed}. Environment: {variable}."));
    if !setting.change.is_empty() {
        comment(text, &format!("Change it {}.", setting.change));
    }
    // Writing to a string cannot fail.
    let _ = match &shown {
        Some(value) => writeln!(text, "{} = {value}", setting.key),
        None => writeln!(text, "# {} = {}", setting.key, setting.example()),
    };
}

/// Wraps a comment between words.
fn comment(text: &mut String, words: &str) {
    let mut width = 0;
    for word in words.split_whitespace() {
        let size = word.chars().count();
        if width == 0 || width + 1 + size > WIDTH {
            if width > 0 {
                text.push('\n');
            }
            text.push('#');
            width = 1;
        }
        text.push(' ');
        text.push_str(word);
        width += 1 + size;
    }
    text.push('\n');
}
