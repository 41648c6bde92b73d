//! S86: traffic recorded on the path to a member is sent again to it, a peer, or its sender.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use swim_core::wire::{self, FRAME_HEADER_LEN};
use swim_core::{State, Wire};
use swim_tokio::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::finding::{Finding, Verdict};
use crate::member::Member;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::tallies::dial;
use crate::tap::{Recording, Tap};

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, true, Pace::Quick, size);
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (native, memberlist) = tokio::join!(case(&native), case(&memberlist));
    Ok(native?.into_iter().chain(memberlist?).collect())
}

/// The length of each side's greeting on a sealed stream, after the header.
const GREETING: usize = 17;

/// Three members, one behind a tap, and the recorded traffic of one that is gone.
struct Play {
    members: [Member; 3],
    tap: Tap,
    recording: Recording,
}

impl Play {
    async fn record(stage: &Stage) -> Result<Play, String> {
        let tap = Tap::start(loopback(0, 20)).await?;
        let start = async |name: &str, last: u8| {
            let mut options = stage.options(name, loopback(0, last));
            // Otherwise states would be exchanged without the attacker.
            options.config.push_pull_interval = Duration::ZERO;
            options.advertise = (name == "b").then_some(tap.address);
            Member::start(options).await
        };
        let b = start("b", 2).await?;
        tap.lead_to(b.address());
        let (a, c) = (start("a", 1).await?, start("c", 3).await?);
        let gone = start("gone", 4).await?;
        for member in [&gone, &a, &c] {
            // Two frames of the native wire.
            let state = vec![member.name().as_bytes()[0]; 100 << 10];
            let set = member.cluster.set_user_state(state).await;
            set.map_err(|error| error.to_string())?;
            let joined = member.cluster.join([tap.address]).await;
            joined.map_err(|error| format!("{} cannot join: {error}", member.name()))?;
        }
        _ = gone.kill().await;
        _ = a.cluster.broadcast("a broadcast").await;
        let sent = a.cluster.send("b", "a datagram").await;
        sent.map_err(|error| error.to_string())?;
        let sent = a.cluster.send_reliable("b", "a stream").await;
        sent.map_err(|error| error.to_string())?;
        let came = |it: &Member| {
            delivered(it)[0] >= 2 && it.state_of("gone").is_none_or(|it| it == State::Failed)
        };
        let all = b.until(Duration::from_secs(12), came).await;
        all.ok_or("b did not receive all, or does not see that the member is gone")?;
        let recording = tap.recording();
        Ok(Play { members: [a, b, c], tap, recording })
    }
}

async fn case(stage: &Stage) -> Result<Vec<Finding>, String> {
    let play = Play::record(stage).await?;
    let [a, b, c] = &play.members;
    let mut findings = Vec::new();
    for (to, whom) in
        [(b, "to the same member"), (c, "to another member"), (a, "back to its sender")]
    {
        let before = delivered(to);
        repeat(&play.recording, to.address()).await?;
        let after = delivered(to);
        findings.push(repeated(stage, whom, &play.recording, difference(before, after)));
    }
    findings.push(to_a_fresh_one(stage, &play.recording).await?);
    if stage.wire == Wire::Swim {
        findings.push(mixed(stage, &play).await?);
    }
    findings.push(false_answer(stage, &play).await?);
    Ok(findings)
}

/// Counts the messages, broadcasts and states delivered to a member.
///
/// States count only from the attacker: members that a recording introduces exchange their own.
fn delivered(member: &Member) -> [usize; 3] {
    let attacker = loopback(0, 66).ip();
    [
        member.count(|event| matches!(event, Event::Message { .. })),
        member.count(|event| matches!(event, Event::Broadcast { .. })),
        member
            .count(|event| matches!(event, Event::UserState { from, .. } if from.ip() == attacker)),
    ]
}

fn difference(before: [usize; 3], after: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|kind| after[kind] - before[kind])
}

