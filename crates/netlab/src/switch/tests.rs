use std::num::{NonZeroU16, NonZeroU64};

use super::*;
use crate::link::Mtu;
use crate::made::{v4, v6};

const A: Port = 0;
const B: Port = 1;
const C: Port = 2;

/// Returns a switch with three hosts, 1 to 3, with an address of each family.
fn switch(seed: u64) -> Switch {
    let mut switch = Switch::new(seed);
    for host in 1..=3 {
        let v6 = Ipv6Addr::new(0xfd4e, 0x77, 0, 0, 0, 0, 0, host);
        let host = u8::try_from(host).unwrap();
        switch.add_host(&[Ipv4Addr::new(10, 77, 0, host).into(), v6.into()]);
    }
    switch
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Returns the arrival times of `count` packets from A to B, all sent at once.
fn arrivals(switch: &mut Switch, count: usize) -> Vec<Duration> {
    let packet = v4(1, 2).bytes();
    (0..count).for_each(|_| switch.handle_packet(Duration::ZERO, A, &packet));
    let mut times = Vec::new();
    while let Some(due) = switch.poll_timeout() {
        if let Some(before) = due.checked_sub(Duration::from_nanos(1)) {
            assert_eq!(switch.poll_packet(before), None);
        }
        assert_eq!(switch.poll_packet(due), Some((B, packet.clone())));
        times.push(due);
    }
    times
}

#[test]
fn packets_go_to_the_host_that_has_the_address() {
    let mut switch = switch(1);
    for packet in [v4(1, 3).bytes(), v6(1, 3).bytes()] {
        switch.handle_packet(Duration::ZERO, A, &packet);
        assert_eq!(switch.poll_packet(Duration::ZERO), Some((C, packet)));
    }
    for stray in [v4(1, 200).bytes(), v6(1, 200).bytes(), vec![], vec![0x45; 19]] {
        switch.handle_packet(Duration::ZERO, A, &stray);
    }
    assert_eq!(switch.poll_timeout(), None);
    assert_eq!(switch.tallies(), Tallies { passed: 2, astray: 4, ..Tallies::default() });
}

#[test]
fn delay_and_jitter_are_the_bounds_of_what_a_packet_takes() {
    let mut switch = switch(1);
    switch.change(A, B, |link| (link.delay, link.jitter) = (millis(20), millis(50)));
    let times = arrivals(&mut switch, 1000);
    assert_eq!(times.len(), 1000);
    assert!(times.iter().all(|time| (millis(20)..millis(70)).contains(time)));
    assert!(times[0] < millis(21) && times[999] > millis(69), "{:?}", (times[0], times[999]));
    // The other direction is unchanged.
    switch.handle_packet(Duration::ZERO, B, &v4(2, 1).bytes());
    assert_eq!(switch.poll_timeout(), Some(Duration::ZERO));
}

#[test]
fn as_many_are_lost_as_the_link_says() {
    let mut switch = switch(1);
    switch.change_all(|link| link.loss = 0.3);
    let arrived = arrivals(&mut switch, 10_000).len();
    assert!((6800..7200).contains(&arrived), "{arrived}");
    assert_eq!(switch.tallies().lost, 10_000 - arrived as u64);
    switch.change_all(|link| link.loss = 1.0);
    assert_eq!(arrivals(&mut switch, 100).len(), 0);
    switch.change_all(|link| link.loss = 0.0);
    assert_eq!(arrivals(&mut switch, 100).len(), 100);
}

#[test]
fn a_seed_decides_the_fate_of_each_packet_of_a_direction() {
    let run = |seed, noise| {
        let mut switch = switch(seed);
        switch.change_all(|link| (link.loss, link.jitter) = (0.5, millis(50)));
        for _ in 0..noise {
            switch.handle_packet(Duration::ZERO, C, &v4(3, 2).bytes());
            while let Some(due) = switch.poll_timeout() {
                switch.poll_packet(due);
            }
        }
        arrivals(&mut switch, 100)
    };
    assert_eq!(run(1, 0), run(1, 7));
    assert_ne!(run(1, 0), run(2, 0));
}

#[test]
fn a_cut_is_of_one_direction_and_lets_through_what_is_under_way() {
    let mut switch = switch(1);
    switch.change(A, B, |link| link.delay = millis(20));
    switch.handle_packet(Duration::ZERO, A, &v4(1, 2).bytes());
    switch.change(A, B, |link| link.cut = true);
    switch.handle_packet(millis(1), A, &v4(1, 2).bytes());
    switch.handle_packet(millis(1), B, &v4(2, 1).bytes());
    assert_eq!(switch.poll_packet(millis(1)), Some((A, v4(2, 1).bytes())));
    assert_eq!(switch.poll_packet(millis(20)), Some((B, v4(1, 2).bytes())));
    assert_eq!(switch.poll_timeout(), None);
    assert_eq!(switch.tallies().cut, 1);
}

#[test]
fn udp_alone_is_dropped() {
    let mut switch = switch(1);
    switch.change_all(|link| link.udp_dropped = true);
    switch.handle_packet(Duration::ZERO, A, &v4(1, 2).carrying(17, 100).bytes());
    switch.handle_packet(Duration::ZERO, A, &v6(1, 2).carrying(17, 100).bytes());
    let stream = v4(1, 2).carrying(6, 100).bytes();
    switch.handle_packet(Duration::ZERO, A, &stream);
    assert_eq!(switch.poll_packet(Duration::ZERO), Some((B, stream)));
    assert_eq!(switch.poll_packet(Duration::ZERO), None);
    assert_eq!(switch.tallies().udp_dropped, 2);
}

#[test]
fn what_is_too_big_is_dropped_and_told_if_the_link_tells() {
    let size = NonZeroU16::new(1280).unwrap();
    let (fits, large) = (v4(1, 2).whole().carrying(6, 1260), v4(1, 2).whole().carrying(6, 1261));
    for (mtu, told) in [(Mtu::told(size), true), (Mtu::silent(size), false)] {
        let mut switch = switch(1);
        switch.change_all(|link| link.mtu = Some(mtu));
        switch.handle_packet(Duration::ZERO, A, &fits.bytes());
        assert_eq!(switch.poll_packet(Duration::ZERO), Some((B, fits.bytes())));
        switch.handle_packet(Duration::ZERO, A, &large.bytes());
        let answer = switch.poll_packet(Duration::ZERO).map(|(to, _)| to);
        assert_eq!(answer, told.then_some(A));
        // A packet that routers may fragment, and ICMP itself, get no answer.
        switch.handle_packet(Duration::ZERO, A, &v4(1, 2).carrying(17, 1400).bytes());
        switch.handle_packet(Duration::ZERO, A, &v4(1, 2).whole().carrying(1, 1400).bytes());
        assert_eq!(switch.poll_packet(Duration::ZERO), None);
        let tallies = switch.tallies();
        assert_eq!((tallies.too_big, tallies.told_too_big), (3, u64::from(told)));
    }
}

#[test]
fn a_rate_spaces_packets_and_a_long_backlog_is_lost() {
    let mut switch = switch(1);
    // 28 bytes each: ten per second.
    switch.change(A, B, |link| link.rate = NonZeroU64::new(280));
    let times = arrivals(&mut switch, 50);
    assert_eq!(times[..3], [millis(100), millis(200), millis(300)]);
    assert_eq!(times.len(), 11, "the backlog has a limit");
    assert_eq!(switch.tallies().overflowed, 39);
}

#[test]
fn what_is_under_way_has_a_limit() {
    let mut switch = switch(1);
    switch.change_all(|link| link.delay = millis(20));
    let packet = v4(1, 2).carrying(17, 60_000).bytes();
    let fit = Switch::QUEUE_BYTES_MAX / packet.len();
    (0..fit + 5).for_each(|_| switch.handle_packet(Duration::ZERO, A, &packet));
    assert_eq!(switch.tallies().overflowed, 5);
    while switch.poll_packet(millis(20)).is_some() {}
    switch.handle_packet(millis(20), A, &packet);
    assert_eq!(switch.tallies().overflowed, 5);
}
