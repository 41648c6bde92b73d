use swim_tokio::{Error, Event, State};

use crate::harness::{LIMIT, formed, formed_with, has_ipv6, options, returning, start, until};

#[tokio::test]
async fn two_nodes_form_a_cluster() {
    let mut a = start(options("a")).await;
    let b = start(options("b")).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn five_nodes_form_a_cluster_on_many_threads() {
    formed(["a", "b", "c", "d", "e"]).await;
}

#[tokio::test]
async fn nodes_form_a_cluster_over_ipv6() {
    if has_ipv6() {
        let [a, b, c] =
            formed_with(["a", "b", "c"], |it| it.bind = "[::1]:0".parse().unwrap()).await;
        a.cluster.send_reliable("b", "over a stream").await.unwrap();
        assert!(b.cluster.ping("c").await.is_ok());
        assert!(c.address().starts_with("[::1]:"));
    }
}

#[tokio::test]
async fn a_node_on_an_unspecified_ipv6_address_speaks_ipv4_too() {
    if !has_ipv6() {
        return;
    }
    let mut dual = options("dual");
    dual.bind = "[::]:0".parse().unwrap();
    dual.advertise = Some("127.0.0.1:0".parse().unwrap());
    let dual = start(dual).await;
    let plain = start(options("plain")).await;
    plain.cluster.join([dual.address()]).await.unwrap();
    assert_eq!(dual.state_of("plain"), Some(State::Alive));
    assert_eq!(dual.cluster.member("plain").unwrap().address, plain.cluster.local_address());
    plain.cluster.ping("dual").await.unwrap();
    dual.cluster.ping("plain").await.unwrap();
}

#[tokio::test]
async fn a_seed_may_be_a_name() {
    let a = start(options("a")).await;
    let mut options = options("b");
    options.seeds = vec![format!("localhost:{}", a.cluster.local_address().port())];
    let b = start(options).await;
    until("b joined a by name", || b.state_of("a") == Some(State::Alive)).await;
}

#[tokio::test]
async fn a_seed_that_comes_up_later_is_joined_then() {
    let mut late = returning("late");
    let first = start(late.clone()).await;
    late.bind = first.cluster.local_address();
    first.crash().await;

    let mut early = options("early");
    early.seeds = vec![late.bind.to_string()];
    let early = start(early).await;
    // An explicit join of the same fails at once, with the reason.
    let error = early.cluster.join([late.bind]).await.unwrap_err();
    assert!(error.to_string().contains(&late.bind.to_string()), "{error}");
    let _late = start(late).await;
    until("the seed is joined", || early.state_of("late") == Some(State::Alive)).await;
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_error_that_says_so_and_no_harm_as_a_seed() {
    let mut options = options("a");
    options.seeds = vec!["does-not-exist.invalid:7946".into()];
    let a = start(options).await;
    let join = a.cluster.join(["does-not-exist.invalid:7946"]);
    let error = tokio::time::timeout(LIMIT, join).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::NotResolved { .. }), "{error:?}");
    assert!(error.to_string().contains("does-not-exist.invalid:7946"), "{error}");
    let b = start(crate::harness::options("b")).await;
    a.cluster.join([b.address()]).await.unwrap();
}

#[tokio::test]
async fn a_join_through_a_name_that_is_removed_meanwhile_ends() {
    let a = start(options("a")).await;
    // The system's resolver says no at once or only after seconds; either way the join ends.
    let join = a.cluster.join(["does-not-exist.invalid:7946"]);
    let remove = a.cluster.remove_seed("does-not-exist.invalid:7946");
    let (joined, removed) = tokio::join!(join, remove);
    assert_eq!(removed, Ok(true));
    let error = joined.unwrap_err();
    assert!(matches!(error, Error::SeedRemoved | Error::NotResolved { .. }), "{error:?}");
    assert_eq!(a.cluster.remove_seed("does-not-exist.invalid:7946").await, Ok(false));
}

#[tokio::test]
async fn an_added_seed_is_joined() {
    let a = start(options("a")).await;
    let b = start(options("b")).await;
    assert_eq!(b.cluster.add_seed(a.address()).await, Ok(true));
    until("the seed is joined", || b.state_of("a") == Some(State::Alive)).await;
}

#[tokio::test]
async fn one_good_address_is_enough_to_join() {
    let a = start(options("a")).await;
    let b = start(options("b")).await;
    let (gone, _) = start(options("gone")).await.crash().await;
    let seeds = [gone.local_address().to_string(), "does-not-exist.invalid:1".into(), a.address()];
    assert_eq!(b.cluster.join(seeds).await.unwrap().contact, a.cluster.local_address());
}

#[tokio::test]
async fn clusters_with_other_labels_do_not_mix() {
    let a = start(options("a")).await;
    let mut options = options("b");
    options.config.label = "another".into();
    let b = start(options).await;
    let error = b.cluster.join([a.address()]).await.unwrap_err();
    assert!(matches!(error, Error::NoneJoined { .. }), "{error:?}");
    assert_eq!(a.cluster.members().len(), 1);
}
