//! TLS with certificates on both sides, for the streams of any [`Transport`].
//!
//! [`Tls`] holds the certificates of a node, and wraps the transport that carries its bytes:
//!
//! ```no_run
//! use swim_tls::{Tls, TlsFiles};
//! # use swim_driver::{BindError, MemoryNetwork, Options};
//! # async fn bind_on<T>(_: T, _: Options) -> Result<(), BindError> { Ok(()) }
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let tls = Tls::load(TlsFiles::new("ca.pem", "node.pem", "node.key"))?;
//! let options = Options::lan("cache-7".parse()?);
//! # let sockets = MemoryNetwork::new().open(options.bind)?;
//! // From an adapter: let sockets = UdpTcp::open(options.bind)?;
//! let transport = tls.wrap(sockets);
//! let node = bind_on(transport, options).await?;
//!
//! // When the certificate was renewed: later connections use the new one.
//! tls.reload()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Protection
//!
//! TLS protects only streams: joins, push/pull exchanges, reliable messages, pings over a stream.
//! Datagrams pass through unchanged; the keyring in
//! [`Config::keyring`](swim_driver::Config::keyring) protects them.
//!
//! Both sides present a certificate, and each checks the peer's against its CA. Host names are not
//! checked, since members are dialled by address. Any certificate of the CA may act as any member,
//! unless [`TlsFiles::verify_name`] is set. So use a CA that signs for nothing else.
//!
//! Only TLS 1.3 is used. Connections are never resumed, so each is checked against the current
//! certificates.
//!
//! # Bounds
//!
//! A handshake has the time of a stream
//! ([`Config::stream_timeout`](swim_driver::Config::stream_timeout)), takes a place among the
//! streams, and may take 128 KiB. It runs in the connection's task.
#![forbid(unsafe_code)]

mod configs;
mod error;
mod fault;
mod files;
mod stream;
mod tls;
mod transport;
mod verifier;

pub use error::TlsError;
pub use stream::TlsStream;
pub use swim_driver::{TlsFiles, Transport};
pub use tls::Tls;
pub use transport::TlsTransport;
