use std::net::SocketAddr;
use std::time::Duration;

use swim_tokio::{DropReason, Encryption, Event, Key, Keyring, Notice, State};
use tokio::time::sleep;

use crate::harness::{Node, formed, options, start, until};

fn key(byte: u8) -> Key {
    Key::aes(&[byte; 32]).unwrap()
}

/// Everybody is reached by everybody, by datagram and by stream.
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

#[tokio::test]
async fn a_running_cluster_is_encrypted_and_given_another_key_without_losing_anybody() {
    let mut nodes = formed(["a", "b", "c"]).await;
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
    // Some probe intervals, in which somebody who is not heard would be doubted.
    sleep(Duration::from_secs(3)).await;
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

#[tokio::test]
async fn a_node_with_a_wrong_key_does_not_get_in_and_both_sides_say_why() {
    let sealed_with = |name: &str, byte| {
        let mut options = options(name);
        options.config.keyring = Keyring::new(key(byte));
        options
    };
    let a = start(sealed_with("a", 1)).await;
    let b = start(sealed_with("b", 2)).await;
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

#[tokio::test]
async fn a_node_gets_in_once_it_has_the_key() {
    let mut sealed = options("a");
    sealed.config.keyring = Keyring::new(key(1));
    let a = start(sealed).await;
    let b = start(options("b")).await;
    b.cluster.join([a.address()]).await.unwrap_err();
    b.cluster.install_key(key(1)).await.unwrap();
    b.cluster.join([a.address()]).await.unwrap();
    until("both know each other", || {
        a.state_of("b") == Some(State::Alive) && b.state_of("a") == Some(State::Alive)
    })
    .await;
}
