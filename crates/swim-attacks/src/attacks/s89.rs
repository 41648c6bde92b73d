//! S89: an accusation near the highest incarnation, which leaves no room to refute.

use std::time::Duration;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, State, Wire};

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::Member;
use crate::stage::{Pace, Size, Stage, loopback};

/// No member reaches it without an attack.
const FAR: u32 = u32::MAX / 2;

/// A member follows accusations of an earlier life for a minute.
const SETTLING: Duration = Duration::from_secs(61);

/// The time for a change to reach all members.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, false, Pace::Quick, size);
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (one, other) = tokio::join!(case(&native, false), case(&memberlist, false));
    let mut findings = vec![one?, other?];
    if size == Size::Large {
        let (one, other) = tokio::join!(case(&native, true), case(&memberlist, true));
        findings.extend([one?, other?]);
    }
    Ok(findings)
}

/// Attacks members that just met, or that have known each other for a minute.
///
/// The latter have already heard all accusations of their earlier lives.
async fn case(stage: &Stage, settled: bool) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    if settled {
        tokio::time::sleep(SETTLING).await;
    }
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    let incarnation = Incarnation(u32::MAX - 1);
    let claim = Claim::Suspect { accuser: "a" };
    let accusation = Message::Update(Update { name: "b", incarnation, claim });
    for member in [&a, &b, &c] {
        insider.say(member.address(), &[accusation]).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut wrong = Vec::new();
    let others = [&a, &c];
    let jumped = others.iter().filter(|it| it.incarnation_of("b").0 > FAR).count();
    if jumped > 0 || b.cluster.local().incarnation.0 > FAR {
        wrong.push("its incarnation follows the accusation");
    }
    _ = tokio::time::timeout(PATIENCE, b.cluster.set_meta("changed")).await;
    if !all(&others, |it| has_meta(it, b"changed")).await {
        wrong.push("a change of its metadata does not spread");
    }
    let mut again = b.kill().await;
    again.config.meta = "restarted".into();
    let b = Member::start(again).await?;
    _ = b.cluster.join([a.address()]).await;
    let back = |it: &Member| it.state_of("b") == Some(State::Alive) && has_meta(it, b"restarted");
    if !all(&others, back).await {
        wrong.push("it does not come back after a restart");
    }
    _ = b.cluster.leave(PATIENCE).await;
    drop(b);
    if !all(&others, |it| it.state_of("b") == Some(State::Left)).await {
        wrong.push("it leaves, and is not seen as left");
    }
    Ok(Finding {
        attack: "S89",
        case: format!("{stage}, {}", if settled { "settled" } else { "just met" }),
        did: "suspect(b, 2^32 - 2), sent to all 3 members; then b changes its metadata, restarts, \
              and leaves"
            .into(),
        suffered: if wrong.is_empty() { "nothing".into() } else { wrong.join("; ") },
        figure: f64::from(u32::try_from(wrong.len()).unwrap_or(u32::MAX)),
        unit: "of 4 wrong",
        limit: "no member follows it; b changes its metadata, restarts and leaves as before".into(),
        verdict: Verdict::of(wrong.is_empty()),
    })
}

fn has_meta(member: &Member, meta: &[u8]) -> bool {
    member.cluster.member("b").is_some_and(|it| it.meta[..] == *meta)
}

/// Waits until this is true of both.
async fn all(members: &[&Member; 2], wanted: impl Fn(&Member) -> bool + Copy) -> bool {
    let [one, other] = members;
    let (one, other) = tokio::join!(one.until(PATIENCE, wanted), other.until(PATIENCE, wanted));
    one.is_some() && other.is_some()
}
