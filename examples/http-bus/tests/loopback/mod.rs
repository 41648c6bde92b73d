//! A client of services on loopback.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than any step takes, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Retries until `attempt` succeeds, at most for [`LIMIT`].
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    /// Interval of attempts.
    const PAUSE: Duration = Duration::from_millis(50);
    let deadline = Instant::now() + LIMIT;
    loop {
        match attempt() {
            Ok(result) => return result,
            Err(lacking) if Instant::now() >= deadline => panic!("not in time: {what}; {lacking}"),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Sends a request. Returns the answer, or the part that comes before the connection ends.
pub(crate) fn exchange(address: &str, request: &[u8]) -> String {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        stream.set_read_timeout(Some(LIMIT)).expect("a time is given");
        // Return the part of an answer that came before the connection broke.
        let _ = stream.write_all(request).and_then(|()| stream.read_to_end(&mut answer));
    }
    String::from_utf8(answer).expect("answers are text")
}

/// Publishes a message and returns the answer.
pub(crate) fn publish(address: &str, payload: &[u8]) -> String {
    let length = payload.len();
    let head = format!("POST /publish HTTP/1.0\r\ncontent-length: {length}\r\n\r\n");
    exchange(address, &[head.as_bytes(), payload].concat())
}

/// Returns the messages that a node has now, in the order of its log.
pub(crate) fn texts(address: &str) -> Vec<String> {
    let health = exchange(address, b"GET /healthz HTTP/1.0\r\n\r\n");
    let last = health.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    let last = last.and_then(|health| health["last"].as_u64()).unwrap_or(0);
    let mut texts = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address) else { return texts };
    stream.set_read_timeout(Some(LIMIT)).expect("a time is given");
    if last == 0 || stream.write_all(b"GET /messages HTTP/1.0\r\n\r\n").is_err() {
        return texts;
    }
    for line in std::io::BufRead::lines(std::io::BufReader::new(stream)).map_while(Result::ok) {
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        if let Some(text) = line["text"].as_str() {
            texts.push(text.to_owned());
        }
        if line["n"].as_u64().is_some_and(|number| number >= last) || !line["end"].is_null() {
            break;
        }
    }
    texts
}
