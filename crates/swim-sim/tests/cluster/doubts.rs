//! Clusters in which healthy members are suspected, and the number of suspicions.

use swim_core::{Event, Instant};
use swim_sim::{World, WorldOptions, secs};

/// Counts events in all views since a time. `of` receives the observer and the event.
pub(crate) fn count(world: &World, since: Instant, of: impl Fn(&str, &Event) -> bool) -> usize {
    let each = world.running().flat_map(|observer| {
        let records = world.events(observer).iter().filter(|record| record.at > since);
        records.map(move |record| (observer, &record.event))
    });
    each.filter(|(observer, event)| of(observer, event)).count()
}

/// Cuts all links for a while. Returns how often members are declared failed after the heal.
pub(crate) fn failures_after_a_cut(options: WorldOptions, nodes: usize, seconds: u64) -> usize {
    let mut world = options.build();
    world.form(nodes);
    let names: Vec<String> = world.running().map(str::to_owned).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    for (number, one) in all.iter().enumerate() {
        world.cut(&[one], &all[number + 1..]);
    }
    world.run(secs(seconds));
    world.heal();
    let healed = world.now();
    world.run(secs(20));
    count(&world, healed, |_, event| matches!(event, Event::Failed { .. }))
}

/// Runs forty nodes, one of them deaf for ten minutes.
///
/// Returns how often the other nodes suspect each other, and how often they declare each other
/// failed.
pub(crate) fn doubts_beside_a_deaf_member(options: WorldOptions) -> [usize; 2] {
    let mut world = options.build();
    world.form(40);
    let formed = world.now();
    world.deafen("n7");
    world.run(secs(600));
    let suspicions = count(&world, formed, |observer, event| {
        let of = |name: &str| observer != "n7" && name != "n7";
        matches!(event, Event::Suspected { member, .. } if of(member.name.as_str()))
    });
    let failures = count(&world, formed, |observer, event| {
        let of = |name: &str| observer != "n7" && name != "n7";
        matches!(event, Event::Failed { member, .. } if of(member.name.as_str()))
    });
    [suspicions, failures]
}
