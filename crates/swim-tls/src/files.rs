//! The contents of the files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use swim_driver::{KeyFileError, TlsFiles, read_secret_file};

use crate::error::TlsError;

/// A larger file is not one of certificates: a bundle of all public CAs has a quarter of it.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// The most certificates in a node's chain, its own included. All are sent in every handshake.
const CHAIN_MAX: usize = 8;

/// The contents of a node's files.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) roots: RootCertStore,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Credentials {
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&files.ca, "the CA file")? {
            roots.add(certificate).map_err(|error| {
                let shown = shown(&files.ca);
                let told =
                    format!("the CA file {shown} has a certificate that is not a CA's: {error}");
                TlsError::unusable(&files.ca, told)
            })?;
        }
        let chain = certificates(&files.certificate, "the certificate file")?;
        if chain.len() > CHAIN_MAX {
            let told = format!(
                "the certificate file {} has {} certificates: use at most {CHAIN_MAX}, the node's \
                 own first, without those in the CA file",
                shown(&files.certificate),
                chain.len()
            );
            return Err(TlsError::unusable(&files.certificate, told));
        }
        Ok(Credentials { roots, chain, key: key(files)? })
    }
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let shown = shown(path);
    let bytes = read(path).map_err(|error| TlsError::Unreadable {
        file: path.into(),
        reason: format!("cannot read {what} {shown}: {error}"),
    })?;
    if bytes.len() as u64 > FILE_SIZE_MAX {
        let told =
            format!("{what} {shown} has more than {FILE_SIZE_MAX} bytes: is it the right file?");
        return Err(TlsError::unusable(path, told));
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::unusable(
            path,
            format!(
                "{what} {shown} has no certificate: one starts with -----BEGIN CERTIFICATE----- \
                 (PEM)"
            ),
        )),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::unusable(path, format!("{what} {shown}: {}", told(&error)))),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn key(files: &TlsFiles) -> Result<PrivateKeyDer<'static>, TlsError> {
    let path = &files.key;
    let bytes = read_secret_file(path, files.readers).map_err(|error| {
        let (file, reason) = (path.clone(), error.to_string());
        match error {
            KeyFileError::Shared(_) => TlsError::Shared { file, reason },
            _ => TlsError::Unreadable { file, reason },
        }
    })?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        let shown = shown(path);
        let told = match error {
            PemError::NoItemsFound if is_encrypted(&bytes) => format!(
                "the key file {shown} has a key with a password: remove the password with 'openssl \
                 pkey -in {shown}'"
            ),
            PemError::NoItemsFound => format!(
                "the key file {shown} has no private key: one starts with -----BEGIN PRIVATE \
                 KEY----- (PEM)"
            ),
            error => format!("the key file {shown}: {}", told(&error)),
        };
        TlsError::unusable(path, told)
    })
}

fn is_encrypted(pem: &[u8]) -> bool {
    let word = b"ENCRYPTED";
    pem.windows(word.len()).any(|part| part == word)
}

/// The problem with a PEM file, without a byte of it.
fn told(error: &PemError) -> &'static str {
    match error {
        PemError::MissingSectionEnd { .. } => "a section has no END line: was it cut?",
        PemError::IllegalSectionStart { .. } => "a BEGIN line is not valid PEM",
        PemError::Base64Decode(_) => "the text between BEGIN and END is not base64",
        _ => "it is not PEM",
    }
}

/// A path for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
