//! Two nodes with one name, for tests that show which one keeps it, and that without the rule the
//! other does. Some return a description of the violation, if any.

use core::net::SocketAddr;

use swim_core::wire::Wire;
use swim_core::{Answer, Config, Event, Failure, Incarnation, NameKeeper, State};
use swim_sim::{Request, World, WorldOptions, bounds, secs};

/// Sets up the nodes.
pub(crate) type Configure = fn(&mut Config);

/// The name that two nodes have.
pub(crate) const NAME: &str = "n1";

pub(crate) fn world(wire: Wire, seed: u64, configure: impl Fn(&mut Config) + 'static) -> World {
    WorldOptions::new(seed)
        .configure(move |_, config| {
            if wire == Wire::Memberlist {
                *config = config.clone().memberlist();
            }
            configure(config);
        })
        .build()
}

/// Starts a host whose node has the name, with an incarnation `rise` above that of n0.
pub(crate) fn start_second(world: &mut World, label: &str, rise: u32) {
    let base = world.node("n0").local().incarnation;
    world.start_with(label, |config| {
        config.name = NAME.parse().expect("a name");
        config.incarnation = Incarnation(base.0 + rise);
    });
}

/// Whether all nodes of other names see the member of this name alive at this address.
pub(crate) fn all_see(world: &World, address: SocketAddr) -> bool {
    world.running().filter(|&label| world.node(label).local().name != NAME).all(|observer| {
        let seen = world.node(observer).member(NAME);
        seen.is_some_and(|seen| (seen.state, seen.address) == (State::Alive, address))
    })
}

pub(crate) fn was_told(world: &World, label: &str, address: SocketAddr) -> bool {
    world.events(label).iter().any(
        |record| matches!(record.event, Event::NameTaken { address: told, .. } if told == address),
    )
}

/// Whether any node heard of the name at another address than this one.
pub(crate) fn heard_of_another(world: &World, home: SocketAddr) -> bool {
    world.running().any(|observer| {
        world.events(observer).iter().any(|record| match &record.event {
            Event::NameConflict { .. } => true,
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Refuted { member, .. }
            | Event::Suspected { member, .. } => member.name == NAME && member.address != home,
            _ => false,
        })
    })
}

pub(crate) fn has_joined(world: &World, request: Request) -> bool {
    matches!(world.answer(request), Some(Ok(Answer::Joined { .. })))
}

/// A cluster of five, and a second node with the name of a member, at a higher incarnation, that
/// joins through another member.
pub(crate) fn late_comer(wire: Wire, seed: u64, configure: Configure) -> Result<(), &'static str> {
    let mut world = world(wire, seed, configure);
    world.form(5);
    world.run(secs(10));
    let home = world.address(NAME);
    start_second(&mut world, "second", 60);
    let join = world.join("second", "n0");
    world.run(secs(60));
    let second = world.address("second");
    check(!heard_of_another(&world, home), "somebody heard of it")?;
    check(world.answer(join) == Some(&Err(Failure::NameTaken)), "it is not told in its join")?;
    check(was_told(&world, "second", home), "it is not told")?;
    check(was_told(&world, NAME, second), "the member is not told")?;
    world.crash(NAME);
    let config = world.node("n0").config();
    // It asks once per interval, and waits for two more, and so do its peers.
    let within = config.probe_interval * 5 + bounds::spread(config, 5) * 2;
    check(world.run_until(within, |world| all_see(world, second)), "it does not inherit")
}

/// Two nodes claim one name on two sides of a partition, the second one `later` seconds later.
/// Returns the node that keeps it after the heal, if they agree.
pub(crate) fn contest(
    keeper: NameKeeper,
    seed: u64,
    later: u64,
    configure: Configure,
) -> Option<&'static str> {
    let mut world = world(Wire::Swim, seed, move |config| {
        config.name_conflict = keeper;
        configure(config);
    });
    world.form(8);
    world.crash(NAME);
    world.run_until(secs(60), |world| world.node("n0").member(NAME).is_none());
    world.cut(&["n0", "n2", "n3"], &["n4", "n5", "n6", "n7"]);
    for (label, contact, side) in
        [("one", "n0", ["n4", "n5", "n6", "n7"]), ("two", "n4", ["n0", "n2", "n3", "n0"])]
    {
        // The incarnation of the second one is lower, so its late start decides nothing.
        start_second(&mut world, label, if label == "one" { 100 } else { 50 });
        world.cut(&[label], &side);
        if label == "two" {
            world.cut(&["one"], &["two"]);
        }
        world.join(label, contact);
        world.run(secs(if label == "one" { later } else { 30 }));
    }
    world.heal();
    world.run(secs(120));
    let settled = |world: &World| {
        ["one", "two"].into_iter().find(|label| all_see(world, world.address(label)))
    };
    let winner = settled(&world)?;
    let events =
        |world: &World| -> usize { world.running().map(|label| world.events(label).len()).sum() };
    let before = events(&world);
    world.run(secs(300));
    // No thrash: a contest that is over causes no events.
    (settled(&world) == Some(winner) && events(&world) == before).then_some(winner)
}

pub(crate) fn check(holds: bool, wrong: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(wrong) }
}
