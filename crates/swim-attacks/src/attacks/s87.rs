//! S87: a broadcast forged with the highest sequence, and forged lives that fill the memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use swim_core::wire::{Broadcast, Message};
use swim_core::{MessageKind, Wire};
use swim_tokio::Event;

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};

const LIVES: u64 = 4_096;

/// Many gossip rounds.
const AFTER: Duration = Duration::from_secs(1);

const BROADCASTS: usize = 10;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let open = Stage::new(Wire::Swim, false, Pace::Quick, size);
    let sealed = Stage { sealed: true, ..open.clone() };
    let (highest, lives) = tokio::join!(highest_sequence(&sealed), made_up_lives(&open));
    Ok(vec![highest?, lives?])
}

async fn highest_sequence(stage: &Stage) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    let life = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&life);
    let insider = Insider::start(stage, "mallory", loopback(0, 66), move |_, message| {
        if let Message::Broadcast(broadcast) = message
            && broadcast.origin == "b"
        {
            *lock(&heard) = Some(broadcast.life);
        }
    })
    .await?;
    insider.enter("mallory", a.address()).await;
    b.until(Duration::from_secs(5), |it| it.live().len() == 4).await.ok_or("no insider")?;
    let mut life_of_b = None;
    for _ in 0..20 {
        _ = b.cluster.broadcast("hello").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        life_of_b = *lock(&life);
        if life_of_b.is_some() {
            break;
        }
    }
    let life = life_of_b.ok_or("the insider received no broadcast of b")?;
    let forged = Broadcast {
        origin: "b",
        life,
        sequence: u32::MAX,
        key: &[],
        payload: b"forged",
        known: swim_core::Incarnation::MAX,
    };
    for member in [&a, &c] {
        insider.say(member.address(), &[Message::Broadcast(forged)]).await;
    }
    tokio::time::sleep(AFTER).await;
    let lost = silenced(&b, &[&a, &c]).await;
    let did = "1 broadcast in the name of b with the highest sequence, sent to 2 members";
    Ok(finding(stage, "highest sequence", did.into(), lost))
}

async fn made_up_lives(stage: &Stage) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    let per_second = LIVES / 2;
    let sent = at_rate(per_second, Duration::from_secs(2), async |number| {
        let life = u32::try_from(number).unwrap_or(0);
        let made_up = Broadcast {
            origin: "x",
            life,
            sequence: 0,
            key: &[],
            payload: b"x",
            known: swim_core::Incarnation::MAX,
        };
        for member in [&a, &c] {
            insider.say(member.address(), &[Message::Broadcast(made_up)]).await;
        }
    })
    .await;
    for member in [&a, &c] {
        member.must_have_read(MessageKind::Broadcast, sent * 3 / 4).await?;
    }
    tokio::time::sleep(AFTER).await;
    let lost = silenced(&b, &[&a, &c]).await;
    let did = format!("{sent} broadcasts of forged lives, sent to 2 members");
    Ok(finding(stage, "made-up lives", did, lost))
}

/// Lists the broadcasts of a member that were not delivered, with the member that lacks them.
async fn silenced(of: &Member, others: &[&Member]) -> Vec<String> {
    for number in 0..BROADCASTS {
        _ = tokio::time::timeout(AFTER, of.cluster.broadcast(format!("number {number}"))).await;
    }
    tokio::time::sleep(AFTER).await;
    let mut missing = Vec::new();
    for other in others {
        for number in 0..BROADCASTS {
            let text = format!("number {number}");
            let told = |event: &Event| {
                matches!(event, Event::Broadcast { origin, payload, .. }
                    if origin == of.name() && payload == text.as_bytes())
            };
            if other.count(told) == 0 {
                missing.push(format!("{text} at {}", other.name()));
            }
        }
    }
    missing
}

fn finding(stage: &Stage, case: &str, did: String, missing: Vec<String>) -> Finding {
    let (lost, all) = (missing.len(), 2 * BROADCASTS);
    let which = if lost == 0 { String::new() } else { format!(": {}", missing.join(", ")) };
    Finding {
        attack: "S87",
        case: format!("{stage}, {case}"),
        did,
        suffered: format!("{lost} of {all} deliveries of a member's broadcasts are missing{which}"),
        figure: f64::from(u32::try_from(lost).unwrap_or(u32::MAX)),
        unit: "deliveries missing",
        limit: format!("no broadcast sent {AFTER:?} later is missing"),
        verdict: Verdict::of(lost == 0),
    }
}
