use std::task::Poll;
use std::time::Duration;

use swim_driver::{CommandError, ConnectionError, Departure, Error, Event, Failure, Notice, State};

use crate::harness::{Net, ask, poll, ready};

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
fn a_broadcast_with_a_key_takes_the_place_of_an_older_one() {
    let mut net = Net::formed(3, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut older = Box::pin(cluster.broadcast_keyed("load", "7"));
    let mut other = Box::pin(cluster.broadcast_keyed("role", "cache"));
    let mut newer = Box::pin(cluster.broadcast_keyed("load", "8"));
    assert!(poll(&mut older).is_pending());
    assert!(poll(&mut other).is_pending());
    assert!(poll(&mut newer).is_pending());
    net.turn(0);
    assert_eq!(ready(&mut older), Ok(()), "replaced before it was sent");
    assert!(poll(&mut newer).is_pending());
    net.run(10 * SECOND);
    assert_eq!((ready(&mut other), ready(&mut newer)), (Ok(()), Ok(())));
    for host in &mut net.hosts[1..] {
        let heard = host.notices().into_iter().filter_map(|notice| match notice {
            Notice::Event(Event::Broadcast { key, payload, .. }) => Some((key, payload)),
            _ => None,
        });
        let mut heard: Vec<_> = heard.collect();
        heard.sort();
        assert_eq!(heard, [("load".into(), "8".into()), ("role".into(), "cache".into())]);
    }
    let too_long = ask(&mut net, cluster.broadcast_keyed(vec![7; 256], "x"));
    let expected = CommandError::TooLarge { size: 256, max: 255 };
    assert_eq!(too_long, Err(Error::Command(expected)));
}

#[test]
fn a_member_that_is_gone_can_be_forgotten_and_a_live_one_cannot() {
    let mut net = Net::formed(3, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let refused = |error| Err(Error::Command(error));
    assert_eq!(ask(&mut net, cluster.forget("b")), refused(CommandError::StillLive));
    assert_eq!(ask(&mut net, cluster.forget("a")), refused(CommandError::OwnName));
    assert_eq!(ask(&mut net, cluster.forget("nobody")), refused(CommandError::UnknownMember));

    net.hosts[1].crashed = true;
    let failed = |b: swim_driver::Member| b.state == State::Failed;
    let seen = (0..300).any(|_| {
        net.run(SECOND / 10);
        cluster.member("b").is_some_and(failed)
    });
    assert!(seen, "b is declared failed within half a minute");
    net.hosts[0].notices();
    assert_eq!(ask(&mut net, cluster.forget("b")), Ok(()));
    assert_eq!(cluster.member("b"), None);
    let notices = net.hosts[0].notices();
    let is_word_of_it = |notice: &Notice| match notice {
        Notice::Event(Event::Unlisted { member, .. }) => member.name == "b",
        _ => false,
    };
    assert!(notices.iter().any(is_word_of_it), "{notices:?}");
    assert_eq!(ask(&mut net, cluster.forget("b")), refused(CommandError::UnknownMember));
}

#[test]
fn a_member_that_is_not_listed_any_more_can_still_be_forgotten() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    net.hosts[1].crashed = true;
    net.run(120 * SECOND);
    assert_eq!(cluster.member("b"), None);
    assert_eq!(ask(&mut net, cluster.stats()).unwrap().members_lost, 1);
    assert_eq!(ask(&mut net, cluster.forget("b")), Ok(()));
    assert_eq!(ask(&mut net, cluster.stats()).unwrap().members_lost, 0);
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
    assert_eq!(ready(&mut leaving), Ok(Departure::Left));
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
    assert_eq!(ready(&mut leaving), Ok(Departure::TimedOut));
    // The leave goes on by itself.
    net.run(5 * SECOND);
    assert_eq!(net.hosts[1].cluster.member("a").unwrap().state, State::Left);
}

#[test]
fn a_leave_during_a_leave_waits_for_its_end_and_one_after_it_says_how_it_went() {
    let mut net = Net::formed(2, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    let mut first = Box::pin(cluster.leave(30 * SECOND));
    assert!(poll(&mut first).is_pending());
    net.turn(0);
    drop(first);
    let mut second = Box::pin(cluster.leave(30 * SECOND));
    assert!(poll(&mut second).is_pending());
    net.turn(0);
    assert!(poll(&mut second).is_pending());
    net.run(5 * SECOND);
    assert_eq!(ready(&mut second), Ok(Departure::Left));
    assert_eq!(ask(&mut net, cluster.leave(SECOND)), Ok(Departure::Left));
}

#[test]
fn s71_a_leave_that_nobody_hears_is_an_error_for_whoever_asks() {
    let mut net = Net::formed(3, |_| {});
    net.hosts[1].crashed = true;
    net.hosts[2].crashed = true;
    let cluster = net.hosts[0].cluster.clone();
    let mut leaving = Box::pin(cluster.leave(30 * SECOND));
    assert!(poll(&mut leaving).is_pending());
    net.run(5 * SECOND);
    let unheard = Err(Error::Failure(Failure::NobodyHeard));
    assert_eq!(ready(&mut leaving), unheard);
    assert_eq!(ask(&mut net, cluster.leave(SECOND)), unheard, "also later");
    assert_eq!(cluster.local().state, State::Left);
}

#[test]
fn a_node_without_a_live_peer_leaves_at_once_and_says_so() {
    let mut net = Net::formed(1, |_| {});
    let cluster = net.hosts[0].cluster.clone();
    assert_eq!(ask(&mut net, cluster.leave(SECOND)), Ok(Departure::NobodyToTell));
    assert_eq!(ask(&mut net, cluster.leave(SECOND)), Ok(Departure::NobodyToTell));
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
    assert_eq!(
        poll(&mut sending),
        Poll::Ready(Err(Error::Failure(Failure::Connection(ConnectionError::Refused))))
    );
}
