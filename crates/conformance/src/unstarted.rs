//! A node that does not run yet, on any adapter.

use std::net::SocketAddr;

use swim_driver::{Bound, Cluster, Events, Node, Runtime, Transport};

use crate::adapter::LocalFuture;

/// The application that [`Bound::run`] runs beside a node.
pub(crate) type Application<'a> = Box<dyn FnOnce(Cluster, Events) -> LocalFuture<'a, ()> + 'a>;

/// A [`Bound`] of any transport and runtime.
pub(crate) trait Unstarted: Send {
    fn local_address(&self) -> SocketAddr;

    fn spawn(self: Box<Self>) -> Node;

    fn run<'a>(self: Box<Self>, application: Application<'a>) -> LocalFuture<'a, ()>;
}

impl<T: Transport, R: Runtime> Unstarted for Bound<T, R> {
    fn local_address(&self) -> SocketAddr {
        Bound::local_address(self)
    }

    fn spawn(self: Box<Self>) -> Node {
        Bound::spawn(*self)
    }

    fn run<'a>(self: Box<Self>, application: Application<'a>) -> LocalFuture<'a, ()> {
        Box::pin(Bound::run(*self, application))
    }
}
