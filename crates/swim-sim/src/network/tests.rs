use super::*;
use crate::time::secs;

const START: Instant = Instant::from_nanos(1_000_000_000_000);

fn network(change: impl FnOnce(&mut NetworkOptions)) -> Network {
    let latency = Latency::Uniform(millis(1), millis(3));
    let mut options = NetworkOptions { latency, ..NetworkOptions::default() };
    change(&mut options);
    Network::new(1, options)
}

fn lossy(loss: f64) -> Network {
    network(|options| options.loss = loss.into())
}

fn send(network: &mut Network) -> Fate {
    network.datagram(START, 0, 1, 100)
}

fn send_at(now: Instant, network: &mut Network) -> Option<Instant> {
    arrival(network.datagram(now, 0, 1, 100))
}

fn lost_of_10_000(network: &mut Network, from: u32, to: u32) -> usize {
    (0..10_000).filter(|_| network.datagram(START, from, to, 100) == Fate::Lost).count()
}

/// The first arrival.
fn arrival(fate: Fate) -> Option<Instant> {
    match fate {
        Fate::Arrives(at) | Fate::Twice(at, _) => Some(at),
        _ => None,
    }
}

#[test]
fn no_class_of_faults_shifts_the_draws_of_another() {
    type Change = fn(&mut NetworkOptions);
    let loss: Change = |options| options.loss = 0.5.into();
    let bursts: Change = |options| options.loss = Loss::bursts(0.5, secs(1));
    let duplication: Change = |options| options.duplication = 0.5;
    let bandwidth: Change = |options| {
        let (bytes_per_second, queue_bytes) = (u64::MAX, u64::MAX);
        options.bandwidth = Some(Bandwidth { bytes_per_second, queue_bytes });
    };
    for change in [loss, bursts, duplication, bandwidth] {
        let (mut calm, mut other) = (network(|_| {}), network(change));
        let (mut reordered, mut both) = (
            network(reorder),
            network(|options| {
                reorder(options);
                change(options);
            }),
        );
        let (mut arrived, mut now) = (0, START);
        for _ in 0..1000 {
            let (plain, other) = (send_at(now, &mut calm), send_at(now, &mut other));
            assert!(other.is_none() || other == plain);
            arrived += usize::from(other.is_some());
            let (plain, other) = (send_at(now, &mut reordered), send_at(now, &mut both));
            assert!(other.is_none() || other == plain);
            now += millis(20);
        }
        assert!(arrived >= 300);
    }
}

fn reorder(options: &mut NetworkOptions) {
    options.reordering = Reordering { probability: 0.3, delay_max: millis(50) };
}

#[test]
fn a_fault_that_ends_leaves_the_draws_where_they_would_be_without_it() {
    let (mut calm, mut other) = (network(|_| {}), network(reorder));
    other.set_loss(Loss::bursts(0.9, secs(3)));
    other.set_duplication(0.7);
    for _ in 0..1000 {
        let _ = (send(&mut calm), send(&mut other));
    }
    other.set_loss(0.0);
    other.set_duplication(0.0);
    other.set_reordering(Reordering::default());
    for _ in 0..1000 {
        assert_eq!(send(&mut calm), send(&mut other));
    }
}

#[test]
fn loss_is_as_frequent_as_asked_for() {
    let mut network = lossy(0.3);
    let lost = lost_of_10_000(&mut network, 0, 1);
    assert!((2800..3200).contains(&lost), "{lost} of 10000");
    network.set_loss_to(1, 0.5);
    let lost = lost_of_10_000(&mut network, 0, 1);
    assert!((6300..6700).contains(&lost), "{lost} of 10000");
    for (from, to) in [(0, 2), (1, 0)] {
        let lost = lost_of_10_000(&mut network, from, to);
        assert!((2800..3200).contains(&lost), "{lost} of 10000 from {from} to {to}");
    }
}

#[test]
fn bursts_lose_what_they_were_asked_to() {
    let mut network = network(|options| options.loss = Loss::bursts(0.3, secs(1)));
    let mut now = START;
    let lost = (0..10_000).filter(|_| {
        now += millis(400);
        network.datagram(now, 0, 1, 100) == Fate::Lost
    });
    let lost = lost.count();
    assert!((2700..3300).contains(&lost), "{lost} of 10000");
}

