//! How much work a compressed text may be.
//!
//! To read a message takes instructions, most of them whatever its length, and compression makes
//! thousands of messages of a few hundred bytes. So what was compressed pays for its messages with
//! the bytes in which it came. What was not compressed needs no such rule: its bytes are enough.

/// So many bytes of messages are read for each byte in which they came.
const READ_PER_BYTE: usize = 12;
/// So many are read whatever went in: a few messages.
const READ_MIN: usize = 256;
/// A payload, which is copied and not read, counts for so much of its length.
const PAYLOAD_SHARE: usize = 8;

/// So many new members a compressed table may bring, and one more for each so many bytes in which
/// it came: to take one in takes as long as to unpack and read it.
const NEWCOMERS_MIN: usize = 8;
const BYTES_PER_NEWCOMER: usize = 16;

/// How many new members a compressed table may bring that came in so many bytes, where nobody asked
/// for it.
pub(crate) const fn newcomers_max(received: usize) -> usize {
    NEWCOMERS_MIN + received / BYTES_PER_NEWCOMER
}

/// What a text may hold, and what messages count for at least, in bytes in which they came. That is
/// less than those of nodes take, which differ in names and addresses.
#[derive(Clone, Copy, Debug)]
struct Prices {
    /// A text may have so many bytes for each byte in which it came. To unpack one takes up to four
    /// instructions, and in LZ4, which copies short pieces, up to eight.
    unpacked: usize,
    /// So much may come out whatever went in, as a packet in Go may say the same again and again.
    unpacked_min: usize,
    /// A message in a packet.
    message: usize,
    /// One that may bring a new member: that takes five times as long.
    member: usize,
    /// A member in a table, however long: metadata that is the same everywhere takes few bytes.
    entry: usize,
}

const NATIVE: Prices = Prices { unpacked: 40, unpacked_min: 0, message: 3, member: 6, entry: 6 };
const MEMBERLIST: Prices =
    Prices { unpacked: 100, unpacked_min: 2 << 10, message: 6, member: 12, entry: 6 };

/// What is left of the work that a compressed text may be.
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
    /// It is little but a payload.
    Payload,
    Other,
}

impl Allowance {
    /// Whatever it takes.
    pub(crate) const ANY: Allowance =
        Allowance { unpacked: usize::MAX, read: usize::MAX, prices: NATIVE };

    /// For a text of the native wire that came in so many bytes.
    pub(crate) const fn native(received: usize) -> Self {
        Allowance::at(NATIVE, received)
    }

    /// For a text of memberlist's wire that came in so many bytes.
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

    /// How many bytes the text may have.
    pub(super) const fn unpacked(&self) -> usize {
        self.unpacked
    }

    /// Takes what a message of this length costs; returns whether so much was left.
    #[inline]
    pub(super) fn take(&mut self, weight: Weight, size: usize) -> bool {
        let Prices { message, member, .. } = self.prices;
        self.take_bytes(match weight {
            Weight::Member => size.max(member * READ_PER_BYTE),
            Weight::Payload => size / PAYLOAD_SHARE + message * READ_PER_BYTE,
            Weight::Other => size.max(message * READ_PER_BYTE),
        })
    }

    /// Takes what the members of a table cost; returns whether so much was left.
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
