//! The name service: the addresses of names, and how long lookups take.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::Instant;
use swim_driver::ResolveId;

use crate::adapter::RESOLVE_TIMEOUT;
use crate::chance::halves;
use crate::latency::{Latency, Picker};
use crate::queue::Task;
use crate::random::{Draws, generator};
use crate::socket_queue::Waiting;
use crate::time::millis;
use crate::world::World;

/// How long an ordinary lookup takes.
const LATENCY: Latency = Latency::Uniform(millis(1), millis(20));

/// The result of looking up a name. See [`World::set_name`].
///
/// ```
/// use swim_sim::{Lookup, secs};
///
/// let slow = Lookup::Nothing.after(secs(3));
/// assert_eq!(slow, Lookup::Slow(secs(3), Box::new(Lookup::Nothing)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// These addresses, with the port that the driver asked for.
    Addresses(Vec<IpAddr>),
    /// The name exists, but has no address.
    Nothing,
    /// The name server fails, or knows no such name.
    Fails,
    /// The name server does not answer. A driver's adapter gives up after 10 s.
    Never,
    /// The same result after this additional delay. Above 10 s the adapter gives up first.
    Slow(Duration, Box<Lookup>),
}

impl Lookup {
    /// Delays the result.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Lookup::Slow(delay, Box::new(self))
    }

    /// The additional delay, and the answer if there is one.
    fn answer(&self, port: u16) -> (Duration, Option<Result<Vec<SocketAddr>, String>>) {
        match self {
            Lookup::Addresses(addresses) => {
                let addresses = addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
                (Duration::ZERO, Some(Ok(addresses)))
            }
            Lookup::Nothing => (Duration::ZERO, Some(Ok(Vec::new()))),
            Lookup::Fails => (Duration::ZERO, Some(Err("no such name".to_owned()))),
            Lookup::Never => (Duration::ZERO, None),
            Lookup::Slow(delay, lookup) => {
                let (more, answer) = lookup.answer(port);
                (delay.saturating_add(more), answer)
            }
        }
    }
}

/// The known names, and the lookups in progress.
#[derive(Debug)]
pub(crate) struct Names {
    known: BTreeMap<String, Lookup>,
    rng: ChaCha8Rng,
    latency: Picker,
    /// Each at a place that is reused.
    pending: Vec<Option<Pending>>,
    free: Vec<u32>,
}

/// A lookup whose answer was not taken yet.
#[derive(Debug)]
struct Pending {
    host: u32,
    /// Which life of the host's process asked.
    life: u32,
    id: ResolveId,
    result: Result<Vec<SocketAddr>, String>,
}

impl Names {
    pub(crate) fn new(seed: u64) -> Self {
        Names {
            known: BTreeMap::new(),
            rng: generator(seed, Draws::Names),
            latency: Picker::new(LATENCY),
            pending: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Takes the answer to a lookup, for its driver.
    pub(crate) fn take(&mut self, place: u32) -> (ResolveId, Result<Vec<SocketAddr>, String>) {
        let pending = self.pending[place as usize].take().expect("a task names a place in use");
        self.free.push(place);
        (pending.id, pending.result)
    }

    fn insert(&mut self, pending: Pending) -> u32 {
        if let Some(place) = self.free.pop() {
            self.pending[place as usize] = Some(pending);
            return place;
        }
        self.pending.push(Some(pending));
        u32::try_from(self.pending.len() - 1).expect("fewer than 2^32 lookups at once")
    }
}

impl World {
    /// Sets the result of looking up a name, from now on, for all drivers.
    ///
    /// By default the name of a host resolves to its address, and any other name fails.
    ///
    /// ```
    /// use swim_sim::{Lookup, World, secs};
    ///
    /// let mut world = World::new(1);
    /// world.start("a");
    /// world.set_name("seed.example", Lookup::Nothing);
    /// world.start_driver("b", |options| options.seeds = vec!["seed.example:7946".into()]);
    /// world.run(secs(20));
    /// assert_eq!(world.cluster("b").members().len(), 1);
    ///
    /// world.set_name("seed.example", Lookup::Addresses(vec![world.address("a").ip()]));
    /// world.run(secs(40));
    /// assert_eq!(world.cluster("b").members().len(), 2);
    /// ```
    pub fn set_name(&mut self, name: &str, lookup: Lookup) {
        self.note(format_args!("the name {name} leads to {lookup:?}"));
        self.names.known.insert(name.to_owned(), lookup);
    }

    /// Has a name resolve to the addresses of these nodes.
    #[track_caller]
    pub fn set_name_to(&mut self, name: &str, nodes: &[&str]) {
        let addresses = nodes.iter().map(|node| self.address(node).ip()).collect();
        self.set_name(name, Lookup::Addresses(addresses));
    }

    /// Looks up a name for a driver. The result is that of this instant.
    pub(crate) fn look_up(&mut self, host: u32, id: ResolveId, name: String, port: u16) {
        let lookup = match self.names.known.get(&name) {
            Some(lookup) => lookup.clone(),
            None => match self.find_host(&name) {
                Some(number) => Lookup::Addresses(vec![self.hosts[number as usize].address.ip()]),
                None => Lookup::Fails,
            },
        };
        let (latency, _) = halves(self.names.rng.next_u64());
        let latency = Duration::from_nanos(self.names.latency.pick(latency));
        let (delay, answer) = lookup.answer(port);
        let taken = latency.saturating_add(delay);
        let (taken, result) = match answer {
            Some(result) if taken <= RESOLVE_TIMEOUT => (taken, result),
            _ => (RESOLVE_TIMEOUT, Err("no answer within 10 s".to_owned())),
        };
        let life = self.hosts[host as usize].life;
        if self.options.dials_kept {
            self.hosts[host as usize].lookups.push((self.now, name));
        }
        let place = self.names.insert(Pending { host, life, id, result });
        self.queue.push(self.now + taken, Task::Lookup(place));
    }

    pub(crate) fn lookup_ends(&mut self, place: u32) {
        let asked = self.names.pending[place as usize].as_ref();
        let Pending { host, life, .. } = *asked.expect("a task names a place in use");
        if self.hosts[host as usize].life == life {
            self.hosts[host as usize].waiting.push(Waiting::Lookup(place));
            self.call_driver(host);
        } else {
            let _nobody_hears = self.names.take(place);
        }
    }

    /// Returns the names that a driver looked up, with times, over all lives of its process.
    #[track_caller]
    #[must_use]
    pub fn lookups(&self, name: &str) -> &[(Instant, String)] {
        &self.hosts[self.host(name) as usize].lookups
    }
}
