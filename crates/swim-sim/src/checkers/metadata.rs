//! One metadata per incarnation.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use bytes::Bytes;
use swim_core::{Event, Incarnation, Member, Name};

use super::{Checker, Sight, Verdict, expect, of_host};

/// A node announces one metadata per incarnation, as long as its process lives; and what others
/// believe that it announced at an incarnation is what it did. Members are told apart by name and
/// address, so that two nodes with one name are two.
///
/// A process that is started again at an equal incarnation may announce something else: then others
/// may believe either, until it hears of its past and outranks it. At the highest incarnation,
/// which cannot rise, metadata may change. Where a test forges news, others may believe anything.
#[derive(Debug, Default)]
pub struct Metadata {
    /// What each host's node announces now.
    own: Vec<Option<(Incarnation, Bytes)>>,
    announced: BTreeMap<(Name, SocketAddr), Announced>,
    /// Somebody makes up news: what is believed need not have been announced.
    forged: bool,
}

/// What one member announced at each incarnation; more than one thing if it was started again
/// there.
type Announced = BTreeMap<Incarnation, Vec<Bytes>>;

impl Metadata {
    fn announces(&mut self, by: &Sight<'_>, incarnation: Incarnation, meta: &Bytes) {
        let config = by.node.config();
        let announced = self.announced.entry((config.name.clone(), config.address)).or_default();
        let of_incarnation = announced.entry(incarnation).or_default();
        if !of_incarnation.contains(meta) {
            of_incarnation.push(meta.clone());
        }
        *of_host(&mut self.own, by.host) = Some((incarnation, meta.clone()));
    }

    fn believed(&self, member: &Member) -> Verdict {
        let Some(announced) = self.announced.get(&(member.name.clone(), member.address)) else {
            return Ok(());
        };
        // A node may raise its incarnation twice in a turn: the one between was never seen, and had
        // the metadata of one of its neighbours.
        let mut before = announced.range(..=member.incarnation).rev();
        let near = before.next().into_iter().chain(announced.range(member.incarnation..).next());
        let mut found = near.flat_map(|(_, metas)| metas).peekable();
        if found.peek().is_none() || self.forged || member.incarnation == Incarnation::MAX {
            return Ok(());
        }
        expect(found.any(|meta| *meta == member.meta), || {
            let Member { name, incarnation, meta, .. } = member;
            format!("{name} is believed to announce {meta:?} at {incarnation}, and never did")
        })
    }
}

impl Checker for Metadata {
    fn name(&self) -> &'static str {
        "one metadata per incarnation"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let local = by.node.local().to_member();
        self.announces(by, local.incarnation, &local.meta);
        Ok(())
    }

    fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
        match event {
            // Only these say what was announced: an accusation may raise the incarnation alone.
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Refuted { member, .. } => self.believed(member),
            _ => Ok(()),
        }
    }

    fn forged(&mut self) {
        self.forged = true;
    }

    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        // Before its news reach anybody.
        self.turn(by)
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let local = by.node.local();
        let Some((incarnation, meta)) = of_host(&mut self.own, by.host) else {
            return Ok(());
        };
        let same = *meta == local.meta;
        if same && *incarnation == local.incarnation {
            return Ok(());
        }
        let rose = local.incarnation > *incarnation || local.incarnation == Incarnation::MAX;
        let verdict = expect(same || rose, || {
            format!("it announces {:?} after {meta:?}, both at {incarnation}", local.meta)
        });
        let meta = if same { meta.clone() } else { Bytes::copy_from_slice(local.meta) };
        self.announces(by, local.incarnation, &meta);
        verdict
    }
}
