//! Causes of failed TLS connections.

use core::fmt;

/// Why a TLS connection failed: see [`ConnectionError::Tls`].
///
/// [`ConnectionError::Tls`]: crate::ConnectionError::Tls
///
/// The core does not use TLS itself. Transports that do report these faults, and the core passes
/// them on in command results and as [`Event::TlsFailed`](crate::Event::TlsFailed). `Display` says
/// what to change, with the names of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsFault {
    /// No CA that this node trusts issued the peer's certificate.
    UnknownCa,
    /// The peer's certificate has expired.
    Expired,
    /// The peer's certificate is not valid yet.
    NotYetValid,
    /// The peer's certificate is for another purpose: it is not valid for a client, or for a
    /// server.
    WrongPurpose,
    /// The peer presented no certificate.
    NoCertificate,
    /// The peer's certificate is unusable for another reason: it is damaged, revoked, or uses an
    /// unknown algorithm.
    BadCertificate,
    /// The peer does not trust the CA of this node's certificate.
    OwnUnknownCa,
    /// The peer refused this node's certificate as expired or not yet valid.
    OwnExpired,
    /// The peer refused this node's certificate because it is for another purpose.
    OwnWrongPurpose,
    /// The peer refused this node for another reason, or without one.
    Refused,
    /// The peer sent something other than TLS.
    NotTls,
    /// The peer closed the connection before it sent any TLS.
    NoAnswer,
    /// The peer uses TLS, but no version or algorithm in common with this node.
    Incompatible,
    /// The peer violated the TLS protocol, or its data was changed on the way.
    Violation,
}

impl TlsFault {
    /// Every fault, in a fixed order.
    pub const ALL: &'static [TlsFault] = &[
        TlsFault::UnknownCa,
        TlsFault::Expired,
        TlsFault::NotYetValid,
        TlsFault::WrongPurpose,
        TlsFault::NoCertificate,
        TlsFault::BadCertificate,
        TlsFault::OwnUnknownCa,
        TlsFault::OwnExpired,
        TlsFault::OwnWrongPurpose,
        TlsFault::Refused,
        TlsFault::NotTls,
        TlsFault::NoAnswer,
        TlsFault::Incompatible,
        TlsFault::Violation,
    ];

    /// A short fixed name for metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsFault::UnknownCa => "tls_unknown_ca",
            TlsFault::Expired => "tls_expired",
            TlsFault::NotYetValid => "tls_not_yet_valid",
            TlsFault::WrongPurpose => "tls_wrong_purpose",
            TlsFault::NoCertificate => "tls_no_certificate",
            TlsFault::BadCertificate => "tls_bad_certificate",
            TlsFault::OwnUnknownCa => "tls_own_unknown_ca",
            TlsFault::OwnExpired => "tls_own_expired",
            TlsFault::OwnWrongPurpose => "tls_own_wrong_purpose",
            TlsFault::Refused => "tls_refused",
            TlsFault::NotTls => "tls_not_tls",
            TlsFault::NoAnswer => "tls_no_answer",
            TlsFault::Incompatible => "tls_incompatible",
            TlsFault::Violation => "tls_violation",
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsFault::UnknownCa => {
                "the peer's certificate is from a CA that is not in this node's tls_ca: give the \
                 peer a certificate from a CA in tls_ca, or add its CA to tls_ca"
            }
            TlsFault::Expired => {
                "the peer's certificate has expired: renew its tls_certificate, and check the \
                 clocks of both hosts"
            }
            TlsFault::NotYetValid => {
                "the peer's certificate is not valid yet: check the clocks of both hosts"
            }
            TlsFault::WrongPurpose => {
                "the peer's certificate is for another purpose: issue it for serverAuth and \
                 clientAuth"
            }
            TlsFault::NoCertificate => {
                "the peer presented no certificate: set tls_certificate and tls_key there"
            }
            TlsFault::BadCertificate => {
                "the peer's certificate is invalid: issue a new tls_certificate for it"
            }
            TlsFault::OwnUnknownCa => {
                "the peer does not know the CA of this node's certificate: add that CA to the \
                 peer's tls_ca, or set tls_certificate here to a certificate from the peer's CA"
            }
            TlsFault::OwnExpired => {
                "the peer refused this node's certificate as expired or not valid yet: renew \
                 tls_certificate, and check the clocks of both hosts"
            }
            TlsFault::OwnWrongPurpose => {
                "the peer refused the purpose of this node's certificate: issue tls_certificate \
                 for serverAuth and clientAuth"
            }
            TlsFault::Refused => {
                "the peer refused this node's TLS handshake: its own events have the reason"
            }
            TlsFault::NotTls => {
                "the peer does not use TLS: set tls_ca, tls_certificate and tls_key there, or \
                 unset them here"
            }
            TlsFault::NoAnswer => {
                "the peer closed the connection without answering the TLS handshake: if it does \
                 not use TLS, set tls_ca, tls_certificate and tls_key there; it may also be \
                 overloaded"
            }
            TlsFault::Incompatible => {
                "the peer supports no TLS version and cipher that this node supports: both need \
                 TLS 1.3"
            }
            TlsFault::Violation => {
                "the peer violated the TLS protocol, or its data was changed on the way"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn each_fault_has_a_name_and_a_sentence_of_its_own() {
        let names: BTreeSet<_> = TlsFault::ALL.iter().map(|fault| fault.as_str()).collect();
        let sentences: BTreeSet<_> = TlsFault::ALL.iter().map(TlsFault::to_string).collect();
        assert_eq!(names.len(), TlsFault::ALL.len());
        assert_eq!(sentences.len(), TlsFault::ALL.len());
        assert!(names.iter().all(|name| name.starts_with("tls_")));
    }
}
