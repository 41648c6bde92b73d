//! The errors for unusable files.

use swim_driver::Readers;
use swim_test_certificates::{Authority, Flaw, Folder};
use swim_tls::{Tls, TlsError, TlsFiles};

/// The error once this file has this content.
fn told(name: &str, content: &str) -> String {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let files = folder.files("node", &[&authority], &authority.issue(&["node"]));
    Tls::load(files.clone()).unwrap();
    folder.put(name, content);
    let error = Tls::load(files).unwrap_err();
    assert_eq!(error.file(), folder.path().join(name));
    let told = error.to_string();
    assert!(told.contains(name), "{told}");
    told
}

fn contains(told: &str, expected: &str) {
    assert!(told.contains(expected), "{told}");
}

#[test]
fn each_file_is_named_with_what_is_wrong() {
    let (other, stranger) = (Authority::new("other"), Authority::new("ca"));
    contains(&told("node-ca.pem", ""), "has no certificate: one starts with -----BEGIN CERT");
    contains(&told("node.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"), "no END line: was it cut?");
    contains(&told("node.pem", &other.issue(&["node"]).certificate), "is not from a CA in ");
    contains(&told("node.pem", &stranger.issue(&["node"]).certificate), "is not from a CA in ");
    contains(&told("node.key", &other.issue(&["node"]).key), "does not belong to the certificate");
    contains(&told("node.key", "secret"), "has no private key: one starts with -----BEGIN PRIVATE");
    contains(
        &told(
            "node.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
        "has a key with a password: remove the password with 'openssl ",
    );
    let many = other.issue(&["node"]).certificate.repeat(9);
    contains(&told("node.pem", &many), "has 9 certificates: use at most 8");
}

#[test]
fn a_certificate_for_one_side_alone_is_refused_at_once() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    for flaw in [Flaw::ForServersAlone, Flaw::ForClientsAlone] {
        let own = authority.issue_with(&["node"], flaw);
        let error = Tls::load(folder.files("node", &[&authority], &own)).unwrap_err();
        contains(&error.to_string(), "issue it for serverAuth and clientAuth");
    }
}

#[test]
fn a_certificate_out_of_its_time_is_taken_since_the_clock_may_be_wrong() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    for flaw in [Flaw::Expired, Flaw::NotYetValid] {
        let own = authority.issue_with(&["node"], flaw);
        let tls = Tls::load(folder.files("node", &[&authority], &own)).unwrap();
        contains(&tls.warning().unwrap(), "has expired or is not yet valid");
        let _ = folder.files("node", &[&authority], &authority.issue(&["node"]));
        tls.reload().unwrap();
        assert_eq!(tls.warning(), None);
    }
}

#[test]
fn a_certificate_of_a_ca_in_the_first_place_is_told_apart() {
    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let own = authority.issue(&["node"]);
    let files = folder.files("node", &[&authority], &own);
    folder.put("node.pem", &(authority.pem() + &folder.get("node.pem")));
    contains(&Tls::load(files).unwrap_err().to_string(), "put this node's certificate first");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = Tls::load(TlsFiles::new("no/ca.pem", "no/node.pem", "no/node.key")).unwrap_err();
    assert!(matches!(error, TlsError::Unreadable { .. }));
    contains(&error.to_string(), "cannot read the CA file no/ca.pem: ");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused_unless_that_is_allowed() {
    use std::os::unix::fs::PermissionsExt;

    let (authority, folder) = (Authority::new("ca"), Folder::new());
    let mut files = folder.files("node", &[&authority], &authority.issue(&["node"]));
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = Tls::load(files.clone()).unwrap_err();
    assert!(matches!(error, TlsError::Shared { .. }));
    contains(&error.to_string(), "(mode 0640): run 'chmod 600 ");
    files.readers = Readers::Anybody;
    Tls::load(files).unwrap();
}
