use std::future::Future;
use std::time::Duration;

use swim_driver::{
    Cluster, CommandError, DropReason, Encryption, Error, Event, Key, Keyring, KeyringError,
    Notice, State, Wire,
};

use crate::harness::{Host, Net, ask, poll, ready};

const SECOND: Duration = Duration::from_secs(1);

fn key(byte: u8) -> Key {
    Key::aes(&[byte; 32]).unwrap()
}

/// Does one step on all members, one after the other with pauses, like an operator.
fn everywhere<F: Future<Output = Result<(), Error>>>(net: &mut Net, step: impl Fn(Cluster) -> F) {
    for index in 0..net.hosts.len() {
        let cluster = net.hosts[index].cluster.clone();
        assert_eq!(ask(net, step(cluster)), Ok(()), "member {index}");
        net.run(3 * SECOND);
    }
}

/// No member was ever suspected, and no packet was dropped for a reason that needs a look.
fn nobody_was_lost(net: &mut Net) {
    let members = net.hosts.len();
    for host in &mut net.hosts {
        let known = host.cluster.members();
        assert_eq!(known.len(), members);
        assert!(known.iter().all(|it| it.state == State::Alive), "{known:?}");
        for notice in host.notices() {
            let Notice::Event(event) = notice else { panic!("{notice:?}") };
            let is_trouble = matches!(
                event,
                Event::Suspected { .. } | Event::Failed { .. } | Event::BadInput { .. }
            );
            assert!(!is_trouble, "{event:?}");
        }
    }
}

