//! One member's entry in the table.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::Hasher;
use core::net::SocketAddr;

use siphasher::sip::SipHasher13;

use crate::address::{CompactAddress, canonical};
use crate::member::{Belief, Incarnation, MemberRef, State, Versions};
use crate::time::Instant;

/// One member, as stored besides its 4 bytes in the ring and its place in the name index.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Name, then metadata: one allocation instead of two.
    pub(super) text: Box<[u8]>,
    pub(super) since: Instant,
    pub(super) incarnation: u32,
    pub(super) versions: [u8; Versions::SIZE],
    pub(super) address: CompactAddress,
    pub(super) name_len: u8,
    pub(super) state: State,
    marks: Marks,
}

/// Flags of a member in one byte: with a byte for each an entry would take eight more.
#[derive(Clone, Copy, Debug, Default)]
struct Marks(u8);

impl Marks {
    /// Failed or left so long ago that it is no longer listed; see [`Members::lose`].
    ///
    /// [`Members::lose`]: super::Members::lose
    const LOST: u8 = 1;
    /// See [`Entry::has_answered`].
    const ANSWERED: u8 = 2;
    /// See [`Entry::has_returned`].
    const RETURNED: u8 = 4;

    #[inline]
    fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    fn set(&mut self, mark: u8, on: bool) {
        if on {
            self.0 |= mark;
        } else {
            self.0 &= !mark;
        }
    }
}

impl Entry {
    /// An alive member that is in no list yet.
    pub(crate) fn new(now: Instant, name: &str, new: &Announcement<'_>) -> Self {
        Entry {
            text: joined(name.as_bytes(), new.meta),
            since: now,
            incarnation: new.incarnation.0,
            versions: new.versions.to_bytes(),
            address: new.address.into(),
            name_len: u8::try_from(name.len()).expect("names have at most 255 bytes"),
            state: State::Alive,
            marks: Marks::default(),
        }
    }

    /// Takes over an announcement, except for the incarnation.
    pub(crate) fn announce(&mut self, new: &Announcement<'_>) {
        if self.meta() != new.meta {
            self.text = joined(self.name_bytes(), new.meta);
        }
        self.versions = new.versions.to_bytes();
        self.address = new.address.into();
    }

    #[inline]
    pub(crate) fn name(&self) -> &str {
        core::str::from_utf8(&self.text[..usize::from(self.name_len)])
            .expect("names are stored from text")
    }

