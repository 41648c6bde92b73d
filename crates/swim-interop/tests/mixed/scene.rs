//! The members and addresses of a check.

use std::time::Duration;

use swim_interop::{Framing, Namespace, Peer, Program, Settings, Subnet};

use crate::group::Group;

/// One side of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Members that run this library, named `r1`, `r2` and so on.
    Ours,
    /// Members that run memberlist, named `g1`, `g2` and so on.
    Theirs,
}

impl Side {
    pub(crate) const BOTH: [Side; 2] = [Side::Ours, Side::Theirs];

    pub(crate) fn name(self, number: usize) -> String {
        match self {
            Side::Ours => format!("r{number}"),
            Side::Theirs => format!("g{number}"),
        }
    }

    pub(crate) fn other(self) -> Side {
        match self {
            Side::Ours => Side::Theirs,
            Side::Theirs => Side::Ours,
        }
    }
}

/// The programs of the two sides.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) ours: Program,
    pub(crate) theirs: Program,
}

/// The setting of a check: its own addresses, and one framing for all members.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) framing: Framing,
    pub(crate) subnet: Subnet,
    pair: Pair,
}

impl Scene {
    pub(crate) fn new(pair: Pair, framing: Framing) -> Self {
        Scene { framing, subnet: Subnet::new(), pair }
    }

    pub(crate) fn program(&self, side: Side) -> &Program {
        match side {
            Side::Ours => &self.pair.ours,
            Side::Theirs => &self.pair.theirs,
        }
    }

    /// Returns settings for a new member with frequent push/pulls.
    ///
    /// In the local profile memberlist gossips an update of six members only twice, each time to
    /// three members drawn at random. A member that was missed would get it by push/pull about
    /// 15 s later.
    pub(crate) fn settings(&self, side: Side, number: usize) -> Settings {
        let mut settings = self.settings_of_profile(side, number);
        settings.push_pull = Some(Duration::from_secs(2));
        settings
    }

    /// Returns settings for a new member with the profile's push/pulls.
    pub(crate) fn settings_of_profile(&self, side: Side, number: usize) -> Settings {
        let bind = self.subnet.address();
        Settings::new(self.program(side), &side.name(number), bind, self.framing)
    }

    /// Starts `each` members per side, and waits until they all know each other.
    pub(crate) fn form(&self, each: usize) -> Group {
        self.form_with(each, |_| {})
    }

    pub(crate) fn form_with(&self, each: usize, change: impl Fn(&mut Settings)) -> Group {
        self.form_in(None, each, each, change)
    }

    /// All but the first of a side join the first member of the other side.
    pub(crate) fn form_in(
        &self,
        namespace: Option<&Namespace>,
        ours: usize,
        theirs: usize,
        change: impl Fn(&mut Settings),
    ) -> Group {
        let start = |side, number| {
            let mut settings = self.settings(side, number);
            change(&mut settings);
            Peer::start_in(namespace, settings)
        };
        let mut ours: Vec<_> = (1..=ours).map(|number| start(Side::Ours, number)).collect();
        let mut theirs: Vec<_> = (1..=theirs).map(|number| start(Side::Theirs, number)).collect();
        let (our_first, their_first) = (ours[0].address(), theirs[0].address());
        for peer in &mut ours {
            peer.join(their_first);
        }
        for peer in &mut theirs[1..] {
            peer.join(our_first);
        }
        ours.append(&mut theirs);
        let mut group = Group(ours);
        group.agree();
        group
    }
}
