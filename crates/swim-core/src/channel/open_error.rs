//! Why sealed input is not opened.

/// Why sealed input was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The input or its text is empty.
    Empty,
    /// The version of memberlist's encryption is neither 0 nor 1. The input is probably plaintext.
    Version,
    /// The input is too short for a seal, or its length field is wrong.
    TooShort,
    /// No key opens the input: it was sealed with another key or label, or changed on the way.
    NoKey,
    /// The padding is longer than the text.
    Padding,
}
