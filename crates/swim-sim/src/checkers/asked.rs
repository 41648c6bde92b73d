//! No member is declared failed unasked.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Event, Name, StreamId, StreamOp, Via};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::contents::Opener;
use crate::trace::event_member;

/// Checks that a node has asked a suspect itself before it declares the suspect failed.
///
/// The question is a ping that names the suspicion, or a stream, sent since the suspicion began.
/// This also holds if the node follows a verdict that it did not expect.
///
/// Exempt are nodes without last calls, nodes without lateness (after a stall, they charge the
/// stalled time to their suspects), and failures that the node takes over from peers.
#[derive(Debug, Default)]
pub struct Asked {
    hosts: Vec<Suspects>,
    opener: Opener,
}

/// The members that a node suspects, by its events.
#[derive(Debug, Default)]
struct Suspects {
    by_name: BTreeMap<Name, Suspect>,
}

#[derive(Debug)]
struct Suspect {
    address: SocketAddr,
    asked: bool,
}

impl Suspects {
    /// Suspects at this address that were not asked yet.
    fn unasked(&mut self, at: SocketAddr) -> impl Iterator<Item = (&Name, &mut Suspect)> {
        self.by_name.iter_mut().filter(move |(_, it)| !it.asked && it.address == at)
    }
}

impl Checker for Asked {
    fn name(&self) -> &'static str {
        "asked before failed"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        *of_host(&mut self.hosts, by.host) = Suspects::default();
        Ok(())
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let suspects = of_host(&mut self.hosts, by.host);
        if suspects.unasked(to).next().is_none() {
            return Ok(());
        }
        let (mut pings, mut told) = (0, Vec::new());
        let opened = self.opener.packet(by.node.config(), payload, &mut |message| match message {
            Ok(Message::Ping(_)) => pings += 1,
            Ok(Message::Update(Update { name, claim: Claim::Suspect { .. }, .. })) => {
                told.push(name.to_owned());
            }
            _ => {}
        });
        // A packet that cannot be read is a matter for the checker of limits.
        if opened.is_ok() && pings > 0 {
            for (name, suspect) in suspects.unasked(to) {
                suspect.asked = told.iter().any(|told| told.as_str() == name.as_str());
            }
        }
        Ok(())
    }

    fn stream_operation(&mut self, by: &Sight<'_>, _id: StreamId, operation: &StreamOp) -> Verdict {
        if let StreamOp::Open { to } = operation {
            let suspects = of_host(&mut self.hosts, by.host);
            suspects.unasked(*to).for_each(|(_, suspect)| suspect.asked = true);
        }
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let (config, suspects) = (by.node.config(), of_host(&mut self.hosts, by.host));
        let Some(member) = event_member(event) else {
            return Ok(());
        };
        let before = suspects.by_name.remove(&member.name);
        match event {
            Event::Suspected { member, .. } => {
                let suspect = Suspect { address: member.address, asked: false };
                suspects.by_name.insert(member.name.clone(), suspect);
                Ok(())
            }
            Event::Failed { via: Via::Own, .. } if config.last_call && config.lateness => {
                expect(before.is_none_or(|suspect| suspect.asked), || {
                    format!("it never asked {} since it suspects it: {event:?}", member.name)
                })
            }
            _ => Ok(()),
        }
    }
}
