//! The loop of the front page, on loopback: with any behaviour of its peers it keeps no descriptor
//! of ended streams, and it measures round trips above zero.

#![allow(clippy::unwrap_used, reason = "test code")]

#[path = "../examples/own_loop/member.rs"]
mod member;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant as Clock};

use member::Member;
use swim_core::{Answer, Config, Failure, Instant, Node, Output, RequestId, StreamOp};
use swim_test_support::say_skipped;

/// Descriptors belong to the whole process, so only one test at a time opens some.
static DESCRIPTORS: Mutex<()> = Mutex::new(());

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn alone() -> MutexGuard<'static, ()> {
    DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many descriptors this process has open, if the system can tell.
fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

fn config(name: &str) -> Config {
    let mut config = Config::local(name.parse().unwrap(), "127.0.0.1:0".parse().unwrap());
    // Only push/pulls that a test asks for.
    config.push_pull_interval = Duration::ZERO;
    config
}

/// Starts a member. The port of its listener may be taken for datagrams.
fn start(config: &Config, seed: u8) -> Member {
    let mut attempts = (0..100).filter_map(|_| Member::start(config.clone(), [seed; 32]).ok());
    attempts.next().expect("a port that is free")
}

fn pair() -> [Member; 2] {
    let mut members = [start(&config("a"), 1), start(&config("b"), 2)];
    assert!(matches!(push_pull(&mut members), Ok(Answer::Joined { members: 2, .. })));
    run(&mut members, "they know each other", |[_, b]| b.node.members_live() == 2);
    members
}

/// Runs turns of all members until `so` holds.
#[track_caller]
fn run<const N: usize>(
    members: &mut [Member; N],
    what: &str,
    mut so: impl FnMut(&mut [Member; N]) -> bool,
) {
    let begun = Clock::now();
    while !so(members) {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        members.iter_mut().for_each(Member::turn);
        thread::yield_now();
    }
}

/// The answer to a command of the first member.
#[track_caller]
fn ask(
    members: &mut [Member; 2],
    command: impl FnOnce(&mut Node, Instant) -> RequestId,
) -> Result<Answer, Failure> {
    let asked = members[0].command(command);
    let mut answer = None;
    run(members, "an answer", |[a, b]| {
        a.events.clear();
        b.events.clear();
        for (request, result) in a.answers.drain(..) {
            assert_eq!(request, asked);
            answer = Some(result);
        }
        answer.is_some()
    });
    answer.unwrap()
}

fn push_pull(members: &mut [Member; 2]) -> Result<Answer, Failure> {
    let contact = members[1].node.config().address;
    ask(members, |node, now| node.join(now, contact).unwrap())
}

/// Runs until no stream is left, and checks that the number of descriptors is as before.
#[track_caller]
fn expect_nothing_left<const N: usize>(members: &mut [Member; N], before: Option<usize>) {
    run(members, "every stream ends", |members| members.iter().all(|it| it.streams() == 0));
    assert_eq!(descriptors(), before, "descriptors");
    for member in members {
        assert_eq!(member.node.stats().streams_open, 0);
    }
}

#[test]
fn a_thousand_push_pulls_and_messages_leave_no_stream_and_no_descriptor() {
    let _alone = alone();
    let mut members = pair();
    expect_nothing_left(&mut members, descriptors());
    let before = descriptors();
    if before.is_none() {
        say_skipped("open descriptors are not counted", "run this test on Linux");
    }
    for _ in 0..1000 {
        assert!(matches!(push_pull(&mut members), Ok(Answer::Joined { .. })));
        expect_nothing_left(&mut members, before);
    }
    for _ in 0..100 {
        let send = |node: &mut Node, now| node.send_reliable(now, "b", b"message").unwrap();
        assert_eq!(ask(&mut members, send), Ok(Answer::Delivered));
        expect_nothing_left(&mut members, before);
    }
    let [a, b] = members.map(|member| member.node.stats());
    println!("{} streams opened, {} accepted, {before:?} descriptors", a.streams_opened, {
        b.streams_accepted
    });
    assert!(a.streams_opened >= 1101 && b.streams_accepted >= 1101);
}

