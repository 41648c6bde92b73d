//! Running clusters that move to a label, to encryption, or to other keys, node by node, without
//! losing a member.

use swim_core::wire::Wire;
use swim_core::{CommandError, Config, DropReason, Encryption, Event, Instant, Key, Keyring, Node};
use swim_sim::{World, WorldOptions, bounds, secs};

const NAMES: [&str; 6] = ["n0", "n1", "n2", "n3", "n4", "n5"];

/// A step for every node: a new configuration if it restarts, a command if it does not.
#[derive(Clone, Copy, Debug)]
struct Step {
    configure: fn(&mut Config),
    command: fn(&mut Node, Instant) -> Result<(), CommandError>,
}

/// How nodes take the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Restarts,
    Commands,
}

fn cluster(seed: u64, wire: Wire, change: fn(&mut Config)) -> World {
    let mut world = WorldOptions::new(seed)
        .configure(move |_, config| {
            if wire == Wire::Memberlist {
                *config = config.clone().memberlist();
            }
            change(config);
        })
        .checked()
        .build();
    world.form(NAMES.len());
    world
}

/// Takes the steps, each on one node after the other, with time in between for failures.
///
/// New metadata of every node has to reach all peers in the middle of each step and after it.
fn migrate(world: &mut World, by: By, steps: &[Step]) {
    let patience = bounds::settling(world.node("n0").config(), NAMES.len());
    for (number, step) in steps.iter().enumerate() {
        for (place, name) in NAMES.into_iter().enumerate() {
            match by {
                By::Restarts => {
                    world.restart_with(name, step.configure);
                    world.join(name, NAMES[(place + 1) % NAMES.len()]);
                }
                By::Commands => {
                    let done = world.command(name, step.command);
                    assert_eq!(done, Ok(()), "step {number} at {name}");
                }
            }
            world.run(secs(5));
            if place == 2 {
                announce(world, &format!("half of step {number}"));
                world.settle(patience);
            }
        }
        announce(world, &format!("after step {number}"));
        world.settle(patience);
    }
    world.run(secs(120));
    world.expect_converged();
    for name in NAMES {
        world.expect_never_failed(name);
    }
}

fn announce(world: &mut World, meta: &str) {
    for name in NAMES {
        world.set_meta(name, meta);
    }
}

fn everywhere(mut test: impl FnMut(u64, Wire, By)) {
    for wire in [Wire::Swim, Wire::Memberlist] {
        for by in [By::Restarts, By::Commands] {
            for seed in 0..3 {
                test(seed, wire, by);
            }
        }
    }
}

const TO_A_LABEL: [Step; 3] = [
    Step {
        configure: |config| config.label_also = Some("prod".into()),
        command: |node, now| node.set_label(now, "".into(), Some("prod".into())),
    },
    Step {
        configure: |config| {
            (config.label, config.label_also) = ("prod".into(), Some("".into()));
        },
        command: |node, now| node.set_label(now, "prod".into(), Some("".into())),
    },
    Step {
        configure: |config| config.label_also = None,
        command: |node, now| node.set_label(now, "prod".into(), None),
    },
];

const TO_ENCRYPTION: [Step; 3] = [
    Step {
        configure: |config| {
            config.keyring = Keyring::new(key(1));
            config.encryption = Encryption::Off;
        },
        command: |node, now| {
            node.set_encryption(now, Encryption::Off)?;
            node.install_key(now, key(1)).map(drop)
        },
    },
    Step {
        configure: |config| config.encryption = Encryption::Outgoing,
        command: |node, now| node.set_encryption(now, Encryption::Outgoing),
    },
    Step {
        configure: |config| config.encryption = Encryption::Required,
        command: |node, now| node.set_encryption(now, Encryption::Required),
    },
];

const TO_ANOTHER_KEY: [Step; 3] = [
    Step {
        configure: |config| assert_eq!(config.keyring.install(key(2)), Ok(true)),
        command: |node, now| node.install_key(now, key(2)).map(drop),
    },
    Step {
        configure: |config| config.keyring.use_key(&key(2)).expect("it was installed"),
        command: |node, now| node.use_key(now, &key(2)),
    },
    Step {
        configure: |config| config.keyring.remove(&key(1)).expect("another one is used"),
        command: |node, now| node.remove_key(now, &key(1)),
    },
];

