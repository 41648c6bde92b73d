//! S93: forged departed members, and a lost member that is still looked for.

use std::time::Duration;

use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, MessageKind, State, Wire};
use swim_tokio::Event;

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::stage::{Pace, Size, Stage, loopback};
use crate::voice::alive;

const MADE_UP: usize = 20_000;

/// Forged members per datagram.
const BATCH: usize = 10;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, true, Pace::Quick, size);
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (native, memberlist) = tokio::join!(both(&native), both(&memberlist));
    Ok(vec![native?, memberlist?])
}

/// Measures the time to find the lost member with and without the attack.
async fn both(stage: &Stage) -> Result<Finding, String> {
    let (attacked, calm) = tokio::join!(found_again(stage, MADE_UP), found_again(stage, 0));
    let ((attacked, lost), (calm, _)) = (attacked?, calm?);
    let calm = calm.ok_or("a lost member is not found even without the attack")?;
    Ok(Finding {
        attack: "S93",
        case: stage.to_string(),
        did: format!("{MADE_UP} forged departed members, after an answering member was lost"),
        suffered: match attacked {
            Some(time) => format!("the lost member is found {time:.1?} after it is back"),
            None => format!("the lost member is not found in {PATIENCE:.1?}"),
        } + &format!(
            "; without the attack {calm:.1?}; {lost} lost members are remembered"
        ),
        figure: attacked.unwrap_or(PATIENCE).as_secs_f64(),
        unit: "s until found",
        limit: "a member that once answered is found again".into(),
        verdict: Verdict::of(attacked.is_some()),
    })
}

const PATIENCE: Duration = Duration::from_secs(5);

async fn found_again(stage: &Stage, made_up: usize) -> Result<(Option<Duration>, usize), String> {
    let shorten = |options: &mut swim_tokio::Options| {
        options.config.gossip_to_the_dead = Duration::from_secs(1);
    };
    let [a, b] = stage.cluster_with(["a", "b"], shorten).await?;
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    // The limit is for members that once answered a probe. There is no other member to probe, and
    // pings of the application are no probes.
    tokio::time::sleep(a.options.config.probe_interval * 4).await;
    let killed = b.kill().await;
    let unlisted = |event: &Event| match event {
        Event::Unlisted { member, .. } => member.name == "b" && member.state == State::Failed,
        _ => false,
    };
    let lost = a.until(Duration::from_secs(15), |it| it.count(unlisted) > 0).await;
    lost.ok_or("a does not lose b")?;
    let config = lock(&insider.voice).config().clone();
    let names: Vec<String> = (0..made_up).map(|number| format!("x{number}")).collect();
    for names in names.chunks(BATCH) {
        let messages: Vec<Message<'_>> = names
            .iter()
            .flat_map(|name| {
                let (incarnation, claim) = (Incarnation(1), Claim::Left);
                let left = Message::Update(Update { name, incarnation, claim });
                [alive(&config, name, insider.address(), 1), left]
            })
            .collect();
        insider.say(a.address(), &messages).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    a.must_have_read(MessageKind::Left, made_up as u64 * 3 / 4).await?;
    // All of them must be lost, too.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let lost = a.stats().await?.members_lost;
    let b = Member::start(killed).await?;
    let found = a.until(PATIENCE, |it| it.state_of("b") == Some(State::Alive)).await;
    drop(b);
    Ok((found, lost))
}
