//! The errors on both sides of a connection.

use swim_driver::TlsFault;
use swim_test_certificates::{Authority, Flaw};

use crate::scene::{failed, tls, verdicts};

#[test]
fn those_of_one_ca_get_on() {
    let authority = Authority::new("ca");
    let one = |name| tls(&[&authority], &authority.issue(&[name]));
    assert_eq!(verdicts(&one("a"), &one("b")), [None, None]);
}

#[test]
fn certificates_of_another_ca_are_refused_also_of_one_with_the_same_name() {
    for name in ["other", "ca"] {
        let (ours, theirs) = (Authority::new("ca"), Authority::new(name));
        let a = tls(&[&ours], &ours.issue(&["a"]));
        let b = tls(&[&theirs], &theirs.issue(&["b"]));
        // The dialler sees the peer's certificate first.
        let seen = [failed(TlsFault::UnknownCa), failed(TlsFault::OwnUnknownCa)];
        assert_eq!(verdicts(&a, &b), seen);
        // Only the acceptor refuses.
        let a = tls(&[&ours, &theirs], &ours.issue(&["a"]));
        let seen = [failed(TlsFault::OwnUnknownCa), failed(TlsFault::UnknownCa)];
        assert_eq!(verdicts(&a, &b), seen);
    }
}

#[test]
fn certificates_out_of_their_time_are_refused_on_either_side() {
    let authority = Authority::new("ca");
    let good = tls(&[&authority], &authority.issue(&["a"]));
    for (flaw, fault) in
        [(Flaw::Expired, TlsFault::Expired), (Flaw::NotYetValid, TlsFault::NotYetValid)]
    {
        let bad = tls(&[&authority], &authority.issue_with(&["b"], flaw));
        assert_eq!(verdicts(&good, &bad), [failed(fault), failed(TlsFault::OwnExpired)]);
        assert_eq!(verdicts(&bad, &good), [failed(TlsFault::OwnExpired), failed(fault)]);
    }
}
