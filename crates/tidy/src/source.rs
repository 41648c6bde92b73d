//! A file of the repository.

/// A text file, and its syntax if it is Rust.
pub struct Source {
    /// From the root of the repository, with slashes.
    pub path: String,
    /// Its content.
    pub text: String,
    /// Its syntax, if it is Rust.
    pub(crate) syntax: Option<syn::File>,
}

impl Source {
    /// Creates a file with this content.
    ///
    /// # Errors
    /// If it is a Rust file and does not parse.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Result<Self, String> {
        let (path, text) = (path.into(), text.into());
        let syntax = if path.ends_with(".rs") {
            let parsed = syn::parse_file(&text);
            Some(parsed.map_err(|error| {
                format!("{path}:{}: syntax error: {error}", error.span().start().line)
            })?)
        } else {
            None
        };
        Ok(Source { path, text, syntax })
    }

    /// Returns its lines, numbered from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Returns a line by its number.
    pub(crate) fn line(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|before| self.text.lines().nth(before)).unwrap_or("")
    }

    /// Returns the items at the top of the file; none if it is not Rust.
    pub(crate) fn items(&self) -> &[syn::Item] {
        self.syntax.as_ref().map_or(&[], |syntax| &syntax.items)
    }
}

impl core::fmt::Debug for Source {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Returns the first and last line of a piece of syntax.
pub(crate) fn lines_of(syntax: &impl syn::spanned::Spanned) -> (usize, usize) {
    let span = syntax.span();
    (span.start().line, span.end().line)
}

/// Returns the first line of a piece of syntax.
pub(crate) fn line_of(syntax: &impl syn::spanned::Spanned) -> usize {
    syntax.span().start().line
}
