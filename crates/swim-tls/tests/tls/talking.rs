//! Streams between two ends that trust each other.

use futures_lite::future::{block_on, poll_once, zip};
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use swim_driver::{ConnectionError, connection_error};
use swim_test_certificates::{Authority, Folder};
use swim_tls::Tls;

use crate::scene::{connect, ends, friends, talk, verdicts};

#[test]
fn what_one_side_writes_the_other_reads_also_when_it_is_large() {
    let (a, b) = friends();
    let (one, other) = ends();
    let (mut a, mut b) = (a.wrap(one), b.wrap(other));
    let sent: Vec<u8> = (0..3_000_000u32).map(|at| at.to_le_bytes()[0]).collect();
    block_on(async {
        let (dialled, mut accepted) = connect(&mut a, &mut b).await;
        let asking = async {
            let mut dialled = dialled.await.unwrap();
            dialled.write_all(&sent).await.unwrap();
            dialled.close().await.unwrap();
            let mut heard = Vec::new();
            dialled.read_to_end(&mut heard).await.unwrap();
            assert_eq!(heard, sent);
        };
        let answering = async {
            let mut heard = Vec::new();
            // The end arrives while this side may still send.
            accepted.read_to_end(&mut heard).await.unwrap();
            accepted.write_all(&heard).await.unwrap();
            accepted.close().await.unwrap();
        };
        zip(asking, answering).await;
    });
}

#[test]
fn both_may_say_nothing_and_end() {
    let (a, b) = friends();
    let (one, other) = ends();
    let (mut a, mut b) = (a.wrap(one), b.wrap(other));
    block_on(async {
        let (dialled, mut accepted) = connect(&mut a, &mut b).await;
        let dialling = async {
            let mut dialled = dialled.await.unwrap();
            dialled.close().await.unwrap();
            assert_eq!(dialled.read(&mut [0]).await.unwrap(), 0);
        };
        let accepting = async {
            accepted.close().await.unwrap();
            assert_eq!(accepted.read(&mut [0]).await.unwrap(), 0);
        };
        zip(dialling, accepting).await;
    });
}

#[test]
fn what_is_cut_off_is_an_error_and_no_end() {
    let (a, b) = friends();
    let (one, other) = ends();
    let (mut a, mut b) = (a.wrap(one), b.wrap(other));
    block_on(async {
        let (dialled, mut accepted) = connect(&mut a, &mut b).await;
        let dialling = async {
            let mut dialled = dialled.await.unwrap();
            dialled.write_all(b"half").await.unwrap();
            dialled.flush().await.unwrap();
            // Dropped without a close.
        };
        let accepting = async {
            let mut heard = Vec::new();
            let error = accepted.read_to_end(&mut heard).await.unwrap_err();
            assert_eq!(connection_error(&error), ConnectionError::Reset);
            assert_eq!(heard, b"half");
        };
        zip(dialling, accepting).await;
    });
}

#[test]
fn an_accepted_connection_waits_for_its_handshake_without_work() {
    let (_, b) = friends();
    let (mut one, other) = ends();
    let mut b = b.wrap(other);
    block_on(async {
        let (dialled, mut accepted) = connect(&mut one, &mut b).await;
        let mut silent = dialled.await.unwrap();
        assert!(poll_once(accepted.read(&mut [0])).await.is_none());
        // Only the head of a handshake.
        silent.write_all(&[0x16, 3, 1, 1, 0, 1]).await.unwrap();
        assert!(poll_once(accepted.read(&mut [0])).await.is_none());
        assert!(poll_once(accepted.read(&mut [0])).await.is_none());
    });
}

#[test]
fn renewed_certificates_are_used_without_a_restart_and_open_connections_go_on() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let folder = Folder::new();
    let load = |node| Tls::load(folder.files(node, &[&old], &old.issue(&[node]))).unwrap();
    let (a, b) = (load("a"), load("b"));
    let (one, other) = ends();
    let (mut from, mut to) = (a.wrap(one), b.wrap(other));
    block_on(async {
        let (dialled, mut accepted) = connect(&mut from, &mut to).await;
        let open = async {
            let mut dialled = dialled.await.unwrap();
            let renew = |node| {
                let _ = folder.files(node, &[&old, &new], &new.issue(&[node]));
            };
            // One after the other, like in a cluster: certificates of both CAs work together.
            renew("a");
            folder.put("a.pem", &folder.get("b.pem"));
            a.reload().expect_err("a key of another certificate");
            renew("a");
            folder.put("b-ca.pem", &(old.pem() + &new.pem()));
            b.reload().unwrap();
            a.reload().unwrap();
            assert_eq!(verdicts(&a, &b), [None, None]);
            assert_eq!(verdicts(&b, &a), [None, None]);
            renew("b");
            b.reload().unwrap();
            assert_eq!(verdicts(&a, &b), [None, None]);
            talk(&mut dialled).await.unwrap()
        };
        let (dialled, accepted) = zip(open, async { talk(&mut accepted).await.unwrap() }).await;
        assert_eq!((&dialled[..], &accepted[..]), (&b"word"[..], &b"word"[..]));
    });
}
