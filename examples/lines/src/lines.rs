//! Bounded lines of text from a connection.

use std::{fmt, io};

use futures_lite::{AsyncRead, AsyncReadExt};

/// Bytes to read at once.
const READ_SIZE: usize = 4096;

/// Reads lines of limited size from a connection.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    size_max: usize,
    /// Bytes read so far. `next` has not returned those from `begin` on.
    buffer: Vec<u8>,
    begin: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads lines of at most `size_max` bytes, without their ends.
    pub fn new(reader: R, size_max: usize) -> Self {
        Lines { reader, size_max, buffer: Vec::new(), begin: 0 }
    }

    /// Returns the next line without its end (LF or CR LF), or `None` at the end of the connection.
    /// A last line without an end is dropped.
    ///
    /// # Errors
    ///
    /// [`LineError`]. After [`LineError::NotText`], reading can continue.
    ///
    /// # Cancel safety
    ///
    /// A dropped future loses nothing.
    pub async fn next(&mut self) -> Result<Option<String>, LineError> {
        loop {
            if let Some(size) = self.line_size() {
                return self.take(size).map(Some);
            }
            if self.buffer.len() - self.begin > self.size_max {
                return Err(LineError::TooLong);
            }
            self.buffer.drain(..self.begin);
            self.begin = 0;
            let mut piece = [0; READ_SIZE];
            match self.reader.read(&mut piece).await.map_err(LineError::Broken)? {
                0 => return Ok(None),
                size => self.buffer.extend_from_slice(&piece[..size]),
            }
        }
    }

    /// Returns whether the buffer already holds a complete line.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.line_size().is_some()
    }

    /// Returns the connection. Bytes that were read ahead are lost.
    pub fn into_reader(self) -> R {
        self.reader
    }

    fn line_size(&self) -> Option<usize> {
        self.buffer[self.begin..].iter().position(|byte| *byte == b'\n')
    }

    fn take(&mut self, size: usize) -> Result<String, LineError> {
        let line = &self.buffer[self.begin..self.begin + size];
        self.begin += size + 1;
        // Strip every CR: a node that forwards this line must not lose another CR at the next node.
        let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
        let line = &line[..end];
        if line.len() > self.size_max {
            return Err(LineError::TooLong);
        }
        String::from_utf8(line.to_vec()).map_err(|_| LineError::NotText)
    }
}

/// Why no line could be read.
#[derive(Debug)]
pub enum LineError {
    /// The line is longer than the limit.
    TooLong,
    /// The line is not UTF-8.
    NotText,
    /// The connection is broken.
    Broken(io::Error),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::TooLong => f.write_str("the line is too long"),
            LineError::NotText => f.write_str("the line is not UTF-8"),
            LineError::Broken(error) => write!(f, "the connection is broken: {error}"),
        }
    }
}

impl std::error::Error for LineError {}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(bytes, 5);
        let mut read = Vec::new();
        loop {
            match block_on(lines.next()) {
                Ok(Some(line)) => read.push(line),
                Ok(None) => return read,
                Err(LineError::NotText) => read.push("(not UTF-8)".into()),
                Err(error) => {
                    read.push(error.to_string());
                    return read;
                }
            }
        }
    }

    #[test]
    fn lines_end_with_a_line_feed() {
        assert_eq!(read(b"a\nb c\r\n\nrest"), ["a", "b c", ""]);
        assert_eq!(read(b"a\r\r\n\r\n"), ["a", ""]);
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_one_line() {
        assert_eq!(read(b"a\n\xff\xfe\nb\n"), ["a", "(not UTF-8)", "b"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_the_last() {
        assert_eq!(read(b"12345\n123456\n1\n"), ["12345", "the line is too long"]);
        assert_eq!(read(&[b'x'; 100_000]), ["the line is too long"]);
    }
}
