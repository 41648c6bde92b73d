//! Nobody is declared failed unasked.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Event, Name, StreamId, StreamOp, Via};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::contents::Opener;
use crate::trace::event_member;

/// A node that declares a member failed has asked it itself since the suspicion began: by a ping
/// that tells it of the suspicion, or over a stream. Also where it follows a verdict that surprised
/// it.
///
/// Where last calls are switched off, or lateness, so that a node that stood still counts the time
/// as that of its suspects, it looks at nothing; nor at verdicts of others that a node takes over.
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
    /// Those at this address, which nobody asked yet.
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
        // The checker of limits complains of what cannot be read.
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
