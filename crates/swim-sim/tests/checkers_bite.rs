//! Each checker complains of nodes that break its rule, and no other checker does. None complains
//! of the same run with nodes that keep it.
//!
//! The nodes really break rules: see `crates/swim-core/src/sabotage.rs`. Run it with
//! `cargo test -p swim-sim-tests --features sabotage --test checkers_bite`.

use std::collections::BTreeSet;

use swim_core::wire::{Claim, Message, Update, Wire};
use swim_core::{Answer, Config, Incarnation, Key, Keyring, NameKeeper, Sabotage, State};
use swim_sim::checkers::{
    Accusers, Agreement, Answers, Asked, Checker, Convergence, Incarnations, Invariants, Limits,
    Metadata, OwnDeath, Resurrection, Spin, Violation,
};
use swim_sim::swarm::{self, Hostility, LastingFaults, Setup, Wires};
use swim_sim::{World, WorldOptions, bounds, millis, secs};

use newcomers::Order;

#[path = "cluster/addresses.rs"]
mod addresses;
#[path = "cluster/attacks.rs"]
mod attacks;
#[path = "cluster/datagrams_lost.rs"]
mod datagrams_lost;
#[path = "cluster/doubts.rs"]
mod doubts;
#[path = "cluster/goodbyes.rs"]
mod goodbyes;
#[path = "cluster/names.rs"]
mod names;
#[path = "cluster/newcomers.rs"]
mod newcomers;
#[path = "cluster/searches.rs"]
mod searches;

/// The complaints of all checkers in a run of nodes that break a rule, or none.
fn complaints(
    rule: Option<Sabotage>,
    configure: fn(&mut Config),
    run: fn(&mut World),
) -> Vec<Violation> {
    let mut world = WorldOptions::new(7)
        .configure(move |_, config| {
            configure(config);
            config.sabotage = rule;
        })
        .checked()
        .keep_violations()
        .build();
    run(&mut world);
    world.violations().to_vec()
}

#[track_caller]
fn bites_with(
    rule: Sabotage,
    checker: &impl Checker,
    configure: fn(&mut Config),
    run: fn(&mut World),
) {
    assert_eq!(complaints(None, configure, run), [], "nobody breaks a rule here");
    let found = complaints(Some(rule), configure, run);
    let names: BTreeSet<&str> = found.iter().map(|violation| violation.checker).collect();
    assert_eq!(names, BTreeSet::from([checker.name()]), "{rule:?}: {found:#?}");
}

#[track_caller]
fn bites(rule: Sabotage, checker: &impl Checker, run: fn(&mut World)) {
    bites_with(rule, checker, |_| {}, run);
}

#[test]
fn believing_old_news_is_seen_as_a_falling_incarnation() {
    bites(Sabotage::BelievesOldNews, &Incarnations::default(), |world| {
        world.form(8);
        world.set_reordering(0.5, secs(2));
        for turn in 0..20 {
            world.set_meta("n1", &turn.to_string());
            world.run(millis(300));
        }
        world.run(secs(5));
    });
}

#[test]
fn taking_back_the_failed_at_the_incarnation_of_their_failure_is_seen_as_a_resurrection() {
    bites(Sabotage::Resurrects, &Resurrection::default(), |world| {
        world.form(5);
        let before = world.node("n2").local().incarnation;
        world.crash("n2");
        assert!(world.run_until(secs(60), |world| world.agreed("n2", State::Failed)));
        world.restart_with("n2", |config| config.incarnation = before);
        world.join("n2", "n0");
        world.run(secs(10));
    });
}

#[test]
fn believing_whoever_declares_one_failed_is_seen_as_its_own_death() {
    bites(Sabotage::BelievesItsDeath, &OwnDeath::default(), |world| {
        world.form(5);
        let incarnation = world.node("n3").local().incarnation;
        let claim = Claim::Failed { accuser: "n0" };
        let failed = Message::Update(Update { name: "n3", incarnation, claim });
        world.forge(world.address("n0"), "n3", &failed);
        world.run(secs(10));
    });
}

#[test]
fn changing_metadata_within_an_incarnation_is_seen() {
    bites(Sabotage::KeepsItsIncarnation, &Metadata::default(), |world| {
        world.form(3);
        world.set_meta("n1", "other");
        world.run(secs(5));
    });
}

