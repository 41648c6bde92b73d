//! Peers with wrong settings, or another protocol: the node accepts nothing from them, and reports
//! the fault once.

use core::net::SocketAddr;

use swim_core::wire::{Message, Ping, Wire};
use swim_core::{
    Config, DropCounts, DropReason, Event, Key, Keyring, State, StreamInput, VersionRange,
};
use swim_sim::{World, WorldOptions, secs};

type Change = fn(&mut Config);

/// A node of the cluster and a stranger, their changes to the usual configuration, and the node's
/// report.
struct Case {
    what: &'static str,
    ours: Change,
    theirs: Change,
    reason: DropReason,
}

fn memberlist(config: &mut Config) {
    *config = config.clone().memberlist();
}

fn sealed(config: &mut Config) {
    config.keyring = Keyring::new(Key::aes(&[1; 16]).expect("a size of a key"));
}

fn sealed_otherwise(config: &mut Config) {
    config.keyring = Keyring::new(Key::aes(&[2; 32]).expect("a size of a key"));
}

fn labelled(config: &mut Config) {
    config.label = "prod".into();
}

/// Memberlist's version 0 of encryption.
fn version_0(config: &mut Config) {
    memberlist(config);
    config.versions.protocol = VersionRange { min: 1, max: 5, current: 1 };
}

macro_rules! with {
    ($($change:ident)*) => {
        |_config| {
            $($change(_config);)*
        }
    };
}

const CASES: [Case; 21] = [
    Case {
        what: "native to memberlist",
        ours: with!(memberlist),
        theirs: with!(),
        reason: DropReason::Swim,
    },
    Case {
        what: "memberlist to native",
        ours: with!(),
        theirs: with!(memberlist),
        reason: DropReason::Memberlist,
    },
    Case {
        what: "labelled memberlist to native",
        ours: with!(labelled),
        theirs: with!(memberlist labelled),
        reason: DropReason::Memberlist,
    },
    Case {
        what: "sealed memberlist to native",
        ours: with!(),
        theirs: with!(memberlist sealed),
        reason: DropReason::Memberlist,
    },
    Case {
        what: "sealed memberlist to sealed native",
        ours: with!(sealed),
        theirs: with!(version_0 sealed),
        reason: DropReason::Memberlist,
    },
    Case {
        what: "sealed native to memberlist",
        ours: with!(memberlist),
        theirs: with!(sealed),
        reason: DropReason::Swim,
    },
    Case {
        what: "sealed native to sealed memberlist",
        ours: with!(memberlist sealed),
        theirs: with!(sealed),
        reason: DropReason::Swim,
    },
    Case {
        what: "plain to sealed",
        ours: with!(sealed),
        theirs: with!(),
        reason: DropReason::Plaintext,
    },
    Case {
        what: "plain to sealed, memberlist",
        ours: with!(memberlist sealed),
        theirs: with!(memberlist),
        reason: DropReason::Plaintext,
    },
    Case {
        what: "sealed to plain",
        ours: with!(),
        theirs: with!(sealed),
        reason: DropReason::Sealed,
    },
    Case {
        what: "sealed to plain, memberlist",
        ours: with!(memberlist),
        theirs: with!(memberlist sealed),
        reason: DropReason::Sealed,
    },
    Case {
        what: "sealed to plain, memberlist's version 0",
        ours: with!(version_0),
        theirs: with!(version_0 sealed),
        reason: DropReason::Sealed,
    },
    Case {
        what: "wrong key",
        ours: with!(sealed),
        theirs: with!(sealed_otherwise),
        reason: DropReason::WrongKey,
    },
    Case {
        what: "wrong key, memberlist",
        ours: with!(memberlist sealed),
        theirs: with!(memberlist sealed_otherwise),
        reason: DropReason::WrongKey,
    },
    Case {
        what: "wrong key, memberlist's version 0",
        ours: with!(version_0 sealed),
        theirs: with!(version_0 sealed_otherwise),
        reason: DropReason::WrongKey,
    },
    Case {
        what: "label where there is none",
        ours: with!(),
        theirs: with!(labelled),
        reason: DropReason::LabelMismatch,
    },
    Case {
        what: "no label where there is one",
        ours: with!(labelled),
        theirs: with!(),
        reason: DropReason::LabelMismatch,
    },
    Case {
        what: "label where there is none, memberlist",
        ours: with!(memberlist),
        theirs: with!(memberlist labelled),
        reason: DropReason::LabelMismatch,
    },
    Case {
        what: "no label where there is one, memberlist",
        ours: with!(memberlist labelled),
        theirs: with!(memberlist),
        reason: DropReason::LabelMismatch,
    },
    Case {
        what: "no label where there is one, sealed",
        ours: with!(sealed labelled),
        theirs: with!(sealed),
        reason: DropReason::LabelMismatch,
    },
    Case {
        what: "no label where there is one, memberlist sealed",
        ours: with!(memberlist sealed labelled),
        theirs: with!(memberlist sealed),
        reason: DropReason::LabelMismatch,
    },
];

fn cluster(ours: Change) -> World {
    let mut world =
        WorldOptions::new(40).configure(move |_, config| ours(config)).checked().build();
    world.form(3);
    world
}

