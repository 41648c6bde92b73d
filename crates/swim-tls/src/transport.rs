//! A transport whose streams use TLS.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use swim_driver::{DialPurpose, Name, Transport};

use crate::stream::TlsStream;
use crate::tls::Tls;

/// A [`Transport`] whose streams use TLS, and whose datagrams are those of `T`: see [`Tls::wrap`].
#[derive(Debug)]
pub struct TlsTransport<T> {
    tls: Tls,
    inner: T,
}

impl<T: Transport> TlsTransport<T> {
    pub(crate) fn new(tls: Tls, inner: T) -> Self {
        TlsTransport { tls, inner }
    }
}

impl<T: Transport> Transport for TlsTransport<T> {
    type Stream = TlsStream<T::Stream>;

    fn local_address(&self) -> SocketAddr {
        self.inner.local_address()
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.inner.poll_receive(cx, buffer)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        to: SocketAddr,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        self.inner.poll_send(cx, to, payload)
    }

    /// Reading and writing the stream drives its handshake.
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, SocketAddr)>> {
        let tls = &self.tls;
        self.inner.poll_accept(cx).map(|accepted| {
            let (stream, from) = accepted?;
            let session = tls.configs().server().map_err(io::Error::other)?;
            Ok((TlsStream::new(stream, session.into(), tls.files().verify_name), from))
        })
    }

    /// Resolves once the handshake is done on this side. The peer's verdict on this node's
    /// certificate comes with the first read.
    fn dial(
        &mut self,
        to: SocketAddr,
        purpose: DialPurpose,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static {
        let (configs, dialled) = (self.tls.configs(), self.inner.dial(to, purpose));
        let verify_name = self.tls.files().verify_name;
        async move {
            let stream = dialled.await?;
            let session = configs.client().map_err(io::Error::other)?;
            let mut stream = TlsStream::new(stream, session.into(), verify_name);
            poll_fn(|cx| stream.poll_handshake(cx)).await?;
            Ok(stream)
        }
    }

    fn secures_streams(&self) -> bool {
        true
    }

    fn peer_names(stream: &Self::Stream) -> Option<Arc<[Name]>> {
        stream.peer_names()
    }
}
