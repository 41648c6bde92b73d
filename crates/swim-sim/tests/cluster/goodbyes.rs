//! Leaves after a fault, and forged leave messages.

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Answer, Failure, Status};
use swim_sim::{World, WorldOptions, secs};

/// The longest time for a leave, on the LAN profile with five nodes, also if no peer hears it.
const LEAVE_TIME_MAX: u64 = 4;

/// Five nodes, of which `n1` leaves after `act` has broken something. Returns the world, and the
/// leave's answer.
pub(crate) fn leave_after(
    options: WorldOptions,
    act: impl FnOnce(&mut World),
) -> (World, Result<Answer, Failure>) {
    let mut world = options.build();
    world.form(5);
    act(&mut world);
    let request = world.leave("n1");
    let answered = world.run_until(secs(LEAVE_TIME_MAX), |world| world.answer(request).is_some());
    assert!(answered, "{}", world.report(Some("n1")));
    assert_eq!(world.node("n1").status(), Status::Left);
    let result = world.answer(request).cloned().expect("it is answered");
    (world, result)
}

/// Three nodes: two of them wrongly see the third as departed, and the third sees both of them so.
///
/// Neither side pings the other, and no gossip waits. Returns `None` if any node heard otherwise
/// meanwhile.
pub(crate) fn crossed(options: WorldOptions) -> Option<World> {
    let mut world = options.build();
    world.form(3);
    world.run(secs(5));
    let tell = |world: &mut World, observer: &str, subject: &str| {
        let incarnation = world.node(subject).local().incarnation;
        let goodbye = Message::Update(Update { name: subject, incarnation, claim: Claim::Left });
        world.forge(world.address(subject), observer, &goodbye);
    };
    for observer in ["n0", "n1"] {
        tell(&mut world, observer, "n2");
        tell(&mut world, "n2", observer);
    }
    world.run(secs(10));
    let live = ["n0", "n1", "n2"].map(|name| world.node(name).members_live());
    (live == [2, 2, 1]).then_some(world)
}

/// Lets one of the two hear late that the third is alive.
pub(crate) fn hear_of_it_late(world: &mut World) {
    let member = world.node("n2").local().to_member();
    let (address, incarnation) = (member.address, member.incarnation);
    let claim = Claim::Alive { address, meta: &member.meta, versions: member.versions };
    let late = Message::Update(Update { name: "n2", incarnation, claim });
    world.forge(world.address("n1"), "n0", &late);
}

/// Whether the three list each other as live.
pub(crate) fn all_listed(world: &World) -> bool {
    world.running().all(|observer| world.node(observer).members_live() == 3)
}
