//! S92: small packets of outdated updates, which use up a member's budget for corrections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, State, Wire};

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::tallies::Tally;
use crate::voice::alive;

/// Packets per second.
const RATE: u64 = 50;

/// Outdated updates per packet.
const NEWS: u64 = 3;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, true, Pace::Quick, size);
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (native, memberlist) = tokio::join!(case(&native), case(&memberlist));
    Ok(vec![native?, memberlist?])
}

/// An honest member repeats an outdated suspicion of `a`. `a` should answer each time.
async fn case(stage: &Stage) -> Result<Finding, String> {
    let [a, b] = stage.cluster(["a", "b"]).await?;
    let answers = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&answers);
    let honest = Insider::start(stage, "honest", loopback(0, 60), move |_, message| {
        if let Message::Update(update) = message
            && update.name == "a"
            && update.state() == State::Alive
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    })
    .await?;
    let attacker = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    honest.enter("honest", a.address()).await;
    attacker.enter("mallory", a.address()).await;
    a.until(Duration::from_secs(5), |it| it.live().len() == 4).await.ok_or("no insiders")?;
    // Gossip about the new members goes first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let span = stage.size.seconds(4, 30);
    let calm = accuse(&honest, &a, &answers, span).await;
    let config = lock(&attacker.voice).config().clone();
    let floods = at_rate(RATE, span, async |number| {
        let news: Vec<Message<'_>> = (0..NEWS)
            .map(|part| {
                let [.., high, low] = (number * NEWS + part).to_be_bytes();
                let mut made_up = loopback(high.wrapping_add(100), low);
                made_up.set_port(9);
                alive(&config, "b", made_up, 1)
            })
            .collect();
        attacker.say(a.address(), &news).await;
    });
    let (sent, under_attack) = tokio::join!(floods, accuse(&honest, &a, &answers, span));
    drop(b);
    if calm.failed * 4 > calm.tried {
        return Err(format!("S92: refutations fail without the attack: {calm}"));
    }
    Ok(Finding {
        attack: "S92",
        case: stage.to_string(),
        did: format!("{sent} packets with {NEWS} outdated updates each in {} s", span.as_secs()),
        suffered: format!("refutations to an honest accuser: {under_attack}; before: {calm}"),
        figure: under_attack.percent(),
        unit: "% failed",
        limit: "as many as without the attack".into(),
        verdict: Verdict::of(under_attack.failed <= calm.failed + 1),
    })
}

async fn accuse(honest: &Insider, a: &Member, answers: &AtomicU32, span: Duration) -> Tally {
    let own = a.cluster.local().incarnation;
    let accusation = Message::Update(Update {
        name: "a",
        incarnation: Incarnation(own.0 - 1),
        claim: Claim::Suspect { accuser: "honest" },
    });
    // Waits until gossip under way has arrived.
    Tally::count(span, Duration::from_millis(60), async |_| {
        let before = answers.load(Ordering::Relaxed);
        honest.say(a.address(), &[accusation]).await;
        let deadline = std::time::Instant::now() + Duration::from_millis(150);
        while answers.load(Ordering::Relaxed) == before {
            if std::time::Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    })
    .await
}
