//! Peers that use another protocol, or send too much.

use futures_lite::future::{block_on, zip};
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use swim_driver::{ConnectionError, TlsFault, connection_error};

use crate::scene::{connect, ends, friends};

/// The error of an accepted connection after a peer sends this, and the bytes that the peer gets
/// back.
fn accepted_from(sent: &[u8], end: bool) -> (ConnectionError, Vec<u8>) {
    let (_, b) = friends();
    let (mut one, other) = ends();
    let mut b = b.wrap(other);
    block_on(async {
        let (dialled, mut accepted) = connect(&mut one, &mut b).await;
        let mut stranger = dialled.await.unwrap();
        let speaking = async {
            // The connection may be closed first.
            let _ = stranger.write_all(sent).await;
            if end {
                stranger.close().await.unwrap();
            }
            let mut heard = Vec::new();
            stranger.read_to_end(&mut heard).await.unwrap();
            heard
        };
        let accepting = async {
            let error = accepted.read(&mut [0; 16]).await.unwrap_err();
            drop(accepted);
            connection_error(&error)
        };
        let (heard, error) = zip(speaking, accepting).await;
        (error, heard)
    })
}

/// The error of a dialler whose peer answers this and closes.
fn dialled_to(answer: &[u8]) -> ConnectionError {
    let (a, _) = friends();
    let (one, mut other) = ends();
    let mut a = a.wrap(one);
    block_on(async {
        let (dialled, mut accepted) = connect(&mut a, &mut other).await;
        let answering = async {
            accepted.write_all(answer).await.unwrap();
            drop(accepted);
        };
        let (dialled, ()) = zip(dialled, answering).await;
        connection_error(&dialled.unwrap_err())
    })
}

#[test]
fn whoever_speaks_something_else_gets_an_alert_and_is_named() {
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xC1; 40], &[0; 40], b"\xF4\x03staging"] {
        let (error, heard) = accepted_from(said, false);
        assert_eq!(error, ConnectionError::Tls(TlsFault::NotTls), "{said:?}");
        // A TLS alert, which the peer may recognise.
        assert_eq!(heard.get(..2), Some(&[0x15, 3][..]), "{said:?}");
    }
}

#[test]
fn whoever_ends_in_the_middle_of_a_handshake_is_no_news() {
    assert_eq!(accepted_from(&[], true).0, ConnectionError::Reset);
    assert_eq!(accepted_from(&[0x16, 3, 1, 1, 0, 1], true).0, ConnectionError::Reset);
}

#[test]
fn garbage_within_a_handshake_breaks_the_rules() {
    let mut garbage = vec![0x16, 3, 1, 0, 40];
    garbage.extend([0xAA; 40]);
    assert_eq!(accepted_from(&garbage, false).0, ConnectionError::Tls(TlsFault::Violation));
}

#[test]
fn a_handshake_without_an_end_is_given_up() {
    // Parts of one message of 16 MiB.
    let mut endless = vec![0x16, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF];
    endless.resize(5 + 0x4000, 0);
    for _ in 0..64 {
        endless.extend([0x16, 3, 1, 0x40, 0]);
        endless.resize(endless.len() + 0x4000, 0);
    }
    assert_eq!(accepted_from(&endless, false).0, ConnectionError::Tls(TlsFault::Violation));
}

#[test]
fn a_dialler_tells_silence_from_another_protocol() {
    assert_eq!(dialled_to(b""), ConnectionError::Tls(TlsFault::NoAnswer));
    assert_eq!(dialled_to(b"\xF5\x01"), ConnectionError::Tls(TlsFault::NotTls));
    assert_eq!(dialled_to(b"HTTP/1.1 400\r\n"), ConnectionError::Tls(TlsFault::NotTls));
    let alert = [0x15, 3, 3, 0, 2, 2, 70];
    assert_eq!(dialled_to(&alert), ConnectionError::Tls(TlsFault::Incompatible));
}
