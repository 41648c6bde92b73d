use futures_lite::future::zip;
use swim_driver::{Departure, Error, Event, Options, State};

use crate::adapter::Threads;
use crate::case::{Case, Need, case};
use crate::scene::Scene;
use crate::wait::{LIMIT, in_time, poll_up_to, until};

pub(crate) const CASES: &[Case] = &[
    case!(two_nodes_form_a_cluster),
    case!(five_nodes_form_a_cluster_on_many_threads).on(Threads::Many),
    case!(nodes_form_a_cluster_over_ipv6).needing(&[Need::Ipv6]),
    case!(a_node_on_an_unspecified_ipv6_address_speaks_ipv4_too)
        .needing(&[Need::MachineAddresses, Need::Ipv6]),
    case!(a_seed_may_be_a_name),
    case!(a_seed_that_comes_up_later_is_joined_then),
    case!(a_name_that_does_not_exist_is_an_error_that_says_so_and_no_harm_as_a_seed),
    case!(a_join_through_a_name_that_is_removed_meanwhile_ends),
    case!(a_join_that_is_dropped_at_any_await_point_harms_nobody),
    case!(an_added_seed_is_joined),
    case!(one_good_address_is_enough_to_join),
    case!(clusters_with_other_labels_do_not_mix),
];

async fn two_nodes_form_a_cluster(scene: &Scene) {
    let mut a = scene.node("a").await;
    let b = scene.node("b").await;
    let joined = b.cluster.join([a.address()]).await.unwrap();
    assert_eq!(joined.contact, a.cluster.local_address());
    assert_eq!(joined.members, 2);
    assert_eq!(b.state_of("a"), Some(State::Alive), "known when the join is done");
    let member = a
        .event(|event| match event {
            Event::Joined { member, .. } => Some(member),
            _ => None,
        })
        .await;
    assert_eq!(member.name, "b");
    assert_eq!(member.address, b.cluster.local_address());
}

async fn five_nodes_form_a_cluster_on_many_threads(scene: &Scene) {
    scene.formed(["a", "b", "c", "d", "e"]).await;
}

async fn nodes_form_a_cluster_over_ipv6(scene: &Scene) {
    let on_ipv6 = |options: &mut Options| options.bind = "[::1]:0".parse().unwrap();
    let [a, b, c] = scene.formed_with(["a", "b", "c"], on_ipv6).await;
    a.cluster.send_reliable("b", "over a stream").await.unwrap();
    assert!(b.cluster.ping("c").await.is_ok());
    assert!(c.address().starts_with("[::1]:"));
}

async fn a_node_on_an_unspecified_ipv6_address_speaks_ipv4_too(scene: &Scene) {
    let mut dual = scene.options("dual");
    dual.bind = "[::]:0".parse().unwrap();
    dual.advertise = Some("127.0.0.1:0".parse().unwrap());
    let dual = scene.start(dual).await;
    let plain = scene.node("plain").await;
    plain.cluster.join([dual.address()]).await.unwrap();
    assert_eq!(dual.state_of("plain"), Some(State::Alive));
    assert_eq!(dual.cluster.member("plain").unwrap().address, plain.cluster.local_address());
    plain.cluster.ping("dual").await.unwrap();
    dual.cluster.ping("plain").await.unwrap();
}

async fn a_seed_may_be_a_name(scene: &Scene) {
    let mut options = scene.options("a");
    options.bind = "127.0.0.1:0".parse().unwrap();
    let a = scene.start(options).await;
    let mut options = scene.options("b");
    options.seeds = vec![format!("localhost:{}", a.cluster.local_address().port())];
    let b = scene.start(options).await;
    until("b joined a by name", || b.state_of("a") == Some(State::Alive)).await;
}

async fn a_seed_that_comes_up_later_is_joined_then(scene: &Scene) {
    let mut late = scene.returning("late");
    let first = scene.start(late.clone()).await;
    late.bind = first.cluster.local_address();
    first.crash().await;

    let mut early = scene.options("early");
    early.seeds = vec![late.bind.to_string()];
    let early = scene.start(early).await;
    // An explicit join of the same address fails at once, with the reason.
    let error = early.cluster.join([late.bind]).await.unwrap_err();
    assert!(error.to_string().contains(&late.bind.to_string()), "{error}");
    let _late = scene.start(late).await;
    until("the seed is joined", || early.state_of("late") == Some(State::Alive)).await;
}

async fn a_name_that_does_not_exist_is_an_error_that_says_so_and_no_harm_as_a_seed(scene: &Scene) {
    let mut options = scene.options("a");
    options.seeds = vec!["does-not-exist.invalid:7946".into()];
    let a = scene.start(options).await;
    let join = a.cluster.join(["does-not-exist.invalid:7946"]);
    let error = in_time("the resolver says no", join).await.unwrap_err();
    assert!(matches!(error, Error::NotResolved { .. }), "{error:?}");
    assert!(error.to_string().contains("does-not-exist.invalid:7946"), "{error}");
    let b = scene.start(scene.options("b")).await;
    a.cluster.join([b.address()]).await.unwrap();
}

async fn a_join_through_a_name_that_is_removed_meanwhile_ends(scene: &Scene) {
    let a = scene.node("a").await;
    // The system's resolver fails at once or after seconds; the join ends in either case.
    let join = a.cluster.join(["does-not-exist.invalid:7946"]);
    let remove = a.cluster.remove_seed("does-not-exist.invalid:7946");
    let (joined, removed) = zip(join, remove).await;
    assert_eq!(removed, Ok(true));
    let error = joined.unwrap_err();
    assert!(matches!(error, Error::SeedRemoved | Error::NotResolved { .. }), "{error:?}");
    assert_eq!(a.cluster.remove_seed("does-not-exist.invalid:7946").await, Ok(false));
}

async fn a_join_that_is_dropped_at_any_await_point_harms_nobody(scene: &Scene) {
    let a = scene.node("a").await;
    let mut polls = 0;
    loop {
        let b = scene.start(scene.returning(&format!("b-{polls}"))).await;
        let ended = poll_up_to(polls, b.cluster.join([a.address()])).await;
        // The failed join does not affect another one.
        let joined = in_time("it is joined", b.cluster.join([a.address()])).await.unwrap();
        assert_eq!(joined.contact, a.socket());
        assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
        if ended.is_some() {
            break;
        }
        polls += 1;
    }
    // It waits for the answer.
    assert!(polls >= 1, "{polls}");
}

async fn an_added_seed_is_joined(scene: &Scene) {
    let a = scene.node("a").await;
    let b = scene.node("b").await;
    assert_eq!(b.cluster.add_seed(a.address()).await, Ok(true));
    until("the seed is joined", || b.state_of("a") == Some(State::Alive)).await;
}

async fn one_good_address_is_enough_to_join(scene: &Scene) {
    let a = scene.node("a").await;
    let b = scene.node("b").await;
    let (gone, _) = scene.start(scene.returning("gone")).await.crash().await;
    let seeds = [gone.local_address().to_string(), "does-not-exist.invalid:1".into(), a.address()];
    assert_eq!(b.cluster.join(seeds).await.unwrap().contact, a.cluster.local_address());
}

async fn clusters_with_other_labels_do_not_mix(scene: &Scene) {
    let a = scene.node("a").await;
    let mut options = scene.options("b");
    options.config.label = "another".into();
    let b = scene.start(options).await;
    let error = b.cluster.join([a.address()]).await.unwrap_err();
    assert!(matches!(error, Error::NoneJoined { .. }), "{error:?}");
    assert_eq!(a.cluster.members().len(), 1);
}
