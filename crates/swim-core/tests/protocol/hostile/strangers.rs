//! Strangers that take up places and bytes of streams, on both wires, with keys and without:
//! requests of members and honest newcomers succeed meanwhile.
//!
//! With the feature `sabotage` the last tests switch off one rule after the other, and each attack
//! succeeds.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use swim_core::wire::Scope;
use swim_core::{Config, ConnectionError, Event, StreamId, StreamInput, StreamResource};

use super::peer::{address, is_aborted};
use super::scene::{MEBIBYTE, Scene, Setting, settings};

fn attacker(source: u16, connection: u16) -> SocketAddr {
    (address(30_000 + source).ip(), 1024 + connection).into()
}

// Places.

/// Attackers that hold as many places as they get, and take lost places again.
struct Holders {
    addresses: Vec<SocketAddr>,
    open: Vec<Option<StreamId>>,
    /// How long they keep a place before they connect again.
    renewed: Duration,
    /// Whether they send another byte each second.
    trickle: bool,
}

impl Holders {
    fn new(addresses: Vec<SocketAddr>, renewed: Duration, trickle: bool) -> Self {
        Holders { open: vec![None; addresses.len()], addresses, renewed, trickle }
    }

    /// Holds all places for 30 s; returns whether all honest nodes were served meanwhile.
    fn hold(mut self, scene: &mut Scene, served: fn(&mut Scene) -> bool) -> bool {
        const STEP: Duration = Duration::from_millis(250);
        let steps_renewed = self.renewed.as_millis() / STEP.as_millis();
        let mut all_served = true;
        let begin = scene.announce(1000);
        for step in 0..120_u128 {
            for (place, &from) in self.open.iter_mut().zip(&self.addresses) {
                let gone = if (step + 1) % steps_renewed == 0 { place.take() } else { None };
                if let Some(id) = gone {
                    scene.peer.stream(id, StreamInput::Failed(ConnectionError::Reset));
                }
                match *place {
                    None => {
                        *place = scene.connect(from);
                        place.iter().for_each(|&id| drop(scene.data(id, &begin[..1])));
                    }
                    Some(id) if self.trickle && step % 4 == 0 => {
                        let next = usize::try_from(step / 4 + 1).unwrap();
                        scene.data(id, &begin[next % begin.len()..][..1]);
                    }
                    Some(_) => {}
                }
            }
            // As on a network, attackers notice that their streams were ended.
            all_served &= served(scene);
            let outputs = scene.run(STEP);
            for place in &mut self.open {
                *place = place.filter(|&id| !is_aborted(&outputs, id));
            }
        }
        all_served
    }
}

fn two_addresses() -> Vec<SocketAddr> {
    (0..128).map(|number| attacker(number % 2, number)).collect()
}

fn many_addresses() -> Vec<SocketAddr> {
    (0..300).map(|number| attacker(number, 0)).collect()
}

fn one_network() -> Vec<SocketAddr> {
    let of = |number| Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, number);
    (0..1000).map(|number| (IpAddr::V6(of(number)), 1024).into()).collect()
}

fn everybody(scene: &mut Scene) -> bool {
    scene.newcomer_joins() & scene.member_is_served(1000)
}

const SELDOM: Duration = Duration::from_secs(3600);
const OFTEN: Duration = Duration::from_millis(500);

fn idle_places_are_given_up(setting: Setting) -> bool {
    [false, true].into_iter().all(|trickle| {
        let mut scene = Scene::new(setting);
        Holders::new(two_addresses(), SELDOM, trickle).hold(&mut scene, everybody)
    })
}

fn two_addresses_that_come_anew_leave_places(setting: Setting) -> bool {
    let mut scene = Scene::new(setting);
    Holders::new(two_addresses(), OFTEN, false).hold(&mut scene, everybody)
}

fn a_network_of_ipv6_is_one_source(setting: Setting) -> bool {
    let mut scene = Scene::new(setting);
    Holders::new(one_network(), OFTEN, false).hold(&mut scene, everybody)
}

fn members_keep_places(setting: Setting) -> bool {
    let mut scene = Scene::new(setting);
    Holders::new(many_addresses(), OFTEN, false).hold(&mut scene, |scene| scene.member_is_served(9))
}

#[test]
fn s74_connections_that_say_a_byte_and_stop_or_a_byte_a_second_block_nobody() {
    for setting in settings() {
        assert!(idle_places_are_given_up(setting), "{setting:?}");
    }
}

#[test]
fn s74_connections_that_come_anew_all_the_time_from_two_addresses_block_nobody() {
    for setting in settings() {
        assert!(two_addresses_that_come_anew_leave_places(setting), "{setting:?}");
    }
}

#[test]
fn s74_s84_a_thousand_addresses_of_one_ipv6_network_have_the_share_of_one() {
    for setting in settings() {
        assert!(a_network_of_ipv6_is_one_source(setting), "{setting:?}");
    }
}