#[test]
fn latency_stays_within_its_bounds() {
    let mut network = lossy(0.0);
    for _ in 0..1000 {
        let after = arrival(send(&mut network)).unwrap() - START;
        assert!((millis(1)..=millis(3)).contains(&after));
    }
}

#[test]
fn so_many_datagrams_arrive_twice_as_asked_for() {
    let mut network = network(|options| options.duplication = 0.2);
    let fates: Vec<Fate> = (0..10_000).map(|_| send(&mut network)).collect();
    let twice = fates.iter().filter_map(|fate| match fate {
        Fate::Twice(one, other) => Some((*one, *other)),
        _ => None,
    });
    let twice: Vec<_> = twice.collect();
    assert!((1800..2200).contains(&twice.len()), "{} of 10000", twice.len());
    for (one, other) in &twice {
        assert!((millis(1)..=millis(3)).contains(&(*other - START)) && one != other);
    }
    let first = twice.iter().filter(|(one, other)| other < one).count();
    assert!((first * 100 / twice.len()).abs_diff(50) < 5, "the copy is as fast");
}

#[test]
fn so_many_datagrams_are_delayed_as_asked_for() {
    let mut network = network(reorder);
    let late = (0..10_000).filter(|_| arrival(send(&mut network)).unwrap() - START > millis(3));
    // 30%, less those whose delay is too short to see.
    let late = late.count();
    assert!((2750..3100).contains(&late), "{late} of 10000");
    assert!((2800..3200).contains(&network.reordered()), "{}", network.reordered());
    for _ in 0..10_000 {
        assert!(arrival(send(&mut network)).unwrap() - START <= millis(53));
    }
}

#[test]
fn a_slow_host_sends_one_datagram_after_the_other_and_drops_what_it_cannot_keep() {
    let mut network = network(|options| {
        options.latency = Latency::Fixed(millis(1));
        options.bandwidth = Some(Bandwidth { bytes_per_second: 10_000, queue_bytes: 250 });
    });
    let fates = [(); 4].map(|()| send(&mut network));
    let arrives = |after| Fate::Arrives(START + millis(after));
    assert_eq!(fates, [arrives(11), arrives(21), Fate::Overflowed, Fate::Overflowed]);
    network.set_bandwidth_of(0, None);
    assert_eq!(send(&mut network), arrives(1));
}

#[test]
fn lost_pieces_of_a_stream_are_late_instead() {
    let mut network = lossy(0.5);
    let on_time = (0..1000).filter(|_| network.piece(START, 0, 1, 9) - START < millis(200));
    let on_time = on_time.count();
    assert!((400..600).contains(&on_time), "{on_time} of 1000");
    network.set_loss(1.0);
    let after = network.piece(START, 0, 1, 9) - START;
    assert!(after < RETRANSMIT_AFTER * (1 << RETRANSMITS_MAX));
}

#[test]
fn a_burst_does_not_stop_a_stream_for_longer_than_it_lasts_on_average() {
    let mut network = network(|options| options.loss = Loss::bursts(0.1, secs(1)));
    let mut now = START;
    let mut waits: Vec<Duration> = Vec::new();
    for _ in 0..10_000 {
        now += secs(5);
        waits.push(network.piece(now, 0, 1, 9) - now);
    }
    waits.sort_unstable();
    assert!(waits[8800] < millis(10) && waits[9200] > millis(200));
    // Two attempts in a burst and the average: 1% of pieces.
    assert!(waits[9850] < millis(300), "{:?}", waits[9850]);
}

#[test]
fn a_link_that_is_cut_or_clogged_says_so_at_both_ends() {
    let mut network = lossy(0.0);
    network.cut(&[0], &[1]);
    assert_eq!(send(&mut network), Fate::Cut);
    assert_eq!((network.passage(0, 1), network.passage(1, 0)), (Passage::Cut, Passage::Open));
    network.heal();
    network.clog(0, 1);
    assert!(arrival(send(&mut network)).is_some());
    assert_eq!(network.passage(0, 1), Passage::Clogged);
    assert_eq!(network.passage(1, 0), Passage::Open);
    network.unclog(0, 1);
    assert_eq!(network.passage(0, 1), Passage::Open);
}
