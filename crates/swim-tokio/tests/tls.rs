//! Nodes that use TLS: what both sides report of a mistake, and certificates renewed under traffic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use swim_test_certificates::{Authority, Flaw, Folder, Issued};
use swim_tokio::{
    BindError, Cluster, ConnectionError, DropReason, Error, Event, Events, Failure, NoHooks, Node,
    Notice, Options, Tls, TlsFault, bind, bind_tls, start,
};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

fn options(name: &str) -> Options {
    let mut options = Options::local(name.parse().unwrap());
    options.bind = "127.0.0.1:0".parse().unwrap();
    // Keeps all events until they are read.
    options.events_max = usize::MAX;
    options
}

fn certificates(trusted: &[&Authority], own: &Issued) -> Tls {
    Tls::load(Folder::new().files("node", trusted, own)).unwrap()
}

async fn node(name: &str, tls: Option<&Tls>) -> Node {
    match tls {
        Some(tls) => bind_tls(tls, options(name), Box::new(NoHooks)).await.unwrap().spawn(),
        None => start(options(name)).await.unwrap(),
    }
}

/// All events from now on.
fn events(node: &Node) -> Events {
    node.cluster().subscribe().1
}

/// The text of the first event that is `wanted`.
async fn told(events: &mut Events, wanted: impl Fn(&Event) -> bool) -> String {
    let search = async {
        loop {
            match events.next().await {
                Some(Notice::Event(event)) if wanted(&event) => return event.to_string(),
                Some(_) => {}
                None => panic!("the node ended"),
            }
        }
    };
    timeout(LIMIT, search).await.expect("it is told")
}

/// How a join fails, and what dialler and acceptor report.
async fn mistake(dialler: Option<&Tls>, acceptor: Option<&Tls>) -> (Failure, [String; 2]) {
    let (a, b) = (node("a", dialler).await, node("b", acceptor).await);
    let (mut of_a, mut of_b) = (events(&a), events(&b));
    let failure = fails(&a.cluster(), &b.cluster()).await;
    let is_told = |event: &Event| matches!(event.kind(), "tls_failed" | "bad_input");
    let events = [told(&mut of_a, is_told).await, told(&mut of_b, is_told).await];
    (failure, events)
}

async fn fails(from: &Cluster, to: &Cluster) -> Failure {
    match from.join([to.local_address()]).await {
        Err(Error::NoneJoined { attempts }) => attempts[0].1.clone(),
        other => panic!("{other:?}"),
    }
}

fn tls(fault: TlsFault) -> Failure {
    Failure::Connection(ConnectionError::Tls(fault))
}

fn ends(told: &str, expected: impl ToString) {
    assert!(told.ends_with(&expected.to_string()), "{told}");
}

#[tokio::test]
async fn another_ca_is_told_on_both_sides() {
    let (ours, theirs) = (Authority::new("ca"), Authority::new("ca"));
    let a = certificates(&[&ours], &ours.issue(&["a"]));
    let b = certificates(&[&theirs], &theirs.issue(&["b"]));
    let (failure, [dialler, acceptor]) = mistake(Some(&a), Some(&b)).await;
    assert_eq!(failure, tls(TlsFault::UnknownCa));
    ends(&dialler, TlsFault::UnknownCa);
    ends(&acceptor, TlsFault::OwnUnknownCa);

    // Only the acceptor refuses: the dialler notices at its first read.
    let a = certificates(&[&ours, &theirs], &ours.issue(&["a"]));
    let (failure, [dialler, acceptor]) = mistake(Some(&a), Some(&b)).await;
    assert_eq!(failure, tls(TlsFault::OwnUnknownCa));
    ends(&dialler, TlsFault::OwnUnknownCa);
    ends(&acceptor, TlsFault::UnknownCa);
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_told_on_both_sides() {
    let authority = Authority::new("ca");
    let good = certificates(&[&authority], &authority.issue(&["good"]));
    for (flaw, fault) in
        [(Flaw::Expired, TlsFault::Expired), (Flaw::NotYetValid, TlsFault::NotYetValid)]
    {
        let bad = certificates(&[&authority], &authority.issue_with(&["bad"], flaw));
        let (failure, [dialler, acceptor]) = mistake(Some(&bad), Some(&good)).await;
        assert_eq!(failure, tls(TlsFault::OwnExpired));
        ends(&dialler, TlsFault::OwnExpired);
        ends(&acceptor, fault);
        let (failure, [dialler, acceptor]) = mistake(Some(&good), Some(&bad)).await;
        assert_eq!(failure, tls(fault));
        ends(&dialler, fault);
        ends(&acceptor, TlsFault::OwnExpired);
    }
}

#[tokio::test]
async fn tls_to_a_plain_node_and_back_is_told_on_both_sides() {
    let authority = Authority::new("ca");
    let secured = certificates(&[&authority], &authority.issue(&["a"]));
    let (failure, [dialler, acceptor]) = mistake(Some(&secured), None).await;
    assert_eq!(failure, tls(TlsFault::NoAnswer));
    ends(&dialler, TlsFault::NoAnswer);
    ends(&acceptor, DropReason::Tls);

    let (failure, [dialler, acceptor]) = mistake(None, Some(&secured)).await;
    assert_eq!(failure, Failure::BadAnswer { reason: DropReason::TlsRequired });
    ends(&dialler, DropReason::TlsRequired);
    ends(&acceptor, TlsFault::NotTls);
}

#[tokio::test]
async fn a_name_that_is_not_in_the_certificate_is_refused_where_names_are_verified() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let verifying = |node: &str, names: &[&str]| {
        let mut files = folder.files(node, &[&authority], &authority.issue(names));
        files.verify_name = true;
        Tls::load(files).unwrap()
    };
    let b = node("b", Some(&verifying("b", &["other", "b"]))).await;
    let honest = node("a", Some(&verifying("a", &["a"]))).await;
    let joined = honest.cluster().join([b.cluster().local_address()]).await.unwrap();
    assert_eq!(joined.members, 2);

    let mut of_b = events(&b);
    let thief = node("c", Some(&verifying("c", &["a", "C", "c.example.org"]))).await;
    fails(&thief.cluster(), &b.cluster()).await;
    let is_refused = |event: &Event| matches!(event, Event::BadInput { .. });
    ends(&told(&mut of_b, is_refused).await, DropReason::CertificateName);
    assert_eq!(b.cluster().member("c"), None);

    // A dialler checks the acceptor just as closely.
    let mut of_honest = events(&honest);
    let thief = node("d", Some(&verifying("d", &["a"]))).await;
    let failure = fails(&honest.cluster(), &thief.cluster()).await;
    assert_eq!(failure, Failure::BadAnswer { reason: DropReason::CertificateName });
    ends(&told(&mut of_honest, is_refused).await, DropReason::CertificateName);
    assert_eq!(honest.cluster().member("d"), None);
}