#[test]
fn s74_s84_members_find_a_place_whoever_else_connects() {
    for setting in settings() {
        assert!(members_keep_places(setting), "{setting:?}");
    }
}

#[test]
fn s74_nobody_makes_way_in_its_first_second() {
    let mut scene = Scene::new(settings()[0]);
    let open: Vec<StreamId> =
        (0..128).map(|number| scene.connect(address(500 + number)).unwrap()).collect();
    scene.run(Duration::from_millis(999));
    assert_eq!(scene.connect(address(900)), None);
    scene.run(Duration::from_millis(1));
    let newcomer = scene.peer.node.handle_accept(scene.peer.now, address(900));
    assert!(newcomer.is_ok());
    assert!(is_aborted(&scene.note(), open[0]));
}

#[test]
fn s74_a_first_message_that_keeps_its_pace_stays() {
    let mut scene = Scene::new(settings()[0]);
    let begin = scene.announce(10 * MEBIBYTE);
    let open: Vec<StreamId> =
        (0..128).map(|number| scene.connect(address(500 + number)).unwrap()).collect();
    let quick = open[0];
    scene.data(quick, &begin);
    for _ in 0..6 {
        scene.data(quick, &[7; 128 << 10]);
        scene.run(Duration::from_millis(500));
    }
    for (number, slow) in (0..).zip(&open[1..]) {
        assert!(scene.peer.node.handle_accept(scene.peer.now, address(900 + number)).is_ok());
        assert!(is_aborted(&scene.note(), *slow));
    }
    assert_eq!(scene.connect(address(2000)), None, "those that are left do what they should");
}

#[test]
fn s74_a_shortage_of_places_is_told_once_a_minute_and_names_who_has_most() {
    let mut scene = Scene::new(settings()[1]);
    Holders::new(two_addresses(), SELDOM, false).hold(&mut scene, everybody);
    let [sources] = scene.shortages(StreamResource::Places)[..] else {
        panic!("{:?}", scene.told);
    };
    let networks: Vec<IpAddr> = sources.iter().map(|source| source.network.addr()).collect();
    assert_eq!(networks[..2], [attacker(0, 0).ip(), attacker(1, 0).ip()]);
    assert!(sources[0].streams >= 60, "{sources:?}");
    scene.run(Duration::from_secs(60));
    Holders::new(two_addresses(), SELDOM, false).hold(&mut scene, everybody);
    assert_eq!(scene.shortages(StreamResource::Places).len(), 2);
}

// Bytes. All limits are a tenth of the usual ones.

fn tenth(config: &mut Config) {
    config.reliable_size_max = 2 * MEBIBYTE;
    config.user_state_size_max = 2 * MEBIBYTE;
    config.stream_buffer_max = 6 * MEBIBYTE;
}

/// Four connections that each announce 2 MiB, send most of that, and rest, for 60 s.
fn unproven_bytes_give_way(scene: &mut Scene) -> bool {
    let begin = scene.announce(2 * MEBIBYTE);
    let filler = vec![7; 64 << 10];
    let mut open: Vec<Option<StreamId>> = vec![None; 4];
    let mut all_served = true;
    for _ in 0..60 {
        for (place, number) in open.iter_mut().zip(0..) {
            if place.is_none() {
                let Some(stream) = scene.connect(attacker(number, 0)) else {
                    continue;
                };
                *place = Some(stream);
                scene.data(stream, &begin);
                for _ in 0..26 {
                    scene.data(stream, &filler);
                }
            }
        }
        all_served &= scene.newcomer_joins() & scene.member_is_served(2 * MEBIBYTE - 1000);
        // Streams that gave way come again at once.
        scene.run(Duration::from_secs(1));
        for place in &mut open {
            *place = place.filter(|&id| is_open(scene, id));
        }
    }
    all_served
}

/// Whether the node still handles a stream: it counts bytes on it.
fn is_open(scene: &mut Scene, stream: StreamId) -> bool {
    let before = scene.peer.node.stats().stream_bytes_received;
    scene.data(stream, &[7]);
    scene.peer.node.stats().stream_bytes_received > before
}

#[test]
fn s84_bytes_that_nobody_proved_make_way() {
    for setting in settings() {
        let mut scene = Scene::with(setting, tenth);
        assert!(unproven_bytes_give_way(&mut scene), "{setting:?}");
        let shortages = scene.shortages(StreamResource::Bytes);
        assert_eq!(shortages.len(), 1, "{setting:?}");
        let first = attacker(0, 0).ip();
        assert_eq!(shortages[0][0].network.addr(), first, "{setting:?}: {shortages:?}");
    }
}

#[test]
fn s84_the_longest_message_of_a_stranger_gets_through_while_nobody_else_sends_one() {
    for setting in settings() {
        let mut scene = Scene::with(setting, tenth);
        assert!(scene.message_is_answered(500, 2 * MEBIBYTE), "{setting:?}");
        assert_eq!(scene.shortages(StreamResource::Bytes).len(), 0);
    }
}