#[test]
fn an_alive_at_an_incarnation_at_which_another_one_announced_it_is_seen() {
    let memberlist: fn(&mut Config) = |config| *config = config.clone().memberlist();
    bites_with(Sabotage::MixesIncarnations, &Metadata::default(), memberlist, |world| {
        world.form(8);
        // Suspicions of new incarnations overtake their announcements.
        world.set_reordering(0.7, secs(8));
        for turn in 0..300 {
            world.set_meta("n1", &turn.to_string());
            world.run(millis(400));
            world.isolate("n1");
            world.run(secs(3));
            world.heal();
            world.run(secs(2));
        }
    });
}

#[test]
fn a_queue_above_its_limit_is_seen() {
    let small: fn(&mut Config) = |config| config.update_queue_max = 16;
    bites_with(Sabotage::OverfillsItsQueue, &Limits::default(), small, |world| {
        world.assemble(40);
        for number in 0..30 {
            world.set_meta(&format!("n{number}"), "news");
        }
        world.run(secs(5));
    });
}

#[test]
fn a_packet_above_its_limit_is_seen() {
    bites(Sabotage::OverfillsPackets, &Limits::default(), |world| {
        world.assemble(40);
        for number in 0..30 {
            world.set_meta(&format!("n{number}"), &"long news ".repeat(20));
        }
        world.run(secs(5));
    });
}

#[test]
fn a_stream_that_is_forgotten_without_a_word_is_seen() {
    bites(Sabotage::LeavesStreamsOpen, &Limits::default(), |world| {
        world.form(3);
    });
}

#[test]
fn a_stream_that_ends_twice_is_seen() {
    bites(Sabotage::EndsStreamsTwice, &Limits::default(), |world| {
        world.form(3);
    });
}

#[test]
fn a_request_without_an_answer_is_seen_in_a_calm_world() {
    bites(Sabotage::NeverAnswers, &Answers::default(), |world| {
        world.form(4);
        world.crash("n1");
        let pinged = world.request("n0", |node, now| node.ping(now, "n1"));
        assert!(pinged.is_ok());
        world.calm();
        let config = world.node("n0").config();
        world.run(bounds::settling(config, 4) + config.stream_timeout * 3 + secs(2));
    });
}

#[test]
fn a_second_answer_is_seen() {
    bites(Sabotage::AnswersTwice, &Answers::default(), |world| {
        world.form(3);
    });
}

#[test]
fn a_wrong_count_within_a_node_is_seen() {
    bites(Sabotage::MiscountsRequests, &Invariants::default(), |world| {
        world.form(3);
    });
}

#[test]
fn a_wrong_count_is_seen_among_many_members_too() {
    bites(Sabotage::MiscountsRequests, &Invariants::default(), |world| {
        world.assemble(40);
        // One node at a time is checked, now and then, so each of them has to be wrong.
        for number in 0..40 {
            world.set_meta(&format!("n{number}"), "other");
        }
        world.run(secs(30));
    });
}

#[test]
fn leaving_undone_what_is_due_is_seen_as_spinning() {
    bites(Sabotage::Dawdles, &Spin::default(), |world| {
        world.form(3);
        world.run(secs(5));
    });
}

#[test]
fn a_failure_without_an_event_is_seen() {
    bites(Sabotage::HidesFailures, &Agreement::default(), |world| {
        world.form(4);
        world.crash("n1");
        world.run(secs(100));
    });
}

#[test]
fn new_metadata_without_an_event_is_seen() {
    bites(Sabotage::HidesUpdates, &Agreement::default(), |world| {
        world.form(4);
        world.set_meta("n1", "other");
        world.run(secs(60));
    });
}

#[test]
fn halves_that_do_not_find_each_other_are_seen() {
    bites(Sabotage::ForgetsTheLost, &Convergence::default(), |world| {
        world.form(6);
        world.cut(&["n0", "n1", "n2"], &["n3", "n4", "n5"]);
        world.run(secs(150));
        world.heal();
        world.calm();
        world.run(bounds::settling(world.node("n0").config(), 6) + secs(5));
    });
}

#[test]
fn believing_the_failed_is_seen_on_both_wires() {
    let memberlist: fn(&mut Config) = |config| *config = config.clone().memberlist();
    for configure in [|_: &mut Config| {}, memberlist] {
        bites_with(Sabotage::BelievesTheFailed, &Accusers::default(), configure, |world| {
            world.form(12);
            world.deafen("n7");
            world.run(secs(120));
        });
    }
}

/// On the native wire, nodes compare views before they send tables: the sender has learnt by then
/// that it is seen as failed.
#[test]
fn believing_the_tables_of_the_failed_is_seen_on_memberlists_wire() {
    let silent: fn(&mut Config) = |config| {
        *config = config.clone().memberlist();
        (config.stream_ping, config.last_call) = (false, false);
        config.push_pull_interval = secs(20);
    };
    bites_with(Sabotage::BelievesTheFailed, &Accusers::default(), silent, |world| {
        world.form(12);
        // Peers hear from it only through its tables.
        world.block_datagrams_to("n7");
        world.block_datagrams_from("n7");
        world.run(secs(300));
    });
}

