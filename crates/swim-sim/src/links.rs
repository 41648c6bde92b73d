//! Links between hosts that are broken or clogged.

use crate::network::OUTSIDE;

/// A set of hosts by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostSet(Vec<u64>);

impl HostSet {
    pub(crate) fn insert(&mut self, host: u32) {
        let word = host as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (host % 64);
    }

    fn remove(&mut self, host: u32) {
        if let Some(word) = self.0.get_mut(host as usize / 64) {
            *word &= !(1 << (host % 64));
        }
    }

    fn contains(&self, host: u32) -> bool {
        self.0.get(host as usize / 64).is_some_and(|word| word >> (host % 64) & 1 == 1)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

impl FromIterator<u32> for HostSet {
    fn from_iter<T: IntoIterator<Item = u32>>(hosts: T) -> Self {
        let mut set = HostSet::default();
        for host in hosts {
            set.insert(host);
        }
        set
    }
}

/// The kinds of data that a broken link stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    Everything,
    Datagrams,
    Streams,
}

#[derive(Clone, Debug)]
struct Break {
    from: HostSet,
    to: HostSet,
    blocks: Blocks,
}

/// The links of a lasting break: of one host, or of all (`None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) from: Option<u32>,
    pub(crate) to: Option<u32>,
    pub(crate) blocks: Blocks,
}

impl Between {
    fn holds(self, from: u32, to: u32) -> bool {
        let is_of = |end: Option<u32>, host: u32| end.map_or(host != OUTSIDE, |one| one == host);
        is_of(self.from, from) && is_of(self.to, to)
    }
}

/// The links that are broken or clogged.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Breaks that only [`mend`](Links::mend) ends.
    lasting: Vec<Between>,
    breaks: Vec<Break>,
    clogs: Vec<(u32, u32)>,
    /// Hosts whose links are all clogged, in both directions.
    clogged_hosts: HostSet,
}

impl Links {
    /// Whether nothing is broken or clogged.
    pub(crate) fn are_whole(&self) -> bool {
        let Links { lasting, breaks, clogs, clogged_hosts } = self;
        lasting.is_empty() && breaks.is_empty() && clogs.is_empty() && clogged_hosts.is_empty()
    }

    pub(crate) fn break_links(&mut self, from: HostSet, to: HostSet, blocks: Blocks) {
        self.breaks.push(Break { from, to, blocks });
    }

    pub(crate) fn clog(&mut self, from: u32, to: u32) {
        if !self.clogs.contains(&(from, to)) {
            self.clogs.push((from, to));
        }
    }

    pub(crate) fn unclog(&mut self, from: u32, to: u32) {
        self.clogs.retain(|link| *link != (from, to));
    }

    pub(crate) fn clog_host(&mut self, host: u32) {
        self.clogged_hosts.insert(host);
    }

    pub(crate) fn unclog_host(&mut self, host: u32) {
        self.clogged_hosts.remove(host);
    }

    /// Breaks links until [`mend`](Links::mend) with the same argument, also those of future hosts.
    pub(crate) fn break_for_long(&mut self, between: Between) {
        self.lasting.push(between);
    }

    pub(crate) fn mend(&mut self, between: Between) {
        if let Some(place) = self.lasting.iter().position(|lasting| *lasting == between) {
            self.lasting.remove(place);
        }
    }

    /// Repairs everything except lasting breaks.
    pub(crate) fn heal(&mut self) {
        let lasting = core::mem::take(&mut self.lasting);
        *self = Links { lasting, ..Links::default() };
    }

    /// Whether a broken link stops a datagram.
    pub(crate) fn stop_datagram(&self, from: u32, to: u32) -> bool {
        self.breaks.iter().any(|link| {
            link.blocks != Blocks::Streams && link.from.contains(from) && link.to.contains(to)
        }) || self.lasting.iter().any(|it| it.blocks != Blocks::Streams && it.holds(from, to))
    }

    /// Whether a broken link stops a piece of a stream.
    pub(crate) fn stop_stream(&self, from: u32, to: u32) -> bool {
        self.breaks.iter().any(|link| {
            link.blocks != Blocks::Datagrams && link.from.contains(from) && link.to.contains(to)
        }) || self.lasting.iter().any(|it| it.blocks != Blocks::Datagrams && it.holds(from, to))
    }

    /// Whether a clogged link holds input.
    pub(crate) fn hold(&self, from: u32, to: u32) -> bool {
        self.clogs.contains(&(from, to))
            || self.clogged_hosts.contains(from)
            || self.clogged_hosts.contains(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_stops_one_direction() {
        let mut links = Links::default();
        let set = |hosts: &[u32]| hosts.iter().copied().collect::<HostSet>();
        links.break_links(set(&[0, 70]), set(&[1]), Blocks::Datagrams);
        assert!(links.stop_datagram(70, 1) && links.stop_datagram(0, 1));
        assert!(!links.stop_datagram(1, 0) && !links.stop_stream(0, 1));
        links.break_links(set(&[0]), set(&[1]), Blocks::Everything);
        assert!(links.stop_stream(0, 1));
        links.break_links(set(&[1]), set(&[0]), Blocks::Streams);
        assert!(links.stop_stream(1, 0) && !links.stop_datagram(1, 0));
        links.heal();
        assert!(!links.stop_datagram(0, 1) && links.are_whole());
    }

    #[test]
    fn what_lasts_outlasts_a_heal_and_holds_for_hosts_to_come() {
        let mut links = Links::default();
        let deaf = Between { from: None, to: Some(3), blocks: Blocks::Datagrams };
        links.break_for_long(deaf);
        links.break_for_long(deaf);
        links.heal();
        assert!(links.stop_datagram(7, 3) && !links.stop_datagram(3, 7) && !links.are_whole());
        assert!(!links.stop_stream(7, 3) && !links.stop_datagram(OUTSIDE, 3));
        links.mend(deaf);
        assert!(links.stop_datagram(7, 3));
        links.mend(deaf);
        assert!(links.are_whole());
    }

    #[test]
    fn a_clog_holds_one_direction_and_a_clogged_host_both() {
        let mut links = Links::default();
        links.clog(0, 1);
        links.clog(0, 1);
        assert!(links.hold(0, 1) && !links.hold(1, 0) && !links.are_whole());
        links.clog_host(0);
        links.unclog(0, 1);
        assert!(links.hold(0, 1) && links.hold(1, 0) && links.hold(70, 0) && !links.hold(1, 2));
        links.unclog_host(0);
        assert!(!links.hold(0, 1) && links.are_whole());
    }
}
