//! Counts of pings that look for failed members, which the example `search` of swim-sim prints.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use swim_core::channel::{Channel, Scratch};
use swim_core::wire::Message;
use swim_core::{Instant, State};
use swim_sim::checkers::{Checker, Sight, Verdict};
use swim_sim::{World, WorldOptions, secs};

/// The pings to members that their sender sees as failed: times and addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Searches(Rc<RefCell<Vec<(Instant, SocketAddr)>>>);

impl Searches {
    /// Builds a world in which they are counted.
    pub(crate) fn watch(options: WorldOptions) -> (World, Searches) {
        let searches = Searches::default();
        (options.check(Watch { seen: searches.clone(), reader: None }).build(), searches)
    }

    /// The number since then: to one address, or to all.
    pub(crate) fn since(&self, start: Instant, to: Option<SocketAddr>) -> usize {
        let seen = self.0.borrow();
        let wanted = |&&(at, address): &&(Instant, SocketAddr)| {
            at >= start && to.is_none_or(|to| to == address)
        };
        seen.iter().rev().take_while(|(at, _)| *at >= start).filter(wanted).count()
    }
}

struct Watch {
    seen: Searches,
    reader: Option<(Channel, Scratch)>,
}

impl Checker for Watch {
    fn name(&self) -> &'static str {
        "searches"
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let (channel, scratch) = self
            .reader
            .get_or_insert_with(|| (Channel::new(by.node.config(), [0; 32]), Scratch::default()));
        let mut searches = 0;
        if let Ok(opened) = channel.open(payload, scratch) {
            opened.read(|message| {
                if let Ok(Message::Ping(ping)) = message {
                    let known = by.node.member(ping.target);
                    searches += usize::from(!known.is_some_and(|member| member.state.is_live()));
                }
            });
        }
        let seen = core::iter::repeat_n((by.at, to), searches);
        self.seen.0.borrow_mut().extend(seen);
        Ok(())
    }
}

/// The pings per second to one dead address from a cluster of `nodes`, itself included.
///
/// They are counted in the first minute after all know of the failure, and in a minute at each of
/// these ages.
pub(crate) fn to_one_address(options: WorldOptions, nodes: usize, ages: &[Duration]) -> Vec<f64> {
    let (mut world, searches) = Searches::watch(options.digest(false).records(false));
    world.assemble(nodes);
    // Long enough for each node to hear from each.
    world.run(secs(2 * nodes as u64));
    let (gone, address) = ("n1", world.address("n1"));
    world.power_off(gone);
    let known = |world: &World| world.agreed(gone, State::Failed);
    assert!(world.run_until(secs(300), known), "{}", world.report(Some(gone)));
    let verdict = world.now();
    let mut rates = Vec::new();
    for age in ages {
        world.run((verdict + *age) - world.now());
        let start = world.now();
        world.run(secs(60));
        rates.push(searches.since(start, Some(address)) as f64 / 60.0);
    }
    rates
}

/// The pings per probe in a cluster of `nodes`, in the ten minutes after 500 more nodes joined and
/// died, one after the other, in two hours.
pub(crate) fn to_many_addresses(options: WorldOptions, nodes: usize) -> f64 {
    const NAMES: u64 = 500;
    let (mut world, searches) = Searches::watch(options.digest(false).records(false));
    world.assemble(nodes);
    for number in 0..NAMES {
        let name = format!("short{number}");
        world.start(&name);
        world.join(&name, "n0");
        world.run(secs(7));
        world.power_off(&name);
        world.run(Duration::from_millis(7400));
    }
    world.run(secs(60));
    let probes = |world: &World| -> u64 {
        world.running().map(|name| world.node(name).stats().probes).sum()
    };
    let (start, before) = (world.now(), probes(&world));
    world.run(secs(600));
    searches.since(start, None) as f64 / (probes(&world) - before) as f64
}