#[test]
fn declaring_members_failed_unasked_is_seen_on_both_wires() {
    let memberlist: fn(&mut Config) = |config| *config = config.clone().memberlist();
    for configure in [|_: &mut Config| {}, memberlist] {
        bites_with(Sabotage::AsksNobody, &Asked::default(), configure, |world| {
            world.form(12);
            world.crash("n7");
            world.run(secs(60));
        });
    }
}

/// The rules that a checker covers, each with the most seeds that a swarm may take to show it.
const SEEN_WITHIN: [(Sabotage, u64); 17] = [
    (Sabotage::BelievesOldNews, 64),
    (Sabotage::Resurrects, 64),
    (Sabotage::BelievesItsDeath, 64),
    (Sabotage::KeepsItsIncarnation, 64),
    (Sabotage::OverfillsItsQueue, 64),
    (Sabotage::OverfillsPackets, 64),
    (Sabotage::LeavesStreamsOpen, 1),
    (Sabotage::EndsStreamsTwice, 1),
    (Sabotage::NeverAnswers, 64),
    (Sabotage::AnswersTwice, 1),
    (Sabotage::MiscountsRequests, 1),
    (Sabotage::Dawdles, 1),
    (Sabotage::HidesFailures, 64),
    (Sabotage::HidesUpdates, 64),
    (Sabotage::ForgetsTheLost, 64),
    (Sabotage::BelievesTheFailed, 64),
    (Sabotage::AsksNobody, 64),
];

#[test]
fn a_swarm_finds_every_broken_rule_soon() {
    let fails = |seed: u64, rule: Sabotage| {
        let setup = Setup::default().hostile(Hostility::Never).lasting(LastingFaults::Never);
        let run = || swarm::run_with(setup, seed, |config| config.sabotage = Some(rule));
        std::panic::catch_unwind(run).is_err()
    };
    let mut late = Vec::new();
    for (rule, within) in SEEN_WITHIN {
        let found = (0..64).find(|seed| fails(*seed, rule));
        println!("{rule:?}: found by seed {found:?}");
        if found.is_none_or(|seed| seed >= within) {
            late.push((rule, found));
        }
    }
    assert_eq!(late, []);
}

/// Rules that only some swarms show, each with the wire, the checker, and the most seeds.
const SEEN_ON: [(Sabotage, Wires, &str, u64); 5] = [
    (Sabotage::KeepsItsIncarnation, Wires::Memberlist, "one metadata per incarnation", 64),
    (Sabotage::BelievesTheFailed, Wires::Swim, "accusers", 64),
    (Sabotage::BelievesTheFailed, Wires::Memberlist, "accusers", 64),
    (Sabotage::AsksNobody, Wires::Swim, "asked before failed", 64),
    (Sabotage::AsksNobody, Wires::Memberlist, "asked before failed", 64),
];

#[test]
fn a_swarm_finds_soon_what_only_some_clusters_show() {
    let mut missed = Vec::new();
    for (rule, wires, checker, within) in SEEN_ON {
        let setup = Setup::from(wires).hostile(Hostility::Never).lasting(LastingFaults::Always);
        let sees = |seed: &u64| {
            let run = || swarm::run_with(setup, *seed, |config| config.sabotage = Some(rule));
            let panic = std::panic::catch_unwind(run).err();
            let complaint = panic.and_then(|panic| panic.downcast_ref::<String>().cloned());
            complaint.is_some_and(|it| it.contains(&format!("the checker of {checker} complains")))
        };
        let found = (0..within).find(sees);
        println!("{rule:?} on {wires}: found by seed {found:?}");
        if found.is_none() {
            missed.push((rule, wires));
        }
    }
    assert_eq!(missed, []);
}

/// Rules that only a hostile host shows, with keys or without, each with the checker that
/// complains: `None` if the siege itself does.
const SEEN_UNDER_ATTACK: [(Sabotage, bool, Option<&str>); 9] = [
    (Sabotage::TakesRepeatedMessages, true, Some("deliveries")),
    (Sabotage::TakesWhatPredates, true, Some("deliveries")),
    (Sabotage::TakesWhatIsForOthers, true, Some("deliveries")),
    (Sabotage::GreetsAlike, true, Some("application states")),
    (Sabotage::TakesPlaintext, true, Some("genuine members")),
    (Sabotage::TakesPlaintext, true, None),
    (Sabotage::AnswersAtLength, false, Some("what is drawn")),
    (Sabotage::GossipsToStrangers, false, Some("what is drawn")),
    (Sabotage::TellsAccusationsAlone, false, Some("convergence")),
];