const AWAY: [Step; 5] = [
    Step {
        configure: |config| config.encryption = Encryption::Outgoing,
        command: |node, now| node.set_encryption(now, Encryption::Outgoing),
    },
    Step {
        configure: |config| config.encryption = Encryption::Off,
        command: |node, now| node.set_encryption(now, Encryption::Off),
    },
    Step {
        configure: |config| config.keyring = Keyring::default(),
        // The last key cannot be removed. It does no harm to a node that does not use it.
        command: |_, _| Ok(()),
    },
    Step {
        configure: |config| (config.label, config.label_also) = ("".into(), Some("prod".into())),
        command: |node, now| node.set_label(now, "".into(), Some("prod".into())),
    },
    Step {
        configure: |config| config.label_also = None,
        command: |node, now| node.set_label(now, "".into(), None),
    },
];

/// Key 1 has 32 bytes, the other one 16.
fn key(number: u8) -> Key {
    let size = if number == 1 { 32 } else { 16 };
    Key::aes(&vec![number; size]).expect("a size of a key")
}

#[test]
fn s30_a_running_cluster_is_moved_to_a_label_and_nobody_is_lost() {
    everywhere(|seed, wire, by| {
        let mut world = cluster(seed, wire, |_| {});
        migrate(&mut world, by, &TO_A_LABEL);
        for name in NAMES {
            let config = world.node(name).config();
            assert_eq!((&config.label[..], &config.label_also), (&b"prod"[..], &None));
        }
    });
}

#[test]
fn s30_a_running_cluster_is_moved_to_encryption_and_nobody_is_lost() {
    everywhere(|seed, wire, by| {
        let mut world = cluster(seed, wire, |_| {});
        migrate(&mut world, by, &TO_ENCRYPTION);
    });
}

#[test]
fn s30_a_running_cluster_is_moved_back_from_encryption_and_a_label_and_nobody_is_lost() {
    everywhere(|seed, wire, by| {
        let mut world = cluster(seed, wire, |config| {
            config.keyring = Keyring::new(key(1));
            (config.label, config.label_also) = ("prod".into(), Some("".into()));
        });
        migrate(&mut world, by, &AWAY);
    });
}

#[test]
fn s30_a_running_cluster_is_moved_to_another_key_and_nobody_is_lost() {
    everywhere(|seed, wire, by| {
        let mut world = cluster(seed, wire, |config| config.keyring = Keyring::new(key(1)));
        migrate(&mut world, by, &TO_ANOTHER_KEY);
    });
}

#[test]
fn s30_a_label_and_encryption_at_once_and_nobody_is_lost() {
    everywhere(|seed, wire, by| {
        let mut world = cluster(seed, wire, |_| {});
        migrate(&mut world, by, &[TO_A_LABEL, TO_ENCRYPTION, TO_ANOTHER_KEY].concat());
    });
}

/// Shows why the steps are needed.
#[test]
fn s30_without_the_step_that_accepts_both_nodes_are_lost() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        for rash in [
            (|node, now| node.set_label(now, "prod".into(), None))
                as fn(&mut Node, Instant) -> Result<(), CommandError>,
            |node, now| node.install_key(now, key(1)).map(drop),
        ] {
            let mut world = cluster(1, wire, |_| {});
            world.command("n3", rash).expect("nothing keeps it from doing so");
            world.run(bounds::detection(world.node("n0").config(), NAMES.len()));
            world.expect_failed("n3");
        }
    }
}

/// A node that was away during a rotation comes back with the old key, and learns why it is alone.
#[test]
fn s30_who_comes_back_with_a_key_that_was_removed_is_refused_and_told() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let mut world = cluster(1, wire, |config| config.keyring = Keyring::new(key(1)));
        world.crash("n5");
        for step in TO_ANOTHER_KEY {
            for name in &NAMES[..5] {
                world.command(name, step.command).expect("the key is there");
            }
            world.run(secs(10));
        }
        world.restart("n5");
        let request = world.join("n5", "n0");
        world.run(secs(60));
        assert!(matches!(world.answer(request), Some(Err(_))), "{wire:?}");
        let told = world.events("n0").iter().any(|record| {
            matches!(record.event, Event::BadInput { reason: DropReason::WrongKey, .. })
        });
        assert!(told, "{wire:?}");
        world
            .command("n5", |node, now| {
                node.install_key(now, key(2))?;
                node.use_key(now, &key(2))
            })
            .expect("there is room for a second key");
        world.join("n5", "n0");
        world.settle(secs(60));
    }
}
