//! Limits the work that a compressed text may cause.
//!
//! Reading a message takes instructions, mostly regardless of its length, and compression packs
//! thousands of messages into a few hundred bytes. A compressed text therefore pays for its
//! messages with its received bytes. Uncompressed text has enough bytes for its messages.

/// How many bytes of messages are read for each received byte.
const READ_PER_BYTE: usize = 12;
/// How many bytes of messages are always read: a few messages.
const READ_MIN: usize = 256;
/// A payload is copied and not read, so it counts for this fraction of its length.
const PAYLOAD_SHARE: usize = 8;

/// A compressed table may bring this many new members, and another one for each 16 received bytes.
/// Admitting a member takes as long as unpacking and reading it.
const NEWCOMERS_MIN: usize = 8;
const BYTES_PER_NEWCOMER: usize = 16;

/// How many new members an unrequested compressed table of this many received bytes may bring.
pub(crate) const fn newcomers_max(received: usize) -> usize {
    NEWCOMERS_MIN + received / BYTES_PER_NEWCOMER
}

/// The most that a text may hold, and the least that messages cost, in received bytes. Texts of
/// nodes cost more, because names and addresses differ.
#[derive(Clone, Copy, Debug)]
struct Prices {
    /// The unpacked bytes for each received byte. Unpacking a byte takes up to four instructions,
    /// and up to eight with LZ4, which copies short pieces.
    unpacked: usize,
    /// The unpacked bytes that are always allowed, because a packet of a Go program may repeat
    /// itself.
    unpacked_min: usize,
    /// A message in a packet.
    message: usize,
    /// A message that may bring a new member, which takes five times as long.
    member: usize,
    /// A member in a table of any length, because equal metadata compresses to few bytes.
    entry: usize,
}

const NATIVE: Prices = Prices { unpacked: 40, unpacked_min: 0, message: 3, member: 6, entry: 6 };
const MEMBERLIST: Prices =
    Prices { unpacked: 100, unpacked_min: 2 << 10, message: 6, member: 12, entry: 6 };

/// The remaining work that a compressed text may cause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    unpacked: usize,
    read: usize,
    prices: Prices,
}

/// A kind of message, as far as its cost depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It announces a member.
    Member,
    /// It is mostly a payload.
    Payload,
    Other,
}

impl Allowance {
    /// Any amount of work.
    pub(crate) const ANY: Allowance =
        Allowance { unpacked: usize::MAX, read: usize::MAX, prices: NATIVE };

    /// The allowance of a native text of this many received bytes.
    pub(crate) const fn native(received: usize) -> Self {
        Allowance::at(NATIVE, received)
    }

    /// The allowance of a text on memberlist's wire of this many received bytes.
    pub(crate) const fn memberlist(received: usize) -> Self {
        Allowance::at(MEMBERLIST, received)
    }

    const fn at(prices: Prices, received: usize) -> Self {
        Allowance {
            unpacked: prices.unpacked_min.saturating_add(received.saturating_mul(prices.unpacked)),
            read: READ_MIN.saturating_add(received.saturating_mul(READ_PER_BYTE)),
            prices,
        }
    }

    /// The most bytes that the text may have.
    pub(super) const fn unpacked(&self) -> usize {
        self.unpacked
    }

    /// Takes the cost of a message of this length. Returns whether that much was left.
    #[inline]
    pub(super) fn take(&mut self, weight: Weight, size: usize) -> bool {
        let Prices { message, member, .. } = self.prices;
        self.take_bytes(match weight {
            Weight::Member => size.max(member * READ_PER_BYTE),
            Weight::Payload => size / PAYLOAD_SHARE + message * READ_PER_BYTE,
            Weight::Other => size.max(message * READ_PER_BYTE),
        })
    }

    /// Takes the cost of a table's members. Returns whether that much was left.
    pub(super) fn take_entries(&mut self, members: usize) -> bool {
        self.take_bytes(members.saturating_mul(self.prices.entry * READ_PER_BYTE))
    }

    #[inline]
    fn take_bytes(&mut self, cost: usize) -> bool {
        let left = self.read.checked_sub(cost);
        self.read = left.unwrap_or_default();
        left.is_some()
    }
}