#[test]
fn a_swarm_with_hostile_hosts_finds_every_rule_soon_without_which_they_succeed() {
    const WITHIN: u64 = 96;
    let hostile = Setup::default().hostile(Hostility::Always);
    let complaint = |seed: u64, rule: Sabotage, keyed: bool| {
        let run = || {
            swarm::run_with(hostile, seed, |config| {
                config.sabotage = Some(rule);
                if keyed {
                    config.keyring = Keyring::new(Key::xchacha([7; 32]));
                }
            })
        };
        let panic = std::panic::catch_unwind(run).err()?;
        panic.downcast_ref::<String>().cloned()
    };
    let mut missed = Vec::new();
    for (rule, keyed, checker) in SEEN_UNDER_ATTACK {
        let said = match checker {
            Some(checker) => format!("the checker of {checker} complains"),
            None => "a hostile host without a key brought about".to_owned(),
        };
        let sees = |seed: &u64| complaint(*seed, rule, keyed).is_some_and(|it| it.contains(&said));
        let found = (0..WITHIN).find(sees);
        println!("{rule:?}, {said}: found by seed {found:?}");
        if found.is_none() {
            missed.push((rule, said));
        }
    }
    assert_eq!(missed, []);
}

#[test]
fn a_falling_own_incarnation_cannot_hide_behind_a_restart() {
    // The same host at a lower incarnation is another life, and starts afresh.
    let run: fn(&mut World) = |world| {
        world.form(3);
        world.restart_with("n1", |config| config.incarnation = Incarnation(1));
        world.join("n1", "n0");
        world.run(secs(10));
    };
    assert_eq!(complaints(None, |_| {}, run), []);
}

// Attacks that succeed without a rule.

#[test]
fn few_sequence_numbers_let_guessed_acks_keep_a_dead_member_alive() {
    assert!(!attacks::guessed_acks(Wire::Swim, true, |config| {
        config.sabotage = Some(Sabotage::GuessableSequences);
    }));
}

#[test]
fn checking_every_move_multiplies_forged_moves() {
    let multiplied = attacks::forged_moves(Wire::Swim, |config| {
        config.sabotage = Some(Sabotage::ChecksEveryMove);
    });
    assert!(multiplied > 1.0, "{multiplied} datagrams for each");
}

#[test]
fn following_every_jump_takes_its_last_incarnations_from_a_member() {
    for known in [secs(0), secs(61)] {
        assert!(!attacks::exhausting_suspicion(Wire::Swim, known, |config| {
            config.sabotage = Some(Sabotage::FollowsEveryJump);
        }));
    }
}

#[test]
fn missing_all_alike_lets_made_up_members_push_out_a_lost_one() {
    assert!(!attacks::made_up_goodbyes(Wire::Swim, |config| {
        config.gossip_to_the_dead = secs(5);
        config.sabotage = Some(Sabotage::MissesAllAlike);
    }));
}

#[test]
fn telling_accusations_alone_leaves_a_member_without_its_name_that_was_announced_far_above() {
    assert!(!attacks::far_move(Wire::Swim, |config| {
        config.sabotage = Some(Sabotage::TellsAccusationsAlone);
    }));
}

#[test]
fn giving_up_its_name_leaves_a_member_without_it_when_the_thief_is_gone() {
    assert!(!attacks::stolen_name(|config| {
        config.name_conflict = NameKeeper::Newer;
        config.sabotage = Some(Sabotage::GivesUpItsName);
    }));
}

#[test]
fn stealing_names_leaves_members_without_theirs() {
    let steals: names::Configure = |config| config.sabotage = Some(Sabotage::StealsNames);
    for seed in 0..5 {
        assert!(names::late_comer(Wire::Swim, seed, steals).is_err(), "seed {seed}");
        for keeper in NameKeeper::ALL {
            assert_eq!(names::contest(keeper, seed, 10, steals), None, "seed {seed}");
        }
    }
}

fn breaking(rule: Sabotage, seed: u64) -> WorldOptions {
    WorldOptions::new(seed).configure(move |_, config| config.sabotage = Some(rule))
}

#[test]
fn verdicts_without_asking_declare_healthy_members_failed_after_a_cut() {
    let failures = (0..5)
        .map(|seed| doubts::failures_after_a_cut(breaking(Sabotage::AsksNobody, seed), 20, 18));
    assert!(failures.sum::<usize>() > 0);
}

