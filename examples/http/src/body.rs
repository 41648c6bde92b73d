//! Bodies of requests and responses.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use swim_driver::{Bytes, RuntimeHandle};

/// The body of a response: whole, or a stream.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Makes a body from bytes that are all available.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The body has more bytes than the limit.
    TooLarge,
    /// The body did not end in time.
    Slow,
    /// The peer sent a malformed body, or closed the connection.
    Broken,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BodyError::TooLarge => "the body is too large",
            BodyError::Slow => "the body did not arrive in time",
            BodyError::Broken => "the body was cut off or is malformed",
        })
    }
}

impl std::error::Error for BodyError {}

/// Reads a body of at most `size_max` bytes, within `time_max`.
///
/// A `Content-Length` above the limit is rejected at once. A smaller one is not trusted: bytes are
/// counted as they arrive.
///
/// # Errors
///
/// [`BodyError`]. The rest of the body is not read, so the connection cannot be used again.
pub async fn read_body<B>(
    runtime: &RuntimeHandle,
    body: B,
    size_max: usize,
    time_max: Duration,
) -> Result<Bytes, BodyError>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    runtime.timeout(time_max, read(body, size_max)).await.unwrap_or(Err(BodyError::Slow))
}

async fn read<B>(mut body: B, size_max: usize) -> Result<Bytes, BodyError>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > size_max as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        // Trailers are ignored.
        let Some(piece) = frame.data_ref() else { continue };
        if piece.len() > size_max - whole.len() {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(piece);
    }
    Ok(whole.into())
}
