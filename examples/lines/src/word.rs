//! Member names in lines.

/// Writes a member's name as one word: whitespace, control characters and `%` are percent-encoded.
#[must_use]
pub fn word(name: &str) -> String {
    let mut word = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_whitespace() || letter.is_control() || letter == '%' {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                word.push_str(&format!("%{byte:02X}"));
            }
        } else {
            word.push(letter);
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_and_forges_no_line() {
        assert_eq!(word("node-1"), "node-1");
        assert_eq!(word("a b\n100%"), "a%20b%0A100%25");
    }
}
