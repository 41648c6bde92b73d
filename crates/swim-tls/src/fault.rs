//! The meaning of rustls errors for a connection.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};
use swim_driver::{ConnectionError, TlsFault};

/// The error of a connection on which TLS failed.
pub(crate) fn failed(fault: TlsFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, ConnectionError::Tls(fault))
}

/// The fault to report for an error.
pub(crate) fn fault(error: &Error) -> TlsFault {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::NoCertificatesPresented => TlsFault::NoCertificate,
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => TlsFault::Incompatible,
        _ => TlsFault::Violation,
    }
}

/// Whether a certificate only lies outside its validity.
pub(crate) fn is_about_time(error: &Error) -> bool {
    matches!(fault(error), TlsFault::Expired | TlsFault::NotYetValid)
}

fn of_certificate(error: &CertificateError) -> TlsFault {
    use CertificateError as Wrong;
    match error {
        // A wrong signature means another CA with the name of the right one.
        Wrong::UnknownIssuer | Wrong::BadSignature => TlsFault::UnknownCa,
        Wrong::Expired | Wrong::ExpiredContext { .. } => TlsFault::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => TlsFault::NotYetValid,
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => TlsFault::WrongPurpose,
        _ => TlsFault::BadCertificate,
    }
}

/// The fault of this node that a peer reports.
fn of_alert(alert: AlertDescription) -> TlsFault {
    match alert {
        AlertDescription::UnknownCA | AlertDescription::DecryptError => TlsFault::OwnUnknownCa,
        AlertDescription::CertificateExpired => TlsFault::OwnExpired,
        AlertDescription::UnsupportedCertificate => TlsFault::OwnWrongPurpose,
        AlertDescription::ProtocolVersion
        | AlertDescription::HandshakeFailure
        | AlertDescription::NoApplicationProtocol => TlsFault::Incompatible,
        _ => TlsFault::Refused,
    }
}
