use std::collections::BTreeMap;
use std::time::Duration;

use swim_driver::{Event, Member, Name, Notice, State};

use crate::harness::Net;

/// The members that a subscriber derives from a snapshot and the events after it.
fn follow(mut members: BTreeMap<Name, Member>, notices: Vec<Notice>) -> BTreeMap<Name, Member> {
    for notice in notices {
        let Notice::Event(event) = notice else { panic!("{notice:?}") };
        match event {
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Suspected { member, .. }
            | Event::Refuted { member, .. }
            | Event::Failed { member, .. }
            | Event::Left { member, .. } => {
                members.insert(member.name.clone(), member);
            }
            Event::Unlisted { member, .. } => {
                members.remove(&member.name);
            }
            _ => {}
        }
    }
    members
}

fn by_name(members: Vec<Member>) -> BTreeMap<Name, Member> {
    members.into_iter().map(|member| (member.name.clone(), member)).collect()
}

#[test]
fn a_snapshot_and_the_events_after_it_give_the_members_at_any_time() {
    let mut net = Net::formed(4, |_| {});
    let mut followers = Vec::new();
    for second in 0..60 {
        followers.push(net.hosts[0].cluster.subscribe());
        net.run(Duration::from_secs(1));
        if second == 2 {
            net.hosts[1].crashed = true;
        }
    }
    let members = by_name(net.hosts[0].cluster.members());
    assert!(!members.contains_key("b"), "b failed and is no longer listed: {members:?}");
    for (snapshot, mut events) in followers {
        let notices = std::iter::from_fn(|| events.try_next()).collect();
        assert_eq!(follow(by_name(snapshot), notices), members);
    }
}

#[test]
fn members_are_listed_by_name_with_the_node_itself() {
    let net = Net::formed(3, |_| {});
    for host in &net.hosts {
        let names: Vec<_> =
            host.cluster.members().iter().map(|member| member.name.to_string()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(host.cluster.member("b").unwrap().state, State::Alive);
        assert_eq!(host.cluster.member("nobody"), None);
    }
    assert_eq!(net.hosts[1].cluster.local().name, "b");
    assert_eq!(net.hosts[1].cluster.local_address(), net.hosts[1].address);
}

#[test]
fn a_subscriber_that_never_reads_is_told_once_how_much_it_missed() {
    let mut net = Net::formed(2, |options| options.events_max = 3);
    let (_, mut other) = net.hosts[0].cluster.subscribe();
    let mut heard = 0;
    for text in ["one", "two", "three", "four", "five", "six", "seven"] {
        let cluster = net.hosts[1].cluster.clone();
        let mut sending = Box::pin(async move { cluster.send("a", text).await });
        assert!(crate::harness::poll(&mut sending).is_pending());
        net.settle();
        // A subscriber that reads misses nothing.
        while let Some(notice) = other.try_next() {
            assert!(matches!(notice, Notice::Event(_)), "{notice:?}");
            heard += 1;
        }
    }
    assert_eq!(heard, 7);
    let notices = net.hosts[0].notices();
    assert_eq!(notices.len(), 4, "{notices:?}");
    assert!(matches!(notices[3], Notice::Missed { events: 4, .. }), "{:?}", notices[3]);
}

#[test]
fn a_subscription_after_the_end_has_the_last_members_and_ends() {
    let mut net = Net::formed(2, |_| {});
    let host = net.hosts.remove(0);
    drop(host.driver);
    let (members, mut events) = host.cluster.subscribe();
    assert_eq!(members.len(), 2);
    let mut next = Box::pin(events.next());
    assert_eq!(crate::harness::ready(&mut next), None);
}

#[test]
fn a_subscription_without_limit_misses_nothing() {
    let mut net = Net::new();
    let a = net.add("a", |options| options.events_max = 1);
    let mut all = net.hosts[a].driver.subscribe_without_limit();
    for _ in 0..5 {
        net.now += Duration::from_secs(3600);
        net.settle();
    }
    let notices: Vec<_> = std::iter::from_fn(|| all.try_next()).collect();
    assert!(notices.len() >= 5, "{notices:?}");
    assert!(notices.iter().all(|notice| matches!(notice, Notice::Event(_))), "{notices:?}");
}
