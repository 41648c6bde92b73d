//! The query and the path of a request, decoded.

use crate::problem::Problem;

/// The parameters of a query, in order.
pub(crate) fn parameters(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            // A plus is a blank in a query, but not in a path.
            let decode = |text: &str| decoded(&text.replace('+', " "));
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Replaces `%XX` by the byte that it stands for.
pub(crate) fn decoded(text: &str) -> Result<String, Problem> {
    let wrong = || Problem::bad_request("the URL has a % that is not followed by two hex digits");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong());
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes)
        .map_err(|_| Problem::bad_request("the URL is not UTF-8 once its %XX are decoded"))
}

/// Writes a text as a part of a path or a query.
#[cfg(any(unix, test))]
pub(crate) fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["a", "größe/%&=+ \n", "", "\u{1f980}"] {
            assert_eq!(decoded(&encoded(text)), Ok(text.to_string()));
            let query = format!("k={}", encoded(text));
            assert_eq!(parameters(&query), Ok(vec![("k".to_string(), text.to_string())]));
        }
        let expected = [("tag", "role=db|web"), ("state", "")];
        let expected = expected.map(|(key, value)| (key.to_string(), value.to_string()));
        assert_eq!(parameters("tag=role=db%7Cweb&&state"), Ok(expected.into()));
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["%", "%4", "%zz", "%ff", "%c3"] {
            assert!(decoded(text).is_err(), "{text}");
        }
    }
}
