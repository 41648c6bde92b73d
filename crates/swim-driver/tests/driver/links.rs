use std::collections::VecDeque;
use std::time::{Duration, Instant};

use swim_driver::{Action, Carrier, Input, Io, StreamId, StreamNews};

use crate::harness::Net;

#[test]
fn nodes_whose_packets_travel_over_links_ping_each_other_and_send_no_datagram() {
    let mut net = Net::formed(3, |options| options.transport = Carrier::Streams);
    net.run(Duration::from_secs(20));
    for host in &net.hosts {
        let counts = host.driver.link_counts().unwrap();
        assert_eq!((counts.outgoing, counts.incoming, counts.undecided), (2, 2, 0), "{counts:?}");
        let stats = host.driver.node().stats();
        assert!(stats.packets_received > 20 && stats.health == 0, "{stats:?}");
        assert_eq!(stats.members_live, 3);
    }
}

#[test]
fn connections_that_never_say_what_they_are_leave_nothing_behind() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.transport = Carrier::Streams);
    for port in 1..=40 {
        let from = format!("10.0.0.9:{port}").parse().unwrap();
        let driver = &mut net.hosts[a].driver;
        let Ok(id) = driver.handle_accept(net.now, from) else { continue };
        if port % 2 == 0 {
            // Perhaps the beginning of a hello.
            let news = StreamNews::Data(&[0xC2, 1]);
            driver.handle(net.now, Input::Stream { id, news });
        }
    }
    let undecided = |net: &Net| net.hosts[a].driver.link_counts().unwrap().undecided;
    assert!(undecided(&net) >= 32);
    net.run(Duration::from_secs(30));
    assert_eq!(undecided(&net), 0);
}

/// Inputs that all wait at once.
struct Waiting<'a> {
    id: StreamId,
    inputs: VecDeque<&'a [u8]>,
}

impl Io for Waiting<'_> {
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        let (id, bytes) = (self.id, self.inputs.pop_front()?);
        Some((Instant::now(), Input::Stream { id, news: StreamNews::Data(bytes) }))
    }

    fn perform(&mut self, _: Action) {}
}

#[test]
fn a_turn_takes_no_more_of_a_link_full_of_tiny_packets_than_of_anything_else() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.transport = Carrier::Streams);
    let driver = &mut net.hosts[a].driver;
    let id = driver.handle_accept(net.now, "10.0.0.9:1".parse().unwrap()).unwrap();
    let hello = [&[0xC2, 1, 0, 1, b'x', 4, 10, 0, 0, 9][..], &7946u16.to_be_bytes()].concat();
    let tiny = [0, 1, b'x'].repeat(5000);
    let mut io = Waiting { id, inputs: [&hello[..]].into() };
    assert!(!driver.turn(net.now, &mut io));
    assert_eq!(driver.link_counts().unwrap().incoming, 1);
    io.inputs = vec![&tiny[..]; 10].into();
    let before = driver.node().stats().packets_received;
    assert!(driver.turn(net.now, &mut io), "there is more");
    assert_eq!(driver.node().stats().packets_received - before, 5000);
    assert_eq!(io.inputs.len(), 9);
}
