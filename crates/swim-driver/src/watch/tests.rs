use swim_core::Incarnation;

use super::*;

fn member(name: &str, incarnation: u32) -> Member {
    let mut member = Member::new(name.parse().unwrap(), "10.0.0.2:7946".parse().unwrap());
    (member.incarnation, member.meta) = (Incarnation(incarnation), "role=db".into());
    member
}

fn with_meta(incarnation: u32, meta: String) -> Member {
    let mut member = member("b", incarnation);
    member.meta = meta.into();
    member
}

fn with_state(state: State) -> Member {
    let mut member = member("b", 7);
    member.state = state;
    member
}

/// A watch of a cluster in which only `b` is known.
struct Watched {
    known: Option<Member>,
    watcher: Watcher,
    watch: Watch,
}

impl Watched {
    fn new(known: Option<Member>) -> Self {
        let (watcher, watch) = Watcher::new(known.iter());
        Watched { known, watcher, watch }
    }

    /// The peer is now in this state.
    fn see(&mut self, now: Member) {
        let before = self.known.replace(now.clone());
        let is_end = !now.state.is_live();
        let _ = self.watcher.note(&Sighting {
            before: before.as_ref(),
            event: &now,
            is_end,
            now: Some(&now),
        });
    }

    fn changes(&mut self) -> Vec<Change> {
        std::iter::from_fn(|| self.watch.try_next()).collect()
    }
}

#[test]
fn those_that_are_live_come_first() {
    let (b, c) = (member("b", 7), member("c", 7));
    let (_watcher, mut watch) = Watcher::new([&b, &c].into_iter());
    assert_eq!(watch.try_next(), Some(Change::Joined { member: b }));
    assert_eq!(watch.try_next(), Some(Change::Joined { member: c }));
    assert_eq!(watch.try_next(), None);
}

#[test]
fn a_suspicion_and_its_refutation_change_nothing() {
    let mut watched = Watched::new(Some(member("b", 7)));
    watched.changes();
    watched.see(with_state(State::Suspect));
    assert_eq!(watched.changes(), []);
    watched.see(member("b", 8));
    assert_eq!(watched.changes(), []);
}

#[test]
fn metadata_and_addresses_are_changes_with_what_was_before() {
    let mut watched = Watched::new(Some(member("b", 7)));
    watched.changes();
    let changed = with_meta(8, "role=cache".into());
    watched.see(changed.clone());
    let mut moved = changed.clone();
    moved.address = "10.0.0.3:7946".parse().unwrap();
    let expected = Change::Changed { before: member("b", 7), member: changed.clone() };
    assert_eq!(expected.to_string(), "b changed its metadata");
    assert_eq!(watched.changes(), [expected]);
    watched.see(moved.clone());
    let expected = Change::Changed { before: changed, member: moved };
    assert_eq!(expected.to_string(), "b moved from 10.0.0.2:7946 to 10.0.0.3:7946");
    assert_eq!(watched.changes(), [expected]);
}

#[test]
fn what_changes_and_changes_back_between_two_reads_is_nothing() {
    let mut watched = Watched::new(Some(member("b", 7)));
    watched.changes();
    watched.see(with_meta(8, "role=cache".into()));
    watched.see(member("b", 9));
    assert_eq!(watched.changes(), []);
}

#[test]
fn a_member_that_fails_or_leaves_is_gone_with_its_state() {
    for (state, sentence) in [(State::Failed, "b failed"), (State::Left, "b left")] {
        let mut watched = Watched::new(Some(member("b", 7)));
        watched.changes();
        watched.see(with_state(state));
        let expected = Change::Gone { member: with_state(state) };
        assert_eq!(expected.to_string(), sentence);
        assert_eq!(watched.changes(), [expected]);
        // A failed member was not live, so its leave is no news.
        watched.see(with_state(State::Left));
        assert_eq!(watched.changes(), []);
    }
}

#[test]
fn a_member_that_is_gone_and_back_between_two_reads_is_replaced() {
    let mut watched = Watched::new(Some(member("b", 7)));
    watched.changes();
    watched.see(with_state(State::Failed));
    watched.see(member("b", 8));
    let expected = Change::Replaced { before: member("b", 7), member: member("b", 8) };
    assert_eq!(expected.to_string(), "b restarted at 10.0.0.2:7946");
    assert_eq!(watched.changes(), [expected]);
    watched.see(with_state(State::Failed));
    watched.see(member("b", 9));
    watched.see(with_state(State::Left));
    assert_eq!(watched.changes(), [Change::Gone { member: with_state(State::Left) }]);
}

#[test]
fn an_end_within_a_turn_is_noticed_though_the_member_is_back_at_its_end() {
    let (b, failed, back) = (member("b", 7), with_state(State::Failed), member("b", 8));
    let (watcher, mut watch) = Watcher::new([&b].into_iter());
    watch.try_next();
    for event in [&failed, &back] {
        let is_end = !event.state.is_live();
        let seen = Sighting { before: Some(&b), event, is_end, now: Some(&back) };
        let _ = watcher.note(&seen);
    }
    assert_eq!(watch.try_next(), Some(Change::Replaced { before: b, member: back }));
}

#[test]
fn an_incarnation_that_jumps_is_a_new_life_and_one_that_steps_is_not() {
    for (incarnation, replaced) in [(7 + SAME_LIFE_STEP_MAX, 0), (8 + SAME_LIFE_STEP_MAX, 1)] {
        let mut watched = Watched::new(Some(member("b", 7)));
        watched.changes();
        watched.see(member("b", incarnation));
        let changes = watched.changes();
        assert_eq!(changes.len(), replaced, "{changes:?}");
        assert!(changes.iter().all(|it| matches!(it, Change::Replaced { .. })), "{changes:?}");
    }
}

#[test]
fn one_that_came_and_went_between_two_reads_is_nothing() {
    let mut watched = Watched::new(None);
    watched.see(member("b", 7));
    watched.see(with_state(State::Failed));
    assert_eq!(watched.changes(), []);
    watched.see(member("b", 8));
    assert_eq!(watched.changes(), [Change::Joined { member: member("b", 8) }]);
}

#[test]
fn what_waits_is_bounded_by_the_members_however_much_happens() {
    let mut watched = Watched::new(None);
    for round in 0..1000 {
        watched.see(with_meta(7, round.to_string()));
        watched.see(with_state(State::Failed));
    }
    let state = watched.watch.shared.lock();
    assert_eq!((state.order.len(), state.news.len(), state.told.len()), (1, 1, 0));
}

#[test]
fn names_of_peers_cannot_forge_lines() {
    let change = Change::Joined { member: member("b\nc", 7) };
    assert_eq!(change.to_string(), "b\\nc joined at 10.0.0.2:7946");
}

#[test]
fn the_end_comes_after_what_waits() {
    let b = member("b", 7);
    let (watcher, mut watch) = Watcher::new([&b].into_iter());
    let mut context = Context::from_waker(Waker::noop());
    let _ = watcher.close();
    assert_eq!(watch.poll(&mut context), Poll::Ready(Some(Change::Joined { member: b })));
    assert_eq!(watch.poll(&mut context), Poll::Ready(None));
}
