use swim_driver::{BindError, Incarnation};

use crate::case::{Case, Need, case};
use crate::loopback::has_ipv6;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[
    case!(port_0_is_replaced_by_the_port_that_was_bound),
    case!(a_taken_port_is_an_error_that_says_what_to_do),
    case!(the_address_to_announce_may_be_another_than_the_bound_one),
    case!(an_unspecified_address_is_never_announced).needing(&[Need::MachineAddresses]),
    case!(s66_a_node_outside_of_its_own_allowed_networks_does_not_start),
    case!(an_address_of_the_network_to_advertise_in_is_announced),
    case!(settings_that_cannot_work_are_named),
    case!(the_incarnation_is_the_time_in_seconds_unless_it_is_given),
];

async fn port_0_is_replaced_by_the_port_that_was_bound(scene: &Scene) {
    let node = scene.node("a").await;
    assert_ne!(node.socket().port(), 0);
    assert_eq!(node.cluster.local().address, node.socket());
}

async fn a_taken_port_is_an_error_that_says_what_to_do(scene: &Scene) {
    let first = scene.node("a").await;
    let mut second = scene.options("b");
    second.bind = first.cluster.local_address();
    let Err(error) = scene.bind(second).await else { panic!("two nodes on one port") };
    let text = error.to_string();
    assert!(text.contains(&first.address()), "{text}");
    assert!(text.contains("choose another bind port"), "{text}");
}

async fn the_address_to_announce_may_be_another_than_the_bound_one(scene: &Scene) {
    let mut options = scene.options("a");
    options.advertise = Some("203.0.113.7:0".parse().unwrap());
    let node = scene.start(options).await;
    let announced = node.cluster.local().address;
    assert_eq!(announced.ip().to_string(), "203.0.113.7");
    assert_eq!(announced.port(), node.socket().port());
}

async fn an_unspecified_address_is_never_announced(scene: &Scene) {
    let mut binds = vec!["0.0.0.0:0"];
    if has_ipv6() {
        binds.push("[::]:0");
    }
    for address in binds {
        let mut options = scene.options("a");
        options.bind = address.parse().unwrap();
        match scene.bind(options).await {
            Ok(bound) => {
                let node = bound.spawn();
                let announced = node.cluster().local().address;
                assert!(!announced.ip().is_unspecified() && !announced.ip().is_loopback());
                assert_eq!(announced.is_ipv4(), address.starts_with('0'));
            }
            // A machine without a network.
            Err(error) => assert!(error.to_string().contains("advertise"), "{error}"),
        }
    }
    let mut options = scene.options("a");
    options.advertise = Some("0.0.0.0:7946".parse().unwrap());
    assert!(matches!(scene.bind(options).await, Err(BindError::UnspecifiedAdvertise)));
}

async fn s66_a_node_outside_of_its_own_allowed_networks_does_not_start(scene: &Scene) {
    let mut options = scene.options("a");
    options.config.allowed_networks = vec!["203.0.113.0/24".parse().unwrap()];
    let Err(error) = scene.bind(options.clone()).await else { panic!("peers would refuse it") };
    assert!(matches!(error, BindError::AdvertiseNotAllowed { .. }), "{error}");
    options.advertise = Some("203.0.113.7:0".parse().unwrap());
    let node = scene.start(options).await;
    assert_eq!(node.cluster.local().address.ip().to_string(), "203.0.113.7");
}

async fn an_address_of_the_network_to_advertise_in_is_announced(scene: &Scene) {
    let mut options = scene.options("a");
    let bind = options.bind.ip();
    options.advertise_network = Some(bind.into());
    let node = scene.start(options).await;
    assert_eq!(node.cluster.local().address.ip(), bind);

    let mut options = scene.options("b");
    options.advertise_network = Some("203.0.113.0/24".parse().unwrap());
    let Err(error) = scene.bind(options).await else { panic!("it has no such address") };
    assert!(matches!(error, BindError::NoAddressFits { .. }), "{error}");

    let mut options = scene.options("c");
    options.advertise_interface = Some("none7".into());
    let Err(error) = scene.bind(options).await else { panic!("there is no such interface") };
    assert!(matches!(error, BindError::NoInterface { .. }), "{error}");
}

async fn settings_that_cannot_work_are_named(scene: &Scene) {
    let mut bad = scene.options("a");
    bad.config.probe_timeout = bad.config.probe_interval;
    let Err(error) = scene.bind(bad).await else { panic!("that cannot work") };
    assert!(error.to_string().contains("probe_timeout"), "{error}");

    let mut bad = scene.options("a");
    bad.seeds = vec!["bad-port:http".into()];
    let Err(error) = scene.bind(bad).await else { panic!("that cannot work") };
    assert!(error.to_string().contains("bad-port"), "{error}");
}

async fn the_incarnation_is_the_time_in_seconds_unless_it_is_given(scene: &Scene) {
    let node = scene.node("a").await;
    assert!(node.cluster.local().incarnation > Incarnation(1_700_000_000));
    let mut options = scene.options("a");
    options.incarnation = Some(Incarnation(7));
    assert_eq!(scene.start(options).await.cluster.local().incarnation, Incarnation(7));
}
