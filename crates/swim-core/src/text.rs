//! Text from peers, made safe and short enough to print.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use core::time::Duration;

/// The most bytes of a value that are shown to people in one line.
const SHOWN_BYTES_MAX: usize = 1024;

/// Escapes characters that move the cursor, colour the terminal, break the line or reorder text.
///
/// Names, metadata and payloads are chosen by other nodes, and must not forge our output.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\\' => escaped.push_str("\\\\"),
            c if is_unprintable(c) => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Control characters, and invisible characters that reorder or hide the text around them.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Bytes as quoted text for people, truncated if long.
///
/// If they are not UTF-8, every byte outside ASCII becomes `\xff`.
pub fn bytes(bytes: &[u8]) -> String {
    bytes_up_to(bytes, SHOWN_BYTES_MAX)
}

/// Like [`bytes()`], truncated after about `max` bytes.
pub fn bytes_up_to(bytes: &[u8], max: usize) -> String {
    let cut = &bytes[..bytes.len().min(max)];
    let shown = match core::str::from_utf8(bytes) {
        Ok(text) => {
            let end = (0..=cut.len()).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            format!("\"{}\"", escape(&text[..end]).replace('"', "\\\""))
        }
        Err(_) => format!("\"{}\"", cut.escape_ascii()),
    };
    if cut.len() < bytes.len() { format!("{shown}... ({} bytes)", bytes.len()) } else { shown }
}

/// A duration for people, with two or three significant digits.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 10.0 {
        format!("{seconds:.1} s")
    } else if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.01 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

/// "1 node", "2 nodes".
pub fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape("a\nb\tc\\d"), "a\\nb\\tc\\\\d");
        assert_eq!(escape("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(escape("\u{9b}2J\u{7f}"), "\\u{9b}2J\\u{7f}");
        assert_eq!(escape("\u{202e}txt.exe\u{2028}"), "\\u{202e}txt.exe\\u{2028}");
        assert_eq!(escape("größe 漢字 🦀"), "größe 漢字 🦀");
    }

    #[test]
    fn bytes_are_text_where_they_can_be() {
        assert_eq!(bytes(b"role=\"db\""), "\"role=\\\"db\\\"\"");
        assert_eq!(bytes(b"\xff\x00a\"\n"), r#""\xff\x00a\"\n""#);
        assert_eq!(bytes(b""), "\"\"");
    }

    #[test]
    fn long_bytes_are_cut_between_characters() {
        assert_eq!(bytes_up_to("aä".as_bytes(), 2), "\"a\"... (3 bytes)");
        assert_eq!(bytes_up_to(&[0xff; 4], 2), r#""\xff\xff"... (4 bytes)"#);
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        let shown = |micros| duration(Duration::from_micros(micros));
        assert_eq!(shown(0), "0.00 ms");
        assert_eq!(shown(310), "0.31 ms");
        assert_eq!(shown(94_000), "94 ms");
        assert_eq!(shown(3_456_000), "3.46 s");
        assert_eq!(shown(18_000_000), "18.0 s");
    }
}