fn reasons(host: &mut Host) -> Vec<DropReason> {
    let told = host.notices().into_iter().filter_map(|notice| match notice {
        Notice::Event(Event::BadInput { reason, .. }) => Some(reason),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_running_cluster_is_moved_to_encryption_and_to_another_key() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let mut net = Net::formed(3, |options| {
            if wire == Wire::Memberlist {
                options.config = options.config.clone().memberlist();
            }
        });
        everywhere(&mut net, |it| async move { it.set_encryption(Encryption::Off).await });
        everywhere(&mut net, |it| async move { it.install_key(key(1)).await.map(drop) });
        everywhere(&mut net, |it| async move { it.set_encryption(Encryption::Outgoing).await });
        everywhere(&mut net, |it| async move { it.set_encryption(Encryption::Required).await });
        nobody_was_lost(&mut net);

        everywhere(&mut net, |it| async move { it.install_key(key(2)).await.map(drop) });
        everywhere(&mut net, |it| async move { it.use_key(&key(2)).await });
        everywhere(&mut net, |it| async move { it.remove_key(&key(1)).await });
        net.run(60 * SECOND);
        nobody_was_lost(&mut net);
        let cluster = net.hosts[0].cluster.clone();
        assert_eq!(ask(&mut net, cluster.keys()), Ok(vec![key(2)]));
    }
}

#[test]
fn a_running_cluster_is_moved_to_another_label() {
    for (wire, keys) in
        [(Wire::Swim, 0), (Wire::Swim, 1), (Wire::Memberlist, 0), (Wire::Memberlist, 1)]
    {
        let mut net = Net::formed(3, |options| {
            if wire == Wire::Memberlist {
                options.config = options.config.clone().memberlist();
            }
            options.config.label = "old".into();
            options.config.keyring = Keyring::with_keys((0..keys).map(key)).unwrap();
        });
        everywhere(&mut net, |it| async move { it.set_label("old", Some("new".into())).await });
        // At this point both labels are in use, also on streams.
        let first = net.hosts[0].cluster.clone();
        assert_eq!(ask(&mut net, first.set_label("new", Some("old".into()))), Ok(()));
        for (from, to) in [(0, "b"), (1, "a")] {
            let cluster = net.hosts[from].cluster.clone();
            let mut sending = Box::pin(cluster.send_reliable(to, "hello"));
            let mut joining = Box::pin(cluster.join([net.hosts[1 - from].address]));
            assert!(poll(&mut sending).is_pending());
            assert!(poll(&mut joining).is_pending());
            net.run(SECOND);
            assert_eq!(ready(&mut sending), Ok(()), "{wire:?} with {keys} keys");
            assert!(ready(&mut joining).is_ok(), "{wire:?} with {keys} keys");
        }
        everywhere(&mut net, |it| async move { it.set_label("new", Some("old".into())).await });
        everywhere(&mut net, |it| async move { it.set_label("new", None).await });
        net.run(60 * SECOND);
        nobody_was_lost(&mut net);
        assert_eq!(net.hosts[0].driver.node().config().label, "new");
        assert_eq!(net.hosts[0].driver.node().config().label_also, None);
    }
}

#[test]
fn the_primary_key_comes_first_and_is_not_removed() {
    let mut net = Net::formed(1, |options| options.config.keyring = Keyring::new(key(1)));
    let cluster = net.hosts[0].cluster.clone();
    let refused = |error| Err(Error::Command(CommandError::Keyring(error)));
    assert_eq!(ask(&mut net, cluster.use_key(&key(2))), refused(KeyringError::Unknown));
    assert_eq!(ask(&mut net, cluster.remove_key(&key(2))), refused(KeyringError::Unknown));
    assert_eq!(ask(&mut net, cluster.remove_key(&key(1))), refused(KeyringError::Primary));
    assert_eq!(ask(&mut net, cluster.install_key(key(2))), Ok(true));
    assert_eq!(ask(&mut net, cluster.install_key(key(2))), Ok(false), "it is there already");
    assert_eq!(ask(&mut net, cluster.keys()), Ok(vec![key(1), key(2)]));
    assert_eq!(ask(&mut net, cluster.use_key(&key(2))), Ok(()));
    assert_eq!(ask(&mut net, cluster.keys()), Ok(vec![key(2), key(1)]));
    assert_eq!(ask(&mut net, cluster.remove_key(&key(2))), refused(KeyringError::Primary));
    assert_eq!(ask(&mut net, cluster.remove_key(&key(1))), Ok(()));
}

#[test]
fn a_key_or_label_that_cannot_be_is_refused() {
    let mut net = Net::formed(1, |options| options.config = options.config.clone().memberlist());
    let cluster = net.hosts[0].cluster.clone();
    let refused = |error| Err(Error::Command(error));
    let asked = ask(&mut net, cluster.install_key(Key::xchacha([7; 32])));
    assert_eq!(asked, refused(CommandError::Cipher).map(|()| true));
    let long = vec![b'x'; 256];
    let too_large = CommandError::TooLarge { size: 256, max: 255 };
    assert_eq!(ask(&mut net, cluster.set_label(long.clone(), None)), refused(too_large));
    assert_eq!(ask(&mut net, cluster.set_label("x", Some(long.into()))), refused(too_large));
}

#[test]
fn a_member_that_was_down_while_the_key_was_replaced_comes_back_with_both() {
    let keyring = |keys: &[u8]| Keyring::with_keys(keys.iter().map(|&byte| key(byte))).unwrap();
    let mut net = Net::formed(3, |options| options.config.keyring = keyring(&[1]));
    net.hosts[2].crashed = true;
    net.run(60 * SECOND);
    for step in [0, 1] {
        for index in [0, 1] {
            let cluster = net.hosts[index].cluster.clone();
            if step == 0 {
                assert_eq!(ask(&mut net, cluster.install_key(key(2))), Ok(true));
            } else {
                assert_eq!(ask(&mut net, cluster.use_key(&key(2))), Ok(()));
            }
        }
    }
    // With only the old key the node cannot join: the members open what it sends, but it cannot
    // open their answers.
    for (keys, comes_in) in [(&[1][..], false), (&[1, 2], true)] {
        net.restart(2, |options| {
            options.seeds = vec!["10.0.0.1:7946".into()];
            options.config.keyring = keyring(keys);
        });
        net.run(30 * SECOND);
        let known = net.hosts[2].cluster.members().len();
        assert_eq!(known == 3, comes_in, "with {} keys it knows {known}", keys.len());
        assert_eq!(reasons(&mut net.hosts[2]).contains(&DropReason::WrongKey), !comes_in);
    }
}

#[test]
fn a_wrong_key_is_told_once_by_both_sides() {
    let mut net = Net::new();
    for (name, byte, other) in [("a", 1, "10.0.0.2:7946"), ("b", 2, "10.0.0.1:7946")] {
        net.add(name, |options| {
            options.seeds = vec![other.into()];
            options.config.keyring = Keyring::new(key(byte));
        });
    }
    net.run(50 * SECOND);
    for host in &mut net.hosts {
        assert_eq!(reasons(host), [DropReason::WrongKey]);
        assert_eq!(host.cluster.members().len(), 1);
        assert!(host.driver.node().stats().drops[DropReason::WrongKey] > 1);
    }
}
