//! S88: a member is killed, while an attacker answers its pings with guessed acks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swim_core::wire::Message;
use swim_core::{MessageKind, State, Wire};

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::voice::ack;

/// Acks per second to each member.
const RATE: u64 = 1_000;

/// The attacker guesses this many numbers after the last one it saw.
const AHEAD: u32 = 100;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, false, Pace::Quick, size);
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (blind, native, memberlist) =
        tokio::join!(case(&native, false), case(&native, true), case(&memberlist, true));
    Ok(vec![blind?, native?, memberlist?])
}

/// Attacks with blind guesses, or with `sees_pings` from a first ping to a forged member.
async fn case(stage: &Stage, sees_pings: bool) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    let seen: Arc<Mutex<BTreeMap<SocketAddr, u32>>> = Arc::default();
    let notes = Arc::clone(&seen);
    let attacker = Insider::start(stage, "mallory", loopback(0, 66), move |from, message| {
        if let Message::Ping(ping) = message {
            lock(&notes).insert(from, ping.sequence);
        }
    })
    .await?;
    if sees_pings {
        attacker.enter("mallory", a.address()).await;
        let watched = [a.address(), c.address()];
        for _ in 0..500 {
            if watched.iter().all(|at| lock(&seen).contains_key(at)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let timeouts = b.options.config.suspicion_timeouts(4);
    // A probe round, the suspicion, and time for gossip.
    let bound = b.options.config.probe_interval * 8 + timeouts.max + Duration::from_secs(1);
    let span = bound + stage.size.seconds(3, 30);
    let killed = b.kill().await;
    let name = killed.config.name.as_str();
    let guesses = async |number: u64| {
        for member in [&a, &c] {
            let last = lock(&seen).get(&member.address()).copied().unwrap_or(0);
            let step = 1 + u32::try_from(number).unwrap_or(0) % AHEAD;
            attacker.say(member.address(), &[ack(last.wrapping_add(step))]).await;
        }
    };
    let failed =
        |member: &Member| !matches!(member.state_of(name), Some(State::Alive | State::Suspect));
    let (sent, by_a, by_c) =
        tokio::join!(at_rate(RATE, span, guesses), a.until(span, failed), c.until(span, failed));
    for member in [&a, &c] {
        member.must_have_read(MessageKind::Ack, sent * 3 / 4).await?;
    }
    let latest = by_a.zip(by_c).map(|(by_a, by_c)| by_a.max(by_c));
    let how = if sees_pings { "guessed from a ping to a forged member" } else { "blind" };
    Ok(Finding {
        attack: "S88",
        case: format!("{stage}, {}", if sees_pings { "from a ping" } else { "blind" }),
        did: format!("{RATE} acks/s to each member from another address, {how}"),
        suffered: match latest {
            Some(time) => format!("the killed member is failed everywhere after {time:.1?}"),
            None => format!("the killed member is not failed after {span:.1?}"),
        },
        figure: latest.unwrap_or(span).as_secs_f64(),
        unit: "s until failed",
        limit: format!("failed everywhere within {bound:.1?}"),
        verdict: Verdict::of(latest.is_some_and(|time| time <= bound)),
    })
}
