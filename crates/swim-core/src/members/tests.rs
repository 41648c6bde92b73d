//! The probe ring, the lists of gone members, and picks.

use alloc::format;
use alloc::vec;

use core::net::SocketAddr;
use core::time::Duration;

use super::*;
use crate::member::{VersionRange, Versions};

fn announcement(meta: &[u8]) -> Announcement<'_> {
    Announcement {
        incarnation: Incarnation(1),
        address: SocketAddr::from(([10, 0, 0, 1], 7946)),
        meta,
        versions: Versions::DEFAULT,
    }
}

/// The node itself and this many peers.
fn table(peers: usize) -> (Members, Random, Vec<Slot>) {
    let mut random = Random::new([1; 32]);
    let mut members = Members::new(&mut random);
    members.add(Instant::ORIGIN, "self", &announcement(b""));
    let slots: Vec<Slot> = (0..peers)
        .map(|number| members.add(Instant::ORIGIN, &format!("n{number}"), &announcement(b"m")))
        .collect();
    slots.iter().for_each(|&slot| members.note_answer(slot));
    (members, random, slots)
}

fn round(members: &mut Members, random: &mut Random) -> Vec<Slot> {
    (0..members.peers()).filter_map(|_| members.next_to_probe(random)).collect()
}

#[test]
fn each_member_is_probed_once_in_a_round_and_each_round_has_its_own_order() {
    let (mut members, mut random, slots) = table(20);
    let rounds: Vec<Vec<Slot>> = (0..3).map(|_| round(&mut members, &mut random)).collect();
    for one in &rounds {
        let mut sorted = one.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, slots);
    }
    assert_ne!(rounds[0], rounds[1]);
    assert_ne!(rounds[1], rounds[2]);
}

#[test]
fn a_member_added_or_lost_in_a_round_disturbs_nobody_elses_turn() {
    let (mut members, mut random, slots) = table(10);
    let mut probed: Vec<Slot> = (0..5).filter_map(|_| members.next_to_probe(&mut random)).collect();
    let (lost_early, lost_late) = (probed[0], *slots.iter().find(|s| !probed.contains(s)).unwrap());
    for slot in [lost_early, lost_late] {
        members.set_state(Instant::ORIGIN, slot, State::Failed);
        members.check();
    }
    let added = members.add(Instant::ORIGIN, "new", &announcement(b""));
    while members.probed < members.ring.len() {
        probed.push(members.next_to_probe(&mut random).unwrap());
    }
    let mut expected: Vec<Slot> = slots.iter().copied().filter(|&s| s != lost_late).collect();
    expected.push(added);
    probed.sort_unstable();
    assert_eq!(probed, expected);
}

#[test]
fn every_change_of_state_keeps_the_lists_in_order() {
    let (mut members, mut random, slots) = table(30);
    let mut now = Instant::ORIGIN;
    for _ in 0..2000 {
        now += Duration::from_millis(10);
        let slot = slots[random.below(30) as usize];
        let state = State::ALL[random.below(4) as usize];
        members.set_state(now, slot, state);
        if !state.is_live() && random.below(2) == 0 {
            members.lose(slot);
        }
        members.next_to_probe(&mut random);
        members.check();
    }
}

#[test]
fn the_gone_get_lost_and_are_forgotten_in_order_and_their_slots_used_again() {
    let (mut members, mut random, slots) = table(3);
    let later = Instant::ORIGIN + Duration::from_secs(1);
    members.set_state(later, slots[0], State::Left);
    members.set_state(Instant::ORIGIN, slots[1], State::Failed);
    assert_eq!(members.longest_gone(), Some((Instant::ORIGIN, slots[1])));
    for slot in [slots[1], slots[0]] {
        members.lose(slot);
        members.check();
    }
    assert_eq!(members.longest_lost(), Some((Instant::ORIGIN, slots[1])));
    let picked = members.pick_failed(&mut random, true);
    assert_eq!(picked, Some((slots[1], 1)), "who left is not looked for");
    assert_eq!((members.len(), members.lost_len(), members.iter().count()), (2, 2, 2));
    members.forget(slots[1]);
    assert_eq!((members.find("n1"), members.pick_failed(&mut random, true)), (None, None));
    assert_eq!(members.add(later, "n9", &announcement(b"")), slots[1]);
    members.check();
}

#[test]
fn of_the_lost_those_who_were_only_heard_of_make_room_first() {
    let (mut members, mut random, slots) = table(3);
    let hearsay = members.add(Instant::ORIGIN, "made up", &announcement(b""));
    let later = Instant::ORIGIN + Duration::from_secs(1);
    for (slot, since) in [(slots[0], Instant::ORIGIN), (hearsay, later)] {
        members.set_state(since, slot, State::Failed);
        members.lose(slot);
    }
    members.check();
    assert_eq!(members.longest_lost(), Some((Instant::ORIGIN, slots[0])));
    assert_eq!(members.least_missed(), Some(hearsay));
    for (heard_from, failed) in [(true, slots[0]), (false, hearsay)] {
        assert_eq!(members.pick_failed(&mut random, heard_from), Some((failed, 1)));
    }
    members.note_answer(hearsay);
    members.check();
    assert_eq!(members.least_missed(), Some(slots[0]));
}

#[test]
fn whoever_moves_has_to_answer_again() {
    let (mut members, _, slots) = table(1);
    assert!(members.entry(slots[0]).has_answered());
    members.announce(slots[0], &announcement(b"other"));
    assert!(members.entry(slots[0]).has_answered());
    let address = "10.0.0.2:7946".parse().unwrap();
    members.announce(slots[0], &Announcement { address, ..announcement(b"other") });
    assert!(!members.entry(slots[0]).has_answered());
}