#[test]
fn where_the_failed_are_believed_a_deaf_member_has_everybody_suspected() {
    let [suspicions, _] =
        doubts::doubts_beside_a_deaf_member(breaking(Sabotage::BelievesTheFailed, 1));
    assert!(suspicions > 500, "{suspicions} false suspicions");
}

#[test]
fn where_each_node_looks_for_the_failed_by_itself_the_pings_to_one_grow_with_the_cluster() {
    for nodes in [10, 40] {
        let options = breaking(Sabotage::SearchesAlone, 1);
        let rates = searches::to_one_address(options, nodes, &[secs(0)]);
        assert!(rates[0] > 5.0, "{rates:?} per second to one of {nodes}");
    }
    assert!(searches::to_many_addresses(breaking(Sabotage::SearchesAlone, 1), 10) > 0.9);
}

#[test]
fn without_acks_of_the_goodbye_a_leave_that_nobody_heard_is_a_success() {
    let options = breaking(Sabotage::LeavesUnheard, 1);
    let (_, left) = goodbyes::leave_after(options, |world| world.isolate("n1"));
    assert_eq!(left, Ok(Answer::Left));
}

#[test]
fn members_that_are_told_that_they_left_and_not_by_whom_stay_apart() {
    for memberlist in [false, true] {
        let run = |seed| {
            let options = WorldOptions::new(seed).configure(move |_, config| {
                if memberlist {
                    *config = config.clone().memberlist();
                }
                config.sabotage = Some(Sabotage::TellsWithoutAsking);
            });
            let mut world = goodbyes::crossed(options)?;
            goodbyes::hear_of_it_late(&mut world);
            Some(world.run_until(secs(20), goodbyes::all_listed))
        };
        let together: Vec<bool> = (0..20).filter_map(run).collect();
        assert!(together.contains(&false), "memberlist's wire {memberlist}: {together:?}");
    }
}

#[test]
fn without_views_over_streams_news_takes_long_where_no_datagram_gets_through() {
    for memberlist in [false, true] {
        let options = WorldOptions::new(1).configure(move |_, config| {
            if memberlist {
                *config = config.clone().memberlist();
            }
            config.sabotage = Some(Sabotage::TrustsInGossip);
        });
        let took = datagrams_lost::news_takes(options, 8);
        assert!(took > secs(10), "{took:?}");
    }
}

#[test]
fn a_lone_node_that_keeps_its_pace_lists_the_others_for_minutes() {
    let mut world = breaking(Sabotage::KeepsItsPaceAlone, 1).build();
    world.form(40);
    let within = world.node("n7").config().suspicion_timeouts(40).max * 2;
    world.isolate("n7");
    world.run(within);
    assert!(world.node("n7").members_live() > 20, "{}", world.node("n7").members_live());
}

#[test]
fn a_node_that_asks_nobody_of_its_address_never_knows_that_nobody_reaches_it() {
    let options = breaking(Sabotage::AnnouncesBlindly, 1);
    let (mut world, _) = addresses::joined_by_hidden(options, 3);
    world.run(secs(300));
    assert_eq!(addresses::told_unreachable(&world, addresses::HIDDEN), []);
}

#[test]
fn where_every_return_is_shown_a_member_that_nobody_reaches_comes_and_fails_for_ever() {
    let run = |rule| {
        let options = WorldOptions::new(1).configure(move |_, config| config.sabotage = rule);
        let (mut world, _) = addresses::joined_by_hidden(options, 3);
        world.run(secs(600));
        (addresses::comings_and_failures(&world, "n0")[1], world.traffic().streams)
    };
    let (hidden, ever) = (run(None), run(Some(Sabotage::ShowsEveryReturn)));
    assert_eq!(hidden.0, 2);
    assert!(ever.0 > 20, "{} failures in ten minutes", ever.0);
    // The display of a member must not make views differ, or nodes would compare them over streams.
    assert!(hidden.1 <= ever.1 + ever.1 / 10, "{} and {} streams", hidden.1, ever.1);
}

#[test]
fn newcomers_that_introduce_themselves_to_nobody_wait_for_the_periodic_exchange() {
    for order in [Order::Together, Order::InTurn] {
        let run = |seed| {
            let options = WorldOptions::new(seed).configure(|_, config| {
                *config = config.clone().memberlist();
                config.sabotage = Some(Sabotage::IntroducesItselfToNobody);
            });
            newcomers::until_all_know_all(options, 50, order)
        };
        let late = (0..10).map(run).filter(|time| *time > secs(3)).count();
        assert!(late > 1, "{order:?}: {late} of 10 took longer than 3 s");
    }
}
