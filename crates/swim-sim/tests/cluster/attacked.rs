//! The cluster under attack. `checkers_bite.rs` shows the effect of each missing rule.

use swim_core::NameKeeper;
use swim_core::wire::Wire;
use swim_sim::{millis, secs};

use crate::attacks;

const WIRES: [Wire; 2] = [Wire::Swim, Wire::Memberlist];

#[test]
fn s88_a_killed_member_fails_in_time_under_guessed_acks() {
    for wire in WIRES {
        assert!(attacks::guessed_acks(wire, true, |_| {}), "{wire:?}, from its own address");
        assert!(attacks::guessed_acks(wire, false, |_| {}), "{wire:?}, from elsewhere");
    }
}

#[test]
fn s85_forged_moves_are_not_multiplied_towards_a_third_party() {
    for wire in WIRES {
        let reached = attacks::forged_moves(wire, |_| {});
        assert!(reached <= 1.0, "{wire:?}: {reached} datagrams for each");
    }
}

#[test]
fn s85_made_up_members_that_move_more_often_draw_no_more() {
    for wire in WIRES {
        let [slow, fast] = [100, 20].map(|ms| attacks::wandering_members(wire, millis(ms)));
        println!("{wire:?}: {slow} datagrams for 600, {fast} for 3,000");
        assert!(slow <= 2_500, "{wire:?}: {slow} datagrams");
        assert!(fast * 2 <= slow * 3, "{wire:?}: {fast} datagrams after {slow}");
    }
}

#[test]
fn s89_a_suspicion_near_the_highest_incarnation_takes_nothing_from_a_member() {
    for wire in WIRES {
        for known in [secs(0), secs(61)] {
            assert!(attacks::exhausting_suspicion(wire, known, |_| {}), "{wire:?}, {known:?}");
        }
    }
}

#[test]
fn s90_a_member_that_was_announced_elsewhere_far_above_is_back_at_home() {
    for wire in WIRES {
        assert!(attacks::far_move(wire, |_| {}), "{wire:?}");
    }
}

#[test]
fn s93_made_up_members_that_leave_push_out_no_lost_member_that_answered() {
    for wire in WIRES {
        assert!(attacks::made_up_goodbyes(wire, |config| config.gossip_to_the_dead = secs(5)));
    }
}

#[test]
fn s90_a_member_whose_name_is_stolen_keeps_it_and_is_back_once_the_thief_is_gone() {
    for wire in WIRES {
        assert!(attacks::announced_name(wire, |_| {}), "{wire:?}");
    }
    assert!(attacks::stolen_name(|config| config.name_conflict = NameKeeper::Newer));
}
