//! A connection of an application over the network of the world.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use futures_io::{AsyncRead, AsyncWrite};
use swim_core::StreamId;

use super::virtual_runtime::VirtualRuntime;

/// A connection of an application.
#[derive(Debug)]
pub(super) struct VirtualStream {
    runtime: VirtualRuntime,
    id: StreamId,
}

impl VirtualStream {
    /// Starts to connect.
    pub(super) fn connect(runtime: VirtualRuntime, to: SocketAddr) -> Self {
        let id = runtime.desk().connect(to);
        VirtualStream { runtime, id }
    }

    /// Wraps a connection that a peer opened.
    pub(super) fn accepted(runtime: VirtualRuntime, id: StreamId) -> Self {
        VirtualStream { runtime, id }
    }

    /// Waits until the connection is open.
    pub(super) async fn opened(&self) -> io::Result<()> {
        poll_fn(|cx| self.runtime.desk().poll_opened(self.id, cx)).await
    }
}

impl AsyncRead for VirtualStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.runtime.desk().poll_read(self.id, cx, buffer)
    }
}

impl AsyncWrite for VirtualStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.runtime.desk().poll_write(self.id, cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Accepted bytes are on their way already.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.runtime.desk().finish(self.id))
    }
}

impl Drop for VirtualStream {
    fn drop(&mut self) {
        self.runtime.desk().forget(self.id);
    }
}