/// Sends the whole recording again, from the attacker's address.
async fn repeat(recording: &Recording, to: SocketAddr) -> Result<(), String> {
    let socket = UdpSocket::bind(loopback(0, 66)).await.map_err(|error| error.to_string())?;
    for datagram in &recording.datagrams {
        _ = socket.send_to(datagram, to).await;
        tokio::task::yield_now().await;
    }
    for (said, _) in &recording.exchanges {
        _ = say(said, to).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

async fn say(said: &[u8], to: SocketAddr) -> std::io::Result<()> {
    let mut stream = dial(loopback(0, 66), to).await?;
    stream.write_all(said).await?;
    stream.shutdown().await?;
    let end = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {} };
    _ = tokio::time::timeout(Duration::from_secs(2), end).await;
    Ok(())
}

/// Creates a finding whose limit applies only to the native wire.
fn finding(stage: &Stage, case: &str, (did, suffered): (String, String), figure: usize) -> Finding {
    let native = stage.wire == Wire::Swim;
    Finding {
        attack: "S86",
        case: format!("{stage}, {case}"),
        did,
        suffered,
        figure: f64::from(u32::try_from(figure).unwrap_or(u32::MAX)),
        unit: "taken",
        limit: if native { "none".into() } else { "no promise on this wire".into() },
        verdict: if native { Verdict::of(figure == 0) } else { Verdict::Stated },
    }
}

fn repeated(stage: &Stage, whom: &str, recording: &Recording, taken: [usize; 3]) -> Finding {
    let [messages, broadcasts, states] = taken;
    let (datagrams, streams) = (recording.datagrams.len(), recording.exchanges.len());
    let did = format!("{datagrams} recorded datagrams and {streams} streams sent again, {whom}");
    let suffered = format!(
        "{messages} messages, {broadcasts} broadcasts, {states} application states delivered"
    );
    finding(stage, &format!("repeated {whom}"), (did, suffered), taken.iter().sum())
}

/// Attacks a member that has just started and knows no peer.
async fn to_a_fresh_one(stage: &Stage, recording: &Recording) -> Result<Finding, String> {
    let fresh = stage.member("fresh", loopback(0, 5)).await?;
    repeat(recording, fresh.address()).await?;
    let is_back = |it: &Member| it.live().iter().any(|name| name == "gone");
    let taken_in = is_back(&fresh);
    let config = &fresh.options.config;
    let bound = config.probe_interval * 8 + config.suspicion_timeouts(5).max;
    let gone_again = fresh.until(bound * 2, |it| !is_back(it)).await;
    let told = delivered(&fresh);
    let mut finding = repeated(stage, "to a fresh member", recording, told);
    let in_time = gone_again.is_some_and(|time| time <= bound);
    finding.suffered += &match gone_again {
        _ if !taken_in => "; the gone member is not taken in".to_string(),
        Some(time) => format!("; the gone member is taken in, for {time:.1?}"),
        None => format!("; the gone member is taken in, for more than {:.1?}", bound * 2),
    };
    finding.limit += &format!("; the gone member is gone again within {bound:.1?}");
    if !in_time && stage.wire == Wire::Swim {
        finding.verdict = Verdict::Broken;
    }
    Ok(finding)
}

/// Sends the first frame of one recorded exchange with the second of another.
async fn mixed(stage: &Stage, play: &Play) -> Result<Finding, String> {
    let two: Vec<Vec<&[u8]>> =
        play.recording.exchanges.iter().map(|(said, _)| frames(said)).collect();
    let mut long = two.iter().filter(|parts| parts.len() >= 3);
    let (Some(one), Some(other)) = (long.next(), long.next()) else {
        return Err("no two exchanges of two frames were recorded".into());
    };
    let victim = &play.members[1];
    let mix = |event: &Event| match event {
        Event::UserState { state, .. } => state.iter().any(|&byte| byte != state[0]),
        _ => false,
    };
    let (_, but_the_last) = one.split_last().ok_or("nothing was recorded")?;
    let last = other.last().ok_or("nothing was recorded")?;
    let said: Vec<u8> = [but_the_last, &[last]].concat().concat();
    _ = say(&said, victim.address()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let taken = victim.count(mix);
    let did = "a recorded push/pull with the last frame of another".to_string();
    let suffered = format!("{taken} application states delivered that no member sent");
    Ok(finding(stage, "mixed", (did, suffered), taken))
}

/// Returns the bytes before the frames, and each frame.
fn frames(said: &[u8]) -> Vec<&[u8]> {
    let (head, mut rest) = said.split_at((wire::header_len(b"") + GREETING).min(said.len()));
    let mut parts = vec![head];
    while let Some(length) = wire::frame_len(rest) {
        let Some((frame, after)) = rest.split_at_checked(FRAME_HEADER_LEN + length) else { break };
        parts.push(frame);
        rest = after;
    }
    parts
}

/// Holds a message back, and answers it with the recorded answer to another message.
async fn false_answer(stage: &Stage, play: &Play) -> Result<Finding, String> {
    let [a, b, _] = &play.members;
    // Answers to messages are the shortest ones. memberlist's wire has none.
    let answers = play.recording.exchanges.iter().map(|(_, answer)| answer);
    let answer = answers.min_by_key(|answer| answer.len()).cloned().unwrap_or_else(Bytes::new);
    play.tap.answer_with(answer);
    let before = delivered(b)[0];
    let (mut answered, tries) = (0, 5);
    for number in 0..tries {
        let sent = a.cluster.send_reliable("b", format!("never delivered {number}"));
        answered += usize::from(sent.await.is_ok());
    }
    let arrived = delivered(b)[0] - before;
    let did = format!("{tries} reliable messages held back, and answered with a recorded answer");
    let suffered = format!("{answered} answered as delivered, {arrived} arrived");
    Ok(finding(stage, "false answer", (did, suffered), answered - arrived.min(answered)))
}