#[test]
fn a_member_that_comes_back_is_listed_again() {
    let (mut members, mut random, slots) = table(1);
    members.set_state(Instant::ORIGIN, slots[0], State::Failed);
    members.lose(slots[0]);
    members.set_state(Instant::ORIGIN, slots[0], State::Alive);
    assert_eq!((members.longest_gone(), members.longest_lost()), (None, None));
    assert!(!members.misses(true));
    assert_eq!(members.pick_failed(&mut random, true), None);
    assert_eq!(members.iter().count(), 2);
    members.check();
}

#[test]
fn picked_peers_are_different_allowed_and_never_the_node_itself() {
    for peers in [0, 1, 3, 40, 60, 500] {
        let (members, mut random, slots) = table(peers);
        let except = slots.first().copied();
        for _ in 0..50 {
            let picked = members.pick(&mut random, 3, except, |_| true);
            let mut picked = picked.slots().to_vec();
            assert_eq!(picked.len(), 3.min(peers.saturating_sub(1)));
            picked.sort_unstable();
            picked.dedup();
            assert_eq!(picked.len(), 3.min(peers.saturating_sub(1)));
            assert!(!picked.contains(&Slot::LOCAL) && !picked.iter().any(|&s| Some(s) == except));
        }
    }
}

#[test]
fn gossip_goes_round_and_its_order_is_different_in_each_node() {
    let orders: Vec<Vec<Slot>> = [1, 2]
        .map(|seed| {
            let mut members = Members::new(&mut Random::new([seed; 32]));
            members.add(Instant::ORIGIN, "self", &announcement(b""));
            for number in 0..10 {
                members.add(Instant::ORIGIN, &format!("n{number}"), &announcement(b""));
            }
            (0..5).flat_map(|_| members.next_for_gossip(2, |_, _| true).slots().to_vec()).collect()
        })
        .into();
    assert_ne!(orders[0], orders[1]);
    for mut order in orders {
        order.sort_unstable();
        order.dedup();
        assert_eq!(order.len(), 10);
    }
}

#[test]
fn the_failed_never_stand_in_a_row_on_the_way_of_gossip() {
    for (peers, dead) in [(30, 3), (30, 15), (30, 27), (3, 1), (3, 2)] {
        let (mut members, _, slots) = table(peers);
        for &slot in &slots[..dead] {
            members.set_state(Instant::ORIGIN, slot, State::Failed);
        }
        let round: Vec<Slot> = (0..300)
            .flat_map(|_| members.next_for_gossip(1, |_, _| true).slots().to_vec())
            .collect();
        let is_dead = |slot: &Slot| slots[..dead].contains(slot);
        assert!(round.windows(2).all(|pair| !pair.iter().all(is_dead)), "{dead} of {peers}");
        assert!(slots.iter().all(|slot| round.contains(slot)), "each has its turn");
        let to_dead = round.iter().filter(|slot| is_dead(slot)).count();
        let share = (300 * dead / peers).min(100);
        assert!((share - share / 4..=share + 60).contains(&to_dead), "{to_dead}, not {share}");
    }
}

#[test]
fn the_recently_failed_are_picked_for_gossip_and_those_who_left_are_not() {
    let (mut members, mut random, slots) = table(2);
    members.set_state(Instant::ORIGIN, slots[0], State::Failed);
    members.set_state(Instant::ORIGIN, slots[1], State::Left);
    let picked = members.next_for_gossip(3, |_, _| true);
    assert_eq!(picked.slots(), [slots[0]]);
    assert_eq!(members.next_for_gossip(3, |_, _| false).slots(), []);
    assert_eq!(members.pick(&mut random, 3, None, |_| true).slots(), []);
}

#[test]
fn what_a_member_announces_is_stored_whole() {
    let (mut members, _, slots) = table(1);
    let meta = vec![7; 512];
    let new = Announcement {
        incarnation: Incarnation(9),
        address: "[2001:db8::1]:80".parse().unwrap(),
        meta: &meta,
        versions: Versions {
            application: VersionRange { min: 1, max: 3, current: 2 },
            ..Versions::DEFAULT
        },
    };
    members.announce(slots[0], &new);
    let view = members.entry(slots[0]).view();
    assert_eq!((view.name, view.meta, view.incarnation), ("n0", &meta[..], Incarnation(9)));
    assert_eq!((view.address, view.versions), (new.address, new.versions));
    assert!(members.entry(slots[0]).announces(new.address, &meta, new.versions));
}

#[test]
fn an_address_is_known_while_a_live_member_is_there() {
    let (mut members, _, slots) = table(2);
    let (old, new) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let address = "[::ffff:10.0.0.2]:7946".parse().unwrap();
    members.announce(slots[0], &Announcement { address, ..announcement(b"") });
    assert!(members.any_at(old) && members.any_at(new));
    members.set_state(Instant::ORIGIN, slots[1], State::Failed);
    assert!(!members.any_at(old) && members.any_at(new));
    members.announce(slots[0], &Announcement { address, ..announcement(b"other") });
    members.set_state(Instant::ORIGIN, slots[0], State::Suspect);
    assert!(members.any_at(new));
    members.set_state(Instant::ORIGIN, slots[0], State::Left);
    assert!(!members.any_at(new));
}

#[test]
fn an_entry_takes_at_most_72_bytes() {
    assert!(size_of::<Option<Entry>>() <= 72, "{}", size_of::<Option<Entry>>());
}