/// The reasons of the complaints of n0 about this host.
fn told(world: &World, about: SocketAddr) -> Vec<DropReason> {
    let of = |event: &Event| match event {
        Event::BadInput { from, reason, .. } if from.ip() == about.ip() => Some(*reason),
        _ => None,
    };
    world.events("n0").iter().filter_map(|record| of(&record.event)).collect()
}

fn expect_unharmed(world: &World, what: &str) {
    for name in ["n0", "n1", "n2"] {
        world.expect_never_suspected(name);
        assert_eq!(world.node(name).members().count(), 3, "{what}: nobody else is listed");
    }
}

#[test]
fn s40_wrong_settings_are_told_once_and_counted_always() {
    for Case { what, ours, theirs, reason } in CASES {
        let mut world = cluster(ours);
        let before = world.node("n0").stats().drops;
        world.start_with("x", |config| {
            let (name, address) = (config.name.clone(), config.address);
            *config = Config::lan(name, address);
            theirs(config);
        });
        // By stream, and with every packet of a minute: 40, and then 40 more.
        let join = world.join("x", "n0");
        world.run(secs(1));
        let failed = world.answer(join).cloned();
        assert!(matches!(failed, Some(Err(_))), "{what}: {failed:?}");
        let (from, stranger) = (world.address("x"), world.node("x").config().clone());
        let mut said = 1;
        for round in 0..2 {
            for sequence in 0..40 {
                let ping = Ping { sequence, target: "n0", source: "x", reply_to: None };
                let ping = Message::Ping(Ping {
                    reply_to: (stranger.wire == Wire::Memberlist).then_some(from),
                    ..ping
                });
                world.forge_as(&stranger, from, "n0", &ping);
                said += 1;
                world.run(secs(1));
            }
            assert_eq!(told(&world, from), vec![reason; round + 1], "{what}");
            world.run(secs(30));
        }
        let drops = world.node("n0").stats().drops;
        assert_eq!(drops[reason] - before[reason], said, "{what}");
        // Repeated gossip is stale in any cluster.
        let others = |counts: &DropCounts| counts.total() - counts[DropReason::Stale];
        assert_eq!(others(&drops) - others(&before), said, "{what}: {drops:?}");
        expect_unharmed(&world, what);
    }
}

/// Each is sent on memberlist's wire and on the native one, sealed and not.
#[test]
fn s40_http_tls_and_noise_are_called_what_they_are() {
    const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let from = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let clusters: [Change; 5] = [
        with!(),
        with!(sealed labelled),
        with!(memberlist),
        with!(memberlist sealed),
        with!(version_0 sealed labelled),
    ];
    for (bytes, reason) in [
        (&b"GET / HTTP/1.1\r\nHost: n0\r\n\r\n"[..], DropReason::Http),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", DropReason::Http),
        (HELLO, DropReason::Tls),
        (b"hello?", DropReason::Unrecognised),
    ] {
        for ours in clusters {
            let mut world = cluster(ours);
            let label = world.node("n0").config().label.clone();
            let before = world.node("n0").stats().drops;
            for _ in 0..20 {
                world.inject(from, "n0", bytes.to_vec());
                // As a connection delivers it: first a byte, then the rest.
                let stream = world.connect(from, "n0").expect("few streams are open");
                world.bring("n0", stream, StreamInput::Data(&bytes[..1]));
                world.bring("n0", stream, StreamInput::Data(&bytes[1..]));
                world.run(secs(1));
            }
            let what = format!("{reason:?} with label {label:?}");
            assert_eq!(told(&world, from), [reason], "{what}");
            let drops = world.node("n0").stats().drops;
            assert_eq!(drops[reason] - before[reason], 40, "{what}: {drops:?}");
            expect_unharmed(&world, &what);
        }
    }
}

/// Like `a_reused_address` of `hooks.rs`, but with labels that keep the clusters apart, on
/// memberlist's wire.
#[test]
fn s29_with_labels_nothing_of_the_other_cluster_is_accepted_on_memberlists_wire() {
    let mut world = WorldOptions::new(8)
        .configure(|number, config| {
            *config = config.clone().memberlist();
            config.label = if number < 3 { "a".into() } else { "b".into() };
        })
        .build();
    for name in ["a0", "a1", "a2", "b0", "b1"] {
        world.start(name);
    }
    for (name, contact) in [("a1", "a0"), ("a2", "a0"), ("b1", "b0")] {
        world.join(name, contact);
    }
    world.run(secs(40));
    world.restart_with("a2", |config| {
        config.name = "b2".parse().expect("a name");
        config.label = "b".into();
    });
    world.join("a2", "b0");
    world.run(secs(90));
    let known = |name: &str| {
        let alive = world.node(name).members().filter(|member| member.state == State::Alive);
        let mut names: Vec<&str> = alive.map(|member| member.name).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!((known("a0"), known("b0")), ("a0 a1".to_owned(), "b0 b1 b2".to_owned()));
    assert_eq!(known("a2"), "b0 b1 b2");
    assert!(world.node("a2").stats().drops[DropReason::LabelMismatch] > 3);
    for host in ["a0", "a1"] {
        let about = world.address(host).ip();
        let told = world.events("a2").iter().filter(|record| {
            matches!(record.event, Event::BadInput { from, reason: DropReason::LabelMismatch, .. }
                if from.ip() == about)
        });
        assert!(told.count() <= 2, "once a minute for each host");
    }
}
