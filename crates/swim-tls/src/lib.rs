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
//! // Of an adapter: let sockets = UdpTcp::open(options.bind)?;
//! let transport = tls.wrap(sockets);
//! let node = bind_on(transport, options).await?;
//!
//! // When the certificate was renewed: connections from here on use the new one.
//! tls.reload()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is protected
//!
//! Streams alone: joins, push/pull exchanges, reliable messages, pings over a stream. Datagrams
//! pass through as they are; they are protected by the keyring of
//! [`Config::keyring`](swim_driver::Config::keyring).
//!
//! Both sides present a certificate, and each checks the peer's against the CA that it was given.
//! Host names are not checked, since members are dialled by address. Every certificate of the CA
//! may act as any member, unless [`TlsFiles::verify_name`] is set: so use a CA that signs for
//! nothing else.
//!
//! TLS 1.3 alone is spoken, and no connection resumes another, so that each is checked against the
//! certificates of its day.
//!
//! # What is bounded
//!
//! A handshake has the time that a stream has
//! ([`Config::stream_timeout`](swim_driver::Config::stream_timeout)), takes one of the places for
//! streams, and may have 128 KiB. It runs in the task of its connection.
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
