//! A cluster of this library, in a `World`.

use core::time::Duration;

use swim_core::{Event, Instant};
use swim_sim::{World, WorldOptions};

use super::cluster::{Cluster, Setting, Volume};

/// A cluster of this library with the LAN profile.
///
/// Without `STREAMS`, it sends no pings over streams: neither in a probe nor before it declares a
/// failure.
#[derive(Debug)]
pub struct Ours<const STREAMS: bool> {
    world: World,
    names: Vec<String>,
    off: Option<usize>,
}

/// The default.
pub type OursWithStreams = Ours<true>;

/// Detects failures only by datagrams, as foca does.
///
/// Joins and the periodic push/pull still use streams.
pub type OursByDatagram = Ours<false>;

impl<const STREAMS: bool> Ours<STREAMS> {
    /// Returns the world itself.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl<const STREAMS: bool> Cluster for Ours<STREAMS> {
    const NAME: &'static str = if STREAMS { "ours" } else { "ours, no stream pings" };

    fn assemble(setting: Setting) -> Self {
        let options = WorldOptions::new(setting.seed).digest(false).records(setting.records);
        let mut world = options
            .configure(|_, config| {
                config.stream_ping = STREAMS;
                config.last_call = STREAMS;
            })
            .build();
        world.assemble(setting.nodes);
        let names = (0..setting.nodes).map(|number| format!("n{number}")).collect();
        Ours { world, names, off: None }
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn run(&mut self, span: Duration) {
        self.world.run(span);
    }

    fn join(&mut self, contact: usize) {
        let name = format!("n{}", self.names.len());
        self.world.start(&name);
        self.world.join(&name, &self.names[contact]);
        self.names.push(name);
    }

    fn power_off(&mut self, node: usize) {
        assert!(self.off.is_none(), "one at a time");
        self.world.power_off(&self.names[node]);
        self.off = Some(node);
    }

    fn set_loss(&mut self, probability: f64) {
        self.world.set_loss(probability);
    }

    fn volume(&self) -> Volume {
        let traffic = self.world.traffic();
        Volume {
            packets: traffic.packets,
            packet_bytes: traffic.packet_bytes,
            streams: traffic.streams,
            stream_bytes: traffic.stream_bytes,
        }
    }

    fn nodes(&self) -> usize {
        self.names.len()
    }

    fn live(&self, node: usize) -> usize {
        self.world.node(&self.names[node]).members_live()
    }

    fn declared(&self) -> u64 {
        let running = (0..self.names.len()).filter(|node| Some(*node) != self.off);
        running.map(|node| self.world.node(&self.names[node]).stats().failures_declared).sum()
    }

    fn held_failed_since(&self, node: usize) -> Vec<Instant> {
        let subject = self.names[node].as_str();
        let first = |observer: &String| {
            let mut records = self.world.events(observer).iter();
            let failed = records.find(|record| {
                matches!(&record.event, Event::Failed { member, .. } if member.name == *subject)
            });
            failed.map(|record| record.at)
        };
        self.names.iter().filter_map(first).collect()
    }
}
