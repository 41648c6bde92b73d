//! The runtimes, each with its sockets.

use swim_driver::{Options, Runtime, Transport};
use swim_test_certificates::{Authority, Folder};
use swim_tokio::Tls;

use crate::Result;

/// A runtime with one thread, and the sockets of its adapter.
pub(crate) trait Stack: Copy {
    type Runtime: Runtime;
    type Sockets: Transport;

    fn runtime(self) -> Self::Runtime;

    fn open(self, options: &Options) -> Result<Self::Sockets>;

    fn block_on(self, work: impl Future<Output = Result<()>>) -> Result<()>;
}

#[derive(Clone, Copy)]
pub(crate) struct Tokio;

impl Stack for Tokio {
    type Runtime = swim_tokio::Tokio;
    type Sockets = swim_tokio::UdpTcp;

    fn runtime(self) -> Self::Runtime {
        swim_tokio::Tokio
    }

    fn open(self, options: &Options) -> Result<Self::Sockets> {
        Ok(swim_tokio::UdpTcp::for_options(options)?)
    }

    fn block_on(self, work: impl Future<Output = Result<()>>) -> Result<()> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Smol;

impl Stack for Smol {
    type Runtime = swim_smol::Smol;
    type Sockets = swim_smol::UdpTcp;

    fn runtime(self) -> Self::Runtime {
        swim_smol::Smol
    }

    fn open(self, options: &Options) -> Result<Self::Sockets> {
        Ok(swim_smol::UdpTcp::for_options(options)?)
    }

    fn block_on(self, work: impl Future<Output = Result<()>>) -> Result<()> {
        // Its default is one thread, too.
        smol::block_on(work)
    }
}

#[derive(Clone, Copy)]
pub(crate) struct AsyncStd;

impl Stack for AsyncStd {
    type Runtime = swim_async_std::AsyncStd;
    type Sockets = swim_async_std::UdpTcp;

    fn runtime(self) -> Self::Runtime {
        swim_async_std::AsyncStd
    }

    fn open(self, options: &Options) -> Result<Self::Sockets> {
        Ok(swim_async_std::UdpTcp::for_options(options)?)
    }

    fn block_on(self, work: impl Future<Output = Result<()>>) -> Result<()> {
        if std::env::var_os("ASYNC_STD_THREAD_COUNT").is_none_or(|count| count != "1") {
            return Err("set ASYNC_STD_THREAD_COUNT=1: other runtimes have one thread too".into());
        }
        async_std::task::block_on(work)
    }
}

/// Creates a CA, and one certificate for all nodes.
pub(crate) fn certificates() -> Result<Tls> {
    let (authority, folder) = (Authority::new("benches"), Folder::new());
    let files = folder.files("node", &[&authority], &authority.issue(&["node"]));
    Ok(Tls::load(files)?)
}
