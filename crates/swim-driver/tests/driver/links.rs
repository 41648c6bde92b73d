use std::time::Duration;

use swim_driver::{Carrier, Input, StreamNews};

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
            // It may be a hello.
            let news = StreamNews::Data(&[0xC2, 1]);
            driver.handle(net.now, Input::Stream { id, news });
        }
    }
    let undecided = |net: &Net| net.hosts[a].driver.link_counts().unwrap().undecided;
    assert!(undecided(&net) >= 32);
    net.run(Duration::from_secs(30));
    assert_eq!(undecided(&net), 0);
}
