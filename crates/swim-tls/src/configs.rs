//! The TLS configurations, from certificates that were read and checked.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, InconsistentKeys, ServerConfig,
    ServerConnection,
};
use rustls_pki_types::{IpAddr, Ipv4Addr, ServerName, UnixTime};
use swim_driver::TlsFiles;

use crate::error::TlsError;
use crate::fault::is_about_time;
use crate::files::{Credentials, shown};
use crate::verifier::ChainVerifier;

/// The protocol within TLS (ALPN). A peer that offers only others, say HTTP, is refused.
const PROTOCOL: &[u8] = b"swim";

/// The configurations of both sides of connections.
#[derive(Debug)]
pub(crate) struct Configs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    warning: Option<String>,
}

impl Configs {
    /// Reads the files, and checks everything that peers will check.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let Credentials { roots, chain, key } = Credentials::read(files)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let roots = Arc::new(roots);
        let servers = Arc::new(ChainVerifier { roots: Arc::clone(&roots), algorithms });
        let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::unusable(&files.ca, error.to_string()))?;
        let warning = check_own(files, &chain, &servers, &clients)?;

        let unfit = |error| told_of_key(files, &error);
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .dangerous()
            .with_custom_certificate_verifier(servers)
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(unfit)?;
        // Without resumption each connection checks the certificate, so none is accepted beyond its
        // validity.
        client.resumption = Resumption::disabled();
        client.enable_sni = false;
        client.alpn_protocols = vec![PROTOCOL.into()];

        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(unfit)?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        server.alpn_protocols = vec![PROTOCOL.into()];
        Ok(Configs { client: Arc::new(client), server: Arc::new(server), warning })
    }

    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    pub(crate) fn client(&self) -> Result<ClientConnection, Error> {
        ClientConnection::new(Arc::clone(&self.client), nobody())
    }

    pub(crate) fn server(&self) -> Result<ServerConnection, Error> {
        ServerConnection::new(Arc::clone(&self.server))
    }
}

/// A placeholder for the server name: none is sent, and none is checked.
fn nobody() -> ServerName<'static> {
    ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0])))
}

/// Checks the node's own certificate like peers with the same CA will. Returns only a warning if it
/// is outside its validity: the clock of a machine that just started may be wrong.
fn check_own(
    files: &TlsFiles,
    chain: &[rustls_pki_types::CertificateDer<'static>],
    servers: &Arc<ChainVerifier>,
    clients: &Arc<dyn ClientCertVerifier>,
) -> Result<Option<String>, TlsError> {
    let Some((own, between)) = chain.split_first() else {
        return Ok(None);
    };
    let now = UnixTime::now();
    let as_server = servers.verify_server_cert(own, between, &nobody(), &[], now).map(drop);
    let as_client = clients.verify_client_cert(own, between, now).map(drop);
    let Err(error) = as_server.and(as_client) else {
        return Ok(None);
    };
    let (certificate, ca) = (shown(&files.certificate), shown(&files.ca));
    if is_about_time(&error) {
        let warning = format!(
            "the certificate {certificate} has expired or is not yet valid, so peers will refuse \
             it: renew it, or set the clock"
        );
        tracing::warn!(target: "swim", "{warning}");
        return Ok(Some(warning));
    }
    let why = match &error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => format!(
            "is not from a CA in {ca}: issue it from a CA in this file, or add its CA to {ca}; if \
             there are intermediate certificates, append them to {certificate}"
        ),
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => "is not for client and server use: issue it for serverAuth and clientAuth".into(),
        // rustls has no variant for this error.
        error if format!("{error:?}").contains("CaUsedAsEndEntity") => {
            "starts with a CA certificate: put this node's certificate first, then the \
             intermediate ones"
                .into()
        }
        error => format!("cannot be used: {error}; issue a new X.509 v3 certificate"),
    };
    Err(TlsError::unusable(&files.certificate, format!("the certificate {certificate} {why}")))
}

fn told_of_key(files: &TlsFiles, error: &Error) -> TlsError {
    let (key, certificate) = (shown(&files.key), shown(&files.certificate));
    let told = match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => format!(
            "the key {key} does not belong to the certificate {certificate}: were both renewed?"
        ),
        _ => format!(
            "the key {key} cannot be used: {error}; create an ECDSA key on P-256, an Ed25519 key, \
             or an RSA key of 2048 bits or more"
        ),
    };
    TlsError::unusable(&files.key, told)
}
