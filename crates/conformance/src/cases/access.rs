use std::net::SocketAddr;

use swim_driver::{DropReason, Encryption, Event, Key, Keyring, Notice, State};

use crate::case::{Case, case};
use crate::node::Node;
use crate::scene::Scene;
use crate::wait::{pause, until};

pub(crate) const CASES: &[Case] = &[
    case!(a_running_cluster_is_encrypted_and_given_another_key_without_losing_anybody),
    case!(a_node_with_a_wrong_key_does_not_get_in_and_both_sides_say_why),
    case!(a_node_gets_in_once_it_has_the_key),
];

fn key(byte: u8) -> Key {
    Key::aes(&[byte; 32]).unwrap()
}

/// Every node reaches every other, by datagram and by stream.
async fn all_reach_all(nodes: &[Node]) {
    for from in nodes {
        for to in nodes {
            let (own, name) = (from.cluster.local().name, to.cluster.local().name);
            if own != name {
                from.cluster.ping(name.as_str()).await.unwrap();
                from.cluster.send_reliable(name.as_str(), "hello").await.unwrap();
            }
        }
    }
}

async fn a_running_cluster_is_encrypted_and_given_another_key_without_losing_anybody(
    scene: &Scene,
) {
    let mut nodes = scene.formed(["a", "b", "c"]).await;
    let (old, new) = (key(1), key(2));
    for node in &nodes {
        node.cluster.set_encryption(Encryption::Off).await.unwrap();
        assert!(node.cluster.install_key(old.clone()).await.unwrap());
        all_reach_all(&nodes).await;
    }
    for encryption in [Encryption::Outgoing, Encryption::Required] {
        for node in &nodes {
            node.cluster.set_encryption(encryption).await.unwrap();
            all_reach_all(&nodes).await;
        }
    }
    for node in &nodes {
        node.cluster.install_key(new.clone()).await.unwrap();
        all_reach_all(&nodes).await;
    }
    for node in &nodes {
        node.cluster.use_key(&new).await.unwrap();
        all_reach_all(&nodes).await;
    }
    for node in &nodes {
        node.cluster.remove_key(&old).await.unwrap();
        all_reach_all(&nodes).await;
    }
    // A node that is not heard would be suspected in this time.
    for node in &nodes {
        let probed = async || node.cluster.stats().await.unwrap().probes;
        let before = probed().await;
        while probed().await < before + 3 {
            pause().await;
        }
    }
    for node in &mut nodes {
        assert_eq!(node.cluster.keys().await.unwrap(), std::slice::from_ref(&new));
        for name in ["a", "b", "c"] {
            assert_eq!(node.state_of(name), Some(State::Alive));
        }
        while let Some(notice) = node.events.try_next() {
            let is_trouble = |event: &Event| {
                matches!(event, Event::Failed { .. } | Event::Left { .. } | Event::BadInput { .. })
            };
            assert!(!matches!(&notice, Notice::Event(event) if is_trouble(event)), "{notice:?}");
        }
    }
}

async fn a_node_with_a_wrong_key_does_not_get_in_and_both_sides_say_why(scene: &Scene) {
    let sealed_with = |name: &str, byte| {
        let mut options = scene.options(name);
        options.config.keyring = Keyring::new(key(byte));
        options
    };
    let a = scene.start(sealed_with("a", 1)).await;
    let b = scene.start(sealed_with("b", 2)).await;
    a.cluster.join([b.address()]).await.unwrap_err();
    b.cluster.join([a.address()]).await.unwrap_err();
    b.cluster.join([a.address()]).await.unwrap_err();
    for mut node in [a, b] {
        let name = node.cluster.local().name;
        let told = |event| match event {
            Event::BadInput { from, reason, stream, .. } => Some((from, reason, stream)),
            _ => None,
        };
        let (from, reason, stream): (SocketAddr, _, _) = node.event(told).await;
        assert_eq!((reason, stream), (DropReason::WrongKey, true), "{name} about {from}");
        while let Some(notice) = node.events.try_next() {
            assert!(!matches!(notice, Notice::Event(Event::BadInput { .. })), "{name}: {notice:?}");
        }
        assert_eq!(node.cluster.members().len(), 1);
    }
}

async fn a_node_gets_in_once_it_has_the_key(scene: &Scene) {
    let mut sealed = scene.options("a");
    sealed.config.keyring = Keyring::new(key(1));
    let a = scene.start(sealed).await;
    let b = scene.node("b").await;
    b.cluster.join([a.address()]).await.unwrap_err();
    b.cluster.install_key(key(1)).await.unwrap();
    b.cluster.join([a.address()]).await.unwrap();
    until("both know each other", || {
        a.state_of("b") == Some(State::Alive) && b.state_of("a") == Some(State::Alive)
    })
    .await;
}