#[tokio::test]
async fn certificates_in_the_options_are_used_by_start_and_refused_where_they_would_not_be() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let with_files = |name: &str| {
        let files = folder.files(name, &[&authority], &authority.issue(&[name]));
        let mut options = options(name);
        options.tls = Some(files);
        options
    };
    let (a, b) = (start(with_files("a")).await.unwrap(), start(with_files("b")).await.unwrap());
    let joined = b.cluster().join([a.cluster().local_address()]).await.unwrap();
    assert_eq!(joined.members, 2);
    let plain = node("plain", None).await;
    assert_eq!(fails(&b.cluster(), &plain.cluster()).await, tls(TlsFault::NoAnswer));

    assert!(matches!(bind(with_files("c")).await, Err(BindError::TlsNotSpoken)));
    let mut options = with_files("d");
    options.tls.as_mut().unwrap().ca = folder.put("empty.pem", "");
    let error = start(options).await.unwrap_err();
    assert!(matches!(error, BindError::Tls { .. }));
    assert!(error.to_string().contains("empty.pem has no certificate"), "{error}");
}

/// Silent connections take places, as they do without TLS, and hold up no other connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_silent_connections_do_not_keep_a_member_out() {
    let authority = Authority::new("ca");
    let one = certificates(&[&authority], &authority.issue(&["one"]));
    let (a, b) = (node("a", Some(&one)).await, node("b", Some(&one)).await);
    let to = a.cluster().local_address();
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.extend(timeout(LIMIT, TcpStream::connect(to)).await.expect("it connects").ok());
    }
    let joining = async { while b.cluster().join([to]).await.is_err() {} };
    timeout(LIMIT, joining).await.expect("it joins");
    assert_eq!(a.cluster().peer_count(), 1);
    drop(silent);
}

/// From one CA to another, member by member, under traffic.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_under_traffic_without_a_lost_member_or_message() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let folder = Folder::new();
    let names = ["a", "b", "c"];
    let all: BTreeMap<&str, Tls> = names
        .iter()
        .map(|name| (*name, Tls::load(folder.files(name, &[&old], &old.issue(&[name]))).unwrap()))
        .collect();
    let mut nodes = BTreeMap::new();
    for (name, tls) in &all {
        nodes.insert(*name, node(name, Some(tls)).await);
    }
    let to = nodes["a"].cluster().local_address();
    for name in ["b", "c"] {
        nodes[name].cluster().join([to]).await.unwrap();
    }
    let everybody = async {
        while nodes.values().any(|node| node.cluster().peer_count() + 1 < names.len()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, everybody).await.expect("all know each other");
    let mut events: Vec<Events> = nodes.values().map(events).collect();

    let over = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let (cluster, over) = (nodes[from].cluster(), Arc::clone(&over));
        senders.push(tokio::spawn(async move {
            let mut sent = 0u64;
            while !over.load(Ordering::Relaxed) {
                cluster.send_reliable(to, "message").await.unwrap();
                sent += 1;
            }
            sent
        }));
    }
    // First all trust both CAs, then each gets its new certificate, then none trusts the old CA.
    let renew = |trusted: &[&Authority], issuer: &Authority, name: &str| {
        let _ = folder.files(name, trusted, &issuer.issue(&[name]));
        all[name].reload().unwrap();
    };
    for (trusted, issuer) in [(&[&old, &new][..], &old), (&[&old, &new], &new), (&[&new], &new)] {
        for name in names {
            renew(trusted, issuer, name);
            // Each exchange is a new connection, with the certificates of that moment.
            let cluster = nodes[name].cluster();
            cluster.join([nodes["a"].cluster().local_address()]).await.ok();
            for peer in names.iter().filter(|peer| **peer != name) {
                cluster.send_reliable(peer, "renewed").await.unwrap();
            }
        }
    }
    over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    assert!(sent > 0);
    let mut heard = 0;
    for events in &mut events {
        while let Some(notice) = events.try_next() {
            match notice {
                Notice::Event(Event::Message { payload, .. }) => {
                    heard += u64::from(payload == "message");
                }
                Notice::Event(event) => {
                    let lost = ["failed", "suspected", "left", "tls_failed", "bad_input"];
                    assert!(!lost.contains(&event.kind()), "{event}");
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(heard, sent);
}
