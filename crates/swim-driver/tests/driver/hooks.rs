//! Hooks: decisions of the application within a turn.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use swim_driver::{Bytes, DropReason, Error, Event, Failure, Hooks, MemberRef, Merge, Notice};

use crate::harness::{Net, ask};

const SECOND: Duration = Duration::from_secs(1);

/// Admits members of this zone.
#[derive(Debug)]
struct OneZone;

impl Hooks for OneZone {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        member.meta.starts_with(b"zone=a")
    }
}

#[test]
fn a_member_that_the_application_does_not_admit_is_none() {
    let mut net = Net::new();
    net.add_with_hooks("a", Box::new(OneZone), |_| {});
    for (name, zone) in [("b", "zone=a"), ("c", "zone=b")] {
        let index = net.add(name, |options| options.config.meta = zone.into());
        let cluster = net.hosts[index].cluster.clone();
        ask(&mut net, cluster.join(["10.0.0.1:7946"])).unwrap();
    }
    net.run(5 * SECOND);
    let cluster = net.hosts[0].cluster.clone();
    assert!(cluster.member("b").is_some());
    assert_eq!(cluster.member("c"), None);
    let stats = ask(&mut net, cluster.stats()).unwrap();
    assert!(stats.drops[DropReason::NotAdmitted] > 0);
}

/// Refuses every merge, and remembers each peer and whether it joined.
#[derive(Debug, Default)]
struct NoMerge {
    refused: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Hooks for NoMerge {
    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        let sender = merge.members().next().expect("the sender comes first").name.to_owned();
        self.refused.lock().unwrap().push((sender, merge.is_join()));
        false
    }
}

#[test]
fn a_merge_that_the_application_refuses_fails_the_join() {
    let mut net = Net::new();
    let hooks = NoMerge::default();
    let refused = Arc::clone(&hooks.refused);
    net.add_with_hooks("a", Box::new(hooks), |_| {});
    net.add("b", |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let error = ask(&mut net, cluster.join(["10.0.0.2:7946"])).unwrap_err();
    let Error::NoneJoined { attempts } = &error else { panic!("{error}") };
    assert_eq!(attempts[0].1, Failure::BadAnswer { reason: DropReason::MergeRefused });
    assert_eq!(*refused.lock().unwrap(), [("b".to_owned(), true)]);
    assert_eq!(cluster.members().len(), 1);
}

/// Provides the payload of acks and the application state.
#[derive(Debug)]
struct Data;

impl Hooks for Data {
    fn ack_payload(&mut self) -> Option<Bytes> {
        Some("load=7".into())
    }

    fn local_state(&mut self, join: bool) -> Option<Bytes> {
        Some(if join { "on a join".into() } else { "in between".into() })
    }
}

#[test]
fn the_application_gives_the_data_for_an_ack_and_its_state() {
    let mut net = Net::new();
    net.add_with_hooks("a", Box::new(Data), |_| {});
    net.add("b", |_| {});
    let cluster = net.hosts[0].cluster.clone();
    ask(&mut net, cluster.join(["10.0.0.2:7946"])).unwrap();
    let cluster = net.hosts[1].cluster.clone();
    assert_eq!(ask(&mut net, cluster.ping("a")).unwrap().payload, "load=7");
    let is_state = |notice: &Notice| {
        matches!(
            notice,
            Notice::Event(Event::UserState { join: true, state, .. }) if state == "on a join"
        )
    };
    let notices = net.hosts[1].notices();
    assert!(notices.iter().any(is_state), "{notices:?}");
}

/// Looks at the application's view of the members from within a turn.
#[derive(Debug)]
struct Looking {
    cluster: Arc<Mutex<Option<swim_driver::Cluster>>>,
    seen: Arc<Mutex<Vec<usize>>>,
}

impl Hooks for Looking {
    fn admit(&mut self, _member: &MemberRef<'_>) -> bool {
        let cluster = self.cluster.lock().unwrap();
        let cluster = cluster.as_ref().expect("given before anybody joins");
        self.seen.lock().unwrap().push(cluster.members().len());
        true
    }
}

#[test]
fn a_hook_may_look_at_the_members_as_they_were_before() {
    let mut net = Net::new();
    let (cluster, seen) = (Arc::default(), Arc::default());
    let hooks = Looking { cluster: Arc::clone(&cluster), seen: Arc::clone(&seen) };
    net.add_with_hooks("a", Box::new(hooks), |_| {});
    net.add("b", |_| {});
    *cluster.lock().unwrap() = Some(net.hosts[0].cluster.clone());
    let joining = net.hosts[0].cluster.clone();
    ask(&mut net, joining.join(["10.0.0.2:7946"])).unwrap();
    assert_eq!(*seen.lock().unwrap(), [1]);
    assert_eq!(joining.members().len(), 2);
}
