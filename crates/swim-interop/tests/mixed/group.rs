//! The members of one cluster, and the views they should agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use swim_interop::{LIMIT, Peer, Settings, View, eventually, within};

/// Texts that memberlist logs if it cannot read a message.
///
/// Its other complaints are expected if members fail.
const NOT_UNDERSTOOD: &[&str] = &[
    "decode",
    "Decrypt",
    "decrypt",
    "decompress",
    "checksum",
    "label",
    "not supported",
    "invalid msgType",
    "msg type",
    "truncated",
    "unexpected",
    "protocol version",
    "Vsn",
    "exceeds limit",
    "larger than",
    "missing message type",
    "too short",
    "BadInput",
    "panic",
    "goroutine",
];

/// The line count of each member at some moment.
#[derive(Debug, Default)]
pub(crate) struct Marks(BTreeMap<String, usize>);

impl Marks {
    /// Returns the line count of a member; 0 if it did not exist.
    pub(crate) fn of(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// All members but this one.
    pub(crate) fn but(&self, name: &str) -> impl Iterator<Item = (&str, usize)> {
        let others = self.0.iter().filter(move |(observer, _)| *observer != name);
        others.map(|(observer, mark)| (observer.as_str(), *mark))
    }

    /// Forgets a member that will restart as another process.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
}

/// Running members of one cluster.
#[derive(Debug)]
pub(crate) struct Group(pub(crate) Vec<Peer>);

impl Group {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|peer| peer.name().to_string()).collect()
    }

    /// Returns the member of this name.
    pub(crate) fn get(&mut self, name: &str) -> &mut Peer {
        self.0.iter_mut().find(|peer| peer.name() == name).expect("one that runs")
    }

    /// Returns all members but this one.
    pub(crate) fn others(&mut self, name: &str) -> impl Iterator<Item = &mut Peer> {
        self.0.iter_mut().filter(move |peer| peer.name() != name)
    }

    /// Kills a member, and returns its settings.
    pub(crate) fn kill(&mut self, name: &str) -> Settings {
        let position = self.0.iter().position(|peer| peer.name() == name).expect("one that runs");
        self.0.remove(position).kill()
    }

    /// Starts a member that joins a running one.
    pub(crate) fn start(&mut self, settings: Settings, contact: &str) {
        let contact = self.get(contact).address();
        let mut peer = Peer::start(settings);
        peer.join(contact);
        self.0.push(peer);
    }

    /// Waits until all members agree on all of them.
    ///
    /// They must see each other alive with the same address, incarnation, metadata and versions.
    /// Failed and departed members do not matter.
    pub(crate) fn agree(&mut self) {
        self.agree_within(LIMIT);
    }

    /// Like [`agree`](Group::agree), with a limit.
    ///
    /// A member that gossip missed waits for a push/pull.
    pub(crate) fn agree_within(&mut self, limit: Duration) {
        let names: BTreeSet<String> = self.names().into_iter().collect();
        within(limit, "all agree", || {
            let views: Vec<(String, View)> =
                self.0.iter_mut().map(|peer| (peer.name().to_string(), peer.view())).collect();
            let first = &views[0].1;
            let agree = |name: &String| {
                let same = |(_, view): &(String, View)| view.of(name) == first.of(name);
                first.state(name) == "alive" && views.iter().all(same)
            };
            if names.iter().all(agree) {
                return Ok(());
            }
            Err(views.iter().map(|(name, view)| format!("\n  {name} sees:{view}")).collect())
        });
    }

    /// Waits until each other member has seen this member in this state once.
    ///
    /// The first may have forgotten it before the last sees it.
    pub(crate) fn wait_for_state(&mut self, name: &str, state: &str) {
        let mut waiting: Vec<&mut Peer> = self.others(name).collect();
        eventually(&format!("everybody sees {name} {state}"), || {
            let mut lacking = String::new();
            waiting.retain_mut(|peer| {
                let view = peer.view();
                let waits = view.state(name) != state;
                if waits {
                    lacking += &format!("\n  {} sees:{view}", peer.name());
                }
                waits
            });
            if waiting.is_empty() { Ok(()) } else { Err(lacking) }
        });
    }

    /// Returns the current line count of each member.
    pub(crate) fn marks(&self) -> Marks {
        let mark = |peer: &Peer| (peer.name().to_string(), peer.lines.mark());
        Marks(self.0.iter().map(mark).collect())
    }

    /// Checks that no member reported another as gone, since `marks` or since its own start.
    pub(crate) fn assert_nobody_gone(&self, marks: &Marks) {
        for peer in &self.0 {
            let mark = marks.of(peer.name());
            let gone = peer.lines.all(mark, |line| line.is("gone"));
            assert!(
                gone.is_empty(),
                "{} saw {}:\n{}",
                peer.name(),
                gone[0].json,
                peer.lines.transcript()
            );
        }
    }

    /// Checks that no member complained.
    pub(crate) fn assert_silent(&self) {
        self.assert_silent_but(&[]);
    }

    /// Checks that no member complained, except for lines that contain one of these texts.
    pub(crate) fn assert_silent_but(&self, expected: &[&str]) {
        let complaints = self.complaints();
        let unexpected: Vec<_> = complaints
            .iter()
            .filter(|text| !expected.iter().any(|expected| text.contains(expected)))
            .collect();
        assert!(unexpected.is_empty(), "complaints: {unexpected:#?}");
    }

    /// Checks that each member could read all messages. Complaints about failed members are fine.
    pub(crate) fn assert_understood(&self) {
        let complaints = self.complaints();
        let strange: Vec<_> = complaints
            .iter()
            .filter(|text| NOT_UNDERSTOOD.iter().any(|strange| text.contains(strange)))
            .collect();
        assert!(strange.is_empty(), "complaints: {strange:#?}");
    }

    fn complaints(&self) -> Vec<String> {
        self.0.iter().flat_map(Peer::complaints).collect()
    }
}