#[test]
fn no_ping_of_a_thousand_on_loopback_takes_no_time() {
    let _alone = alone();
    let mut members = pair();
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..1000 {
        match ask(&mut members, |node, now| node.ping(now, "b").unwrap()) {
            Ok(Answer::Pong { round_trip, .. }) => times.push(round_trip),
            other => panic!("{other:?}"),
        }
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "round trips: min {:?}, 50% {:?}, 90% {:?}, 99% {:?}, max {:?}",
        at(0),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    assert!(at(0) > Duration::ZERO, "{times:?}");
}

// Peers that break the rules.

/// The bytes that a joining member sends on its stream.
fn question() -> Vec<u8> {
    let now = Instant::ORIGIN;
    let mut config = config("c");
    config.address.set_port(2);
    let mut node = Node::new(config, [3; 32], now).unwrap();
    node.join(now, "127.0.0.1:1".parse().unwrap()).unwrap();
    let mut question = Vec::new();
    while let Some(output) = node.poll_output() {
        if let Output::Stream { op: StreamOp::Send(bytes), .. } = output {
            question.extend_from_slice(&bytes);
        }
    }
    question
}

/// A member, and its stream timeout. Its answer to a push/pull is longer than systems buffer for a
/// peer that does not read.
fn teller() -> ([Member; 1], Duration) {
    let mut member = start(&config("b"), 2);
    let state = vec![7; STATE_SIZE].into();
    member.command(|node, now| node.set_user_state(now, state).unwrap());
    let timeout = member.node.config().stream_timeout;
    ([member], timeout)
}

const STATE_SIZE: usize = 16 << 20;

fn connect(member: &Member) -> TcpStream {
    TcpStream::connect(address(member)).unwrap()
}

fn address(member: &Member) -> SocketAddr {
    member.node.config().address
}

#[test]
fn a_peer_that_says_nothing_or_too_little_is_let_go() {
    let _alone = alone();
    let mut member = [start(&config("b"), 2)];
    let before = descriptors();
    let question = question();
    let cases = [(0, false), (0, true), (1, false), (question.len() - 1, true)];
    for (number, (said, closes)) in (0..).zip(cases) {
        let mut peer = connect(&member[0]);
        peer.write_all(&question[..said]).unwrap();
        if closes {
            peer.shutdown(Shutdown::Write).unwrap();
        }
        run(&mut member, "it is accepted", |[it]| it.node.stats().streams_accepted > number);
        run(&mut member, "the stream ends", |[it]| it.streams() == 0);
        drop(peer);
        expect_nothing_left(&mut member, before);
    }
}

#[test]
fn a_peer_that_is_answered_and_never_closes_or_talks_on_is_let_go() {
    let _alone = alone();
    let mut member = [start(&config("b"), 2)];
    let before = descriptors();
    for talks_on in [false, true] {
        let mut peer = connect(&member[0]);
        peer.write_all(&question()).unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut answer = Vec::new();
        run(&mut member, "the whole answer comes", |_| reads_end(&mut peer, &mut answer));
        assert!(!answer.is_empty());
        run(&mut member, "the stream ends", |[it]| {
            // This fails once the member has closed its side.
            let _ = talks_on && peer.write(&[7; 1000]).is_ok();
            it.streams() == 0
        });
        drop(peer);
        expect_nothing_left(&mut member, before);
    }
}

#[test]
fn a_peer_that_is_gone_before_its_answer_is_let_go() {
    let _alone = alone();
    let (mut member, _) = teller();
    let before = descriptors();
    let mut peer = connect(&member[0]);
    peer.write_all(&question()).unwrap();
    drop(peer);
    run(&mut member, "it is accepted", |[it]| it.node.stats().streams_accepted > 0);
    expect_nothing_left(&mut member, before);
}

#[test]
fn a_peer_that_closes_its_side_and_does_not_read_is_let_go() {
    let _alone = alone();
    let (mut member, timeout) = teller();
    let before = descriptors();
    let begun = Clock::now();
    let mut peer = connect(&member[0]);
    peer.write_all(&question()).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    run(&mut member, "it is closed", |[it]| {
        it.node.stats().streams_accepted > 0 && it.node.stats().streams_open == 0
    });
    assert_eq!(member[0].streams(), 1, "the node has forgotten it, the loop has not");
    run(&mut member, "it is given up", |[it]| it.streams() == 0);
    assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
    let mut answer = Vec::new();
    let cut = match peer.read_to_end(&mut answer) {
        Ok(size) => size < STATE_SIZE,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(cut, "{} bytes came", answer.len());
    drop(peer);
    expect_nothing_left(&mut member, before);
}

#[test]
fn a_peer_that_closes_its_side_and_reads_slowly_gets_its_whole_answer() {
    let _alone = alone();
    let (mut member, timeout) = teller();
    let before = descriptors();
    let begun = Clock::now();
    let mut peer = connect(&member[0]);
    peer.write_all(&question()).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    peer.set_nonblocking(true).unwrap();
    let (mut answer, mut pieces) = (Vec::new(), 0);
    run(&mut member, "the whole answer comes", |_| {
        // Slow enough that the whole answer takes longer than the timeout of unread bytes.
        if begun.elapsed() < timeout * pieces / 3 {
            return false;
        }
        pieces += 1;
        reads_end(&mut (&mut peer).take(4 << 20), &mut answer) && answer.len() > STATE_SIZE
    });
    assert!(begun.elapsed() > timeout, "{:?}", begun.elapsed());
    drop(peer);
    expect_nothing_left(&mut member, before);
}

/// Reads available bytes; returns whether the end was reached.
fn reads_end(peer: &mut impl Read, answer: &mut Vec<u8>) -> bool {
    match peer.read_to_end(answer) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}
