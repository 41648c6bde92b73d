use std::task::Poll;
use std::time::Duration;

use swim_driver::{CommandError, Error, Event, Failure, Notice, State};

use crate::harness::{Net, poll, ready};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_command_is_answered_when_the_node_has_done_it() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut setting = Box::pin(cluster.set_meta("role=cache"));
    assert!(poll(&mut setting).is_pending());
    net.turn(0);
    assert_eq!(net.hosts[0].cluster.local().meta, "role=cache", "seen here at once");
    assert!(poll(&mut setting).is_pending(), "but not spread yet");
    net.run(5 * SECOND);
    assert_eq!(ready(&mut setting), Ok(()));
    assert_eq!(net.hosts[1].cluster.member("a").unwrap().meta, "role=cache");
}

#[test]
fn what_the_node_refuses_is_refused_at_once() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut sending = Box::pin(cluster.send("nobody", "hello"));
    let mut large = Box::pin(cluster.broadcast(vec![0; 100_000]));
    let mut pinging = Box::pin(cluster.ping("a"));
    assert!(poll(&mut sending).is_pending());
    assert!(poll(&mut large).is_pending());
    assert!(poll(&mut pinging).is_pending());
    net.turn(0);
    assert_eq!(ready(&mut sending), Err(Error::Command(CommandError::UnknownMember)));
    assert!(matches!(
        ready(&mut large),
        Err(Error::Command(CommandError::TooLarge { size: 100_000, .. }))
    ));
    assert_eq!(ready(&mut pinging), Err(Error::Command(CommandError::OwnName)));
}

#[test]
fn a_caller_that_stops_waiting_takes_nothing_back() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut sending = Box::pin(cluster.send_reliable("b", "hello"));
    assert!(poll(&mut sending).is_pending());
    drop(sending);
    net.run(SECOND);
    let notices = net.hosts[1].notices();
    assert!(
        notices.iter().any(
            |it| matches!(it, Notice::Event(Event::Message { payload, .. }) if payload == "hello")
        ),
        "{notices:?}"
    );
}

#[test]
fn a_ping_is_measured_and_carries_what_the_member_sends_along() {
    let mut net = Net::formed(2, |_| {});
    let b = net.hosts[1].cluster.clone();
    let mut setting = Box::pin(b.set_ack_payload("load=7"));
    assert!(poll(&mut setting).is_pending());
    net.settle();
    assert_eq!(ready(&mut setting), Ok(()));
    let a = net.hosts[0].cluster.clone();
    let mut pinging = Box::pin(a.ping("b"));
    assert!(poll(&mut pinging).is_pending());
    net.settle();
    assert_eq!(ready(&mut pinging).unwrap().payload, "load=7");
}

#[test]
fn leave_resolves_when_the_others_know_and_the_node_stays_as_left() {
    let mut net = Net::formed(3, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut leaving = Box::pin(cluster.leave(30 * SECOND));
    assert!(poll(&mut leaving).is_pending());
    net.run(5 * SECOND);
    assert_eq!(ready(&mut leaving), Ok(()));
    for host in &net.hosts {
        assert_eq!(host.cluster.member("a").unwrap().state, State::Left);
    }

    // No seed brings it back, only a join does.
    let mut sending = Box::pin(cluster.send("b", "hello"));
    assert!(poll(&mut sending).is_pending());
    net.run(120 * SECOND);
    assert!(ready(&mut sending).is_err());
    assert!(!net.hosts[1].cluster.member("a").is_some_and(|a| a.state.is_live()));
    let mut joining = Box::pin(cluster.join(["10.0.0.2:7946"]));
    assert!(poll(&mut joining).is_pending());
    net.run(5 * SECOND);
    assert_eq!(ready(&mut joining).unwrap().members, 3);
    assert_eq!(net.hosts[1].cluster.member("a").unwrap().state, State::Alive);
}

#[test]
fn leave_gives_up_waiting_in_the_time_of_the_node() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut leaving = Box::pin(cluster.leave(Duration::from_millis(1)));
    assert!(poll(&mut leaving).is_pending());
    net.turn(0);
    assert!(net.hosts[0].driver.poll_timeout().unwrap() <= net.now + Duration::from_millis(1));
    assert!(poll(&mut leaving).is_pending());
    net.now += Duration::from_millis(1);
    net.turn(0);
    assert_eq!(ready(&mut leaving), Err(Error::Timeout));
    // It goes on by itself.
    net.run(5 * SECOND);
    assert_eq!(net.hosts[1].cluster.member("a").unwrap().state, State::Left);
}

#[test]
fn when_the_node_is_gone_every_caller_is_told() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut taken = Box::pin(cluster.set_meta("taken by the node"));
    assert!(poll(&mut taken).is_pending());
    net.turn(0);
    let mut queued = Box::pin(cluster.set_meta("waiting in the queue"));
    assert!(poll(&mut queued).is_pending());

    let mut host = net.hosts.remove(0);
    drop(host.driver);
    assert_eq!(ready(&mut taken), Err(Error::Stopped));
    assert_eq!(ready(&mut queued), Err(Error::Stopped));
    let mut late = Box::pin(cluster.stats());
    assert_eq!(ready(&mut late), Err(Error::Stopped));
    let mut ended = Box::pin(host.events.next());
    while let Some(notice) = ready(&mut ended) {
        assert!(matches!(notice, Notice::Event(_)));
        drop(ended);
        ended = Box::pin(host.events.next());
    }
    assert_eq!(cluster.members().len(), 2, "as last known");
}

#[test]
fn commands_beyond_the_queue_wait_in_their_callers() {
    let mut net = Net::formed(2, |options| options.commands_max = 2);
    let cluster = net.hosts[0].cluster.clone();
    let mut asking: Vec<_> = (0..5).map(|_| Box::pin(cluster.stats())).collect();
    assert!(asking.iter_mut().all(|it| poll(it).is_pending()));
    net.turn(0);
    let answered = |asking: &mut Vec<_>| {
        asking.retain_mut(|it| poll(it).is_pending());
        asking.len()
    };
    assert_eq!(answered(&mut asking), 3);
    net.turn(0);
    assert_eq!(answered(&mut asking), 1);
    net.turn(0);
    assert_eq!(answered(&mut asking), 0);
}

#[test]
fn a_message_to_a_member_that_is_gone_fails_with_its_reason() {
    let mut net = Net::formed(2, |_| {});
    net.hosts[1].crashed = true;
    let cluster = net.hosts[0].cluster.clone();
    let mut sending = Box::pin(cluster.send_reliable("b", "hello"));
    assert!(poll(&mut sending).is_pending());
    net.settle();
    assert_eq!(poll(&mut sending), Poll::Ready(Err(Error::Failure(Failure::Unreachable))));
}