/// One network sends much on many connections, each smaller than a stranger's message may be.
fn a_source_has_a_share_of_the_bytes(setting: Setting) -> bool {
    let mut scene = Scene::with(setting, tenth);
    let begin = scene.announce(MEBIBYTE);
    let connect = |scene: &mut Scene, from| {
        let stream = scene.connect(from).unwrap();
        scene.data(stream, &begin);
        stream
    };
    let honest = connect(&mut scene, address(500));
    scene.data(honest, &[7; 512 << 10]);
    for number in 0..16 {
        let stream = connect(&mut scene, attacker(0, number));
        scene.data(stream, &[7; 256 << 10]);
    }
    is_open(&mut scene, honest)
}

#[test]
fn s84_a_source_that_holds_much_on_many_connections_makes_way_first() {
    for setting in settings() {
        assert!(a_source_has_a_share_of_the_bytes(setting), "{setting:?}");
    }
}

// Time.

fn who_rests_earned_no_time(setting: Setting) -> bool {
    let mut scene = Scene::new(setting);
    let begin = scene.announce(10 * MEBIBYTE);
    let stream = scene.connect(address(500)).unwrap();
    scene.data(stream, &begin);
    scene.data(stream, &vec![7; 9 * MEBIBYTE]);
    let timeout = scene.peer.node.config().stream_timeout;
    is_aborted(&scene.run(timeout), stream)
}

#[test]
fn s84_bytes_that_did_not_open_earn_no_time() {
    for setting in settings() {
        assert!(who_rests_earned_no_time(setting), "{setting:?}");
    }
}

#[test]
fn s84_frames_that_opened_earn_time() {
    let mut scene = Scene::new(settings()[1]);
    let table = scene.push_pull(Scope::Join, 1000, 60_000);
    assert!(table.len() > MEBIBYTE);
    let stream = scene.connect(address(500)).unwrap();
    for piece in table[..MEBIBYTE].chunks(16 << 10) {
        scene.data(stream, piece);
    }
    let timeout = scene.peer.node.config().stream_timeout;
    let outputs = scene.run(timeout + Duration::from_secs(3) - Duration::from_millis(1));
    assert!(!is_aborted(&outputs, stream));
    assert!(is_aborted(&scene.run(Duration::from_secs(1)), stream));
}

#[test]
fn a_long_message_over_a_slow_line_arrives() {
    for setting in settings() {
        let mut scene = Scene::new(setting);
        let stream = scene.connect(address(500)).unwrap();
        let message = scene.message_on(stream, "stranger", 19 * MEBIBYTE);
        // 2 Mbit/s, for 76 s.
        for piece in message.chunks(256 << 10) {
            scene.run(Duration::from_secs(1));
            scene.data(stream, piece);
        }
        let size = |event: &Event| match event {
            Event::Message { payload, .. } => payload.len(),
            _ => 0,
        };
        assert!(scene.told.iter().any(|told| size(told) == 19 * MEBIBYTE), "{setting:?}");
    }
}

/// Each attack succeeds if the rule against it is broken.
#[cfg(feature = "sabotage")]
mod broken {
    use swim_core::Sabotage;

    use super::*;

    #[track_caller]
    fn succeeds(rule: Sabotage, is_held_off: fn(Setting) -> bool) {
        for setting in settings() {
            assert!(is_held_off(setting), "{setting:?}");
            assert!(
                !is_held_off(Setting { broken: Some(rule), ..setting }),
                "{rule:?} {setting:?}"
            );
        }
    }

    #[test]
    fn s74_idle_connections_block_others_where_they_may_stay() {
        succeeds(Sabotage::KeepsWhoIsBehind, idle_places_are_given_up);
    }

    #[test]
    fn s74_connections_that_come_anew_block_others_where_sources_have_no_share() {
        succeeds(Sabotage::SharesUnequally, two_addresses_that_come_anew_leave_places);
    }

    #[test]
    fn s84_many_connections_crowd_out_a_message_where_sources_have_no_share_of_bytes() {
        succeeds(Sabotage::SharesUnequally, a_source_has_a_share_of_the_bytes);
    }

    #[test]
    fn s84_a_network_blocks_others_where_each_address_counts() {
        succeeds(Sabotage::CountsAddressesApart, a_network_of_ipv6_is_one_source);
    }

    #[test]
    fn s84_strangers_block_members_where_no_places_are_kept() {
        succeeds(Sabotage::KeepsNoPlaces, members_keep_places);
    }

    #[test]
    fn s84_bytes_of_strangers_block_members_where_they_may_hold_all() {
        succeeds(Sabotage::KeepsUnprovenBytes, |setting| {
            unproven_bytes_give_way(&mut Scene::with(setting, tenth))
        });
    }

    #[test]
    fn s84_who_rests_has_time_where_any_bytes_earn_it() {
        succeeds(Sabotage::GivesTimeForAnyBytes, who_rests_earned_no_time);
    }
}