    #[inline]
    pub(crate) fn name_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.name_len)]
    }

    pub(crate) fn meta(&self) -> &[u8] {
        &self.text[usize::from(self.name_len)..]
    }

    /// The address at which the member is reached.
    #[inline]
    pub(crate) fn address(&self) -> SocketAddr {
        canonical(self.announced_address())
    }

    /// The address as the member announces it. It is passed on unchanged: memberlist takes another
    /// form for another address.
    #[inline]
    pub(crate) fn announced_address(&self) -> SocketAddr {
        self.address.into()
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// When it entered its state.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.marks.has(Marks::LOST)
    }

    pub(super) fn set_lost(&mut self, lost: bool) {
        self.marks.set(Marks::LOST, lost);
    }

    /// Whether this node has heard from the member itself, at its present address: an ack from
    /// there, or a stream. All else that is known of a member is hearsay, which anybody can make
    /// up.
    #[inline]
    pub(crate) fn has_answered(&self) -> bool {
        self.marks.has(Marks::ANSWERED)
    }

    /// Whether it failed here and came back, and has answered nothing since.
    #[inline]
    pub(crate) fn has_returned(&self) -> bool {
        self.marks.has(Marks::RETURNED)
    }

    pub(super) fn set_returned(&mut self, returned: bool) {
        self.marks.set(Marks::RETURNED, returned);
    }

    /// Whether an answer of the member itself would be no news.
    #[inline]
    pub(crate) fn is_proven(&self) -> bool {
        self.marks.0 & (Marks::ANSWERED | Marks::RETURNED) == Marks::ANSWERED
    }

    /// How much supports the belief that it is at this address.
    pub(crate) fn standing_at(&self, address: SocketAddr) -> Standing {
        match (self.is_at(address), self.has_answered()) {
            (true, true) => Standing::Known,
            (true, false) if self.state.is_live() => Standing::Announced,
            _ => Standing::Stranger,
        }
    }

    pub(super) fn set_answered(&mut self, answered: bool) {
        self.marks.set(Marks::ANSWERED, answered);
    }

    #[inline]
    pub(crate) fn incarnation(&self) -> Incarnation {
        Incarnation(self.incarnation)
    }

    #[inline]
    pub(crate) fn belief(&self) -> Belief {
        Belief::new(self.state, self.incarnation())
    }

    pub(crate) fn versions(&self) -> Versions {
        Versions::from_bytes(self.versions)
    }

    /// This member's part of the digest of a view, the same in every node.
    ///
    /// It covers everything that the member announces: two nodes started with one name and one
    /// incarnation must not look the same.
    pub(crate) fn digest(&self) -> u64 {
        if !self.state.is_live() {
            return 0;
        }
        let mut rest = [0; 4 + 19 + Versions::SIZE];
        rest[..4].copy_from_slice(&self.incarnation.to_le_bytes());
        rest[4..23].copy_from_slice(&self.address.to_bytes());
        rest[23..].copy_from_slice(&self.versions);
        let hasher = SipHasher13::new_with_keys(0, 0);
        // In one piece if it fits: each further piece costs as much as some twenty bytes.
        let (text, end) = (self.text.len(), 1 + self.text.len() + rest.len());
        let mut whole = [0; 128];
        if let Some(whole) = whole.get_mut(..end) {
            whole[0] = self.name_len;
            whole[1..=text].copy_from_slice(&self.text);
            whole[text + 1..].copy_from_slice(&rest);
            return hasher.hash(whole);
        }
        let mut hasher = hasher;
        hasher.write(&[self.name_len]);
        hasher.write(&self.text);
        hasher.write(&rest);
        hasher.finish()
    }

    /// Whether it speaks this version of memberlist's protocol, or a later one.
    #[inline]
    pub(crate) fn speaks(&self, memberlist_version: u8) -> bool {
        self.versions().protocol.max >= memberlist_version
    }

    /// Whether an alive update with this content would change at most the incarnation.
    #[inline]
    pub(crate) fn announces(&self, address: SocketAddr, meta: &[u8], versions: Versions) -> bool {
        self.is_at(address) && self.carries(meta, versions)
    }

    /// Whether the member announces this, besides its address.
    #[inline]
    pub(crate) fn carries(&self, meta: &[u8], versions: Versions) -> bool {
        self.meta() == meta && self.versions() == versions
    }

    /// Whether the member is reached at this address, in any form.
    #[inline]
    pub(crate) fn is_at(&self, address: SocketAddr) -> bool {
        self.address.is(address) || self.address() == canonical(address)
    }

    /// The member as sent to peers.
    pub(crate) fn announcement(&self) -> MemberRef<'_> {
        MemberRef { address: self.announced_address(), ..self.view() }
    }

    pub(crate) fn view(&self) -> MemberRef<'_> {
        MemberRef {
            name: self.name(),
            address: self.address(),
            state: self.state,
            incarnation: self.incarnation(),
            meta: self.meta(),
            versions: self.versions(),
        }
    }
}

/// How much supports the belief that a member is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not known to be there, or gone.
    Stranger,
    /// A live member known from hearsay: it may be made up.
    Announced,
    /// This node heard from it there, though it may be gone since.
    Known,
}

/// A member's announcement in an alive update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announcement<'a> {
    pub(crate) incarnation: Incarnation,
    pub(crate) address: SocketAddr,
    pub(crate) meta: &'a [u8],
    pub(crate) versions: Versions,
}

impl<'a> Announcement<'a> {
    /// The member as it would be listed.
    pub(crate) fn as_member(&self, name: &'a str) -> MemberRef<'a> {
        MemberRef {
            name,
            address: canonical(self.address),
            state: State::Alive,
            incarnation: self.incarnation,
            meta: self.meta,
            versions: self.versions,
        }
    }
}

fn joined(name: &[u8], meta: &[u8]) -> Box<[u8]> {
    let mut text = Vec::with_capacity(name.len() + meta.len());
    text.extend_from_slice(name);
    text.extend_from_slice(meta);
    text.into_boxed_slice()
}
