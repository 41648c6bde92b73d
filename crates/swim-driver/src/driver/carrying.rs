//! Packets on their way to the adapter, as datagrams or over links.

use std::net::SocketAddr;

use bytes::Bytes;
use swim_core::{
    ConnectionError, DropReason, Instant as CoreInstant, PacketKind, StreamId, StreamInput,
};

use super::{Driver, socket_form};
use crate::action::{Action, StreamNews};
use crate::advertise::canonical;
use crate::links::{Greeting, LinkCounts, Links};

impl Driver {
    /// The link counts of a node whose packets travel over streams; `None` with datagrams.
    #[must_use]
    pub fn link_counts(&self) -> Option<LinkCounts> {
        self.links.as_ref().map(|links| links.counts())
    }

    /// How many packets arrived over links since the start.
    pub(super) fn packets_of_links(&self) -> usize {
        self.links.as_ref().map_or(0, Links::received)
    }

    pub(super) fn send(
        &mut self,
        now: CoreInstant,
        to: SocketAddr,
        payload: Bytes,
        kind: PacketKind,
    ) {
        let Driver { links, node, actions, bound, .. } = self;
        match links {
            Some(links) => {
                let is_member = |ip| node.has_member_at(ip);
                links.send(now, to, (kind, payload), is_member, actions);
            }
            None => {
                let to = socket_form(*bound, to);
                actions.push_back(Action::Send { to, payload });
            }
        }
    }

    /// The core has ended a connection: forgets it, if its purpose was still unknown.
    pub(super) fn forget_undecided(&mut self, id: StreamId) {
        if let Some(links) = &mut self.links {
            links.forget_undecided(id);
        }
    }

    /// Handles news about a connection. False if the core must handle the news.
    pub(super) fn handle_link(
        &mut self,
        now: CoreInstant,
        id: StreamId,
        mut news: StreamNews<'_>,
    ) -> bool {
        let Driver { links: Some(links), node, actions, streams, .. } = self else {
            return false;
        };
        if links.is_undecided(id) {
            let bytes = match news {
                StreamNews::Data(bytes) => bytes,
                StreamNews::Certified(names) => {
                    links.certified(id, names);
                    return false;
                }
                _ => {
                    links.forget_undecided(id);
                    return false;
                }
            };
            match links.greet(now, id, bytes, |ip| node.has_member_at(ip), actions) {
                Greeting::Unfinished => return true,
                Greeting::Exchange(bytes) => {
                    node.handle_stream(now, id, StreamInput::Data(&bytes));
                    return true;
                }
                Greeting::Refused => {
                    streams.abort(id, actions);
                    node.handle_stream(now, id, StreamInput::Failed(ConnectionError::Local));
                    return true;
                }
                Greeting::WrongName => {
                    node.reject_stream(now, id, DropReason::CertificateName);
                    return true;
                }
                Greeting::Malformed => {
                    node.reject_stream(now, id, DropReason::Malformed);
                    return true;
                }
                Greeting::Link => {
                    // For the core the connection is over.
                    streams.failed(id);
                    node.handle_stream(now, id, StreamInput::Failed(ConnectionError::Reset));
                    // Bytes behind the hello wait in the link.
                    news = StreamNews::Data(&[]);
                }
            }
        } else if !links.owns(id) {
            return false;
        }
        links.handle(now, id, news, actions, |from, packet| {
            node.handle_packet(now, canonical(from), packet);
        });
        true
    }
}
