//! Why something sealed is not opened.

/// Why something was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// There is nothing to open, or nothing was sealed.
    Empty,
    /// The version of memberlist's encryption is neither 0 nor 1: probably it is not encrypted.
    Version,
    /// Nothing sealed is that short, or it is not as long as it says.
    TooShort,
    /// None of the keys opens it: it was sealed with another key, or for another label, or changed
    /// on the way.
    NoKey,
    /// The padding is longer than the text.
    Padding,
}
