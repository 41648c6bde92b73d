//! S90: an attacker announces a live member's name at its own address, and answers pings there.

use std::time::Duration;

use swim_core::{Failure, State, Wire};
use swim_tokio::Event;

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::voice::alive;

/// Announcements per second, each one higher than the last.
const RATE: u64 = 5;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, false, Pace::Quick, size);
    let sealed = Stage { sealed: true, ..native.clone() };
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (native, sealed, memberlist) =
        tokio::join!(case(&native), case(&sealed), case(&memberlist));
    Ok(vec![native?, sealed?, memberlist?])
}

async fn case(stage: &Stage) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    let thief = Insider::start(stage, "b", loopback(0, 66), |_, _| {}).await?;
    let (config, first) = (lock(&thief.voice).config().clone(), b.cluster.local().incarnation.0);
    let span = stage.size.seconds(6, 30);
    let at_home = |it: &Member| {
        let seen = it.cluster.member("b");
        seen.is_some_and(|seen| seen.address == b.address() && seen.state == State::Alive)
    };
    let changed = |it: &Member| it.cluster.member("b").is_some_and(|seen| seen.meta == "mine");
    let announces = at_rate(RATE, span, async |number| {
        let incarnation = first + 1 + u32::try_from(number).unwrap_or(0);
        let alive = alive(&config, "b", thief.address(), incarnation);
        for member in [&a, &b, &c] {
            thief.say(member.address(), &[alive]).await;
        }
    });
    let looks = async {
        let (mut looks, mut elsewhere) = (0_u32, 0_u32);
        at_rate(20, span, async |_| {
            looks += 2;
            elsewhere += [&a, &c].into_iter().map(|it| u32::from(!at_home(it))).sum::<u32>();
        })
        .await;
        100.0 * f64::from(elsewhere) / f64::from(looks.max(1))
    };
    let (sent, away) = tokio::join!(announces, looks);
    let told = b.count(|event| matches!(event, Event::NameTaken { .. }));
    let at_once = Duration::from_secs(2);
    let set = tokio::time::timeout(at_once, b.cluster.set_meta("mine")).await;
    let keeps = at_home(&b)
        && matches!(set, Ok(Ok(()) | Err(swim_tokio::Error::Failure(Failure::NameTaken))));
    let refuted = b.cluster.local().incarnation.0.saturating_sub(first);
    thief.answer(false);
    let bound = config.suspicion_timeouts(3).max + config.probe_interval * 4;
    let wait = bound + stage.size.seconds(4, 30);
    let (by_a, by_c) = tokio::join!(a.until(wait, at_home), c.until(wait, at_home));
    let (told_a, told_c) = tokio::join!(a.until(wait, changed), c.until(wait, changed));
    let spread = told_a.is_some() && told_c.is_some();
    let back = by_a.zip(by_c).map(|(by_a, by_c)| by_a.max(by_c));
    let often = u32::try_from(span.as_millis() / config.probe_interval.as_millis());
    let in_time = back.is_some_and(|time| time <= bound);
    let holds = in_time && keeps && spread && told > 0 && refuted <= often.unwrap_or(0) + 2;
    Ok(Finding {
        attack: "S90",
        case: stage.to_string(),
        did: format!(
            "{sent} alives of b at another address in {} s, pings answered",
            span.as_secs()
        ),
        suffered: format!(
            "b is elsewhere in {away:.0}% of the views meanwhile, {}; notified {told} times, {} \
             its name, {refuted} incarnations, its new metadata is {}",
            match back {
                Some(time) => format!("back {time:.1?} after it ends"),
                None => format!("not back {wait:.1?} after it ends"),
            },
            if keeps { "keeps" } else { "gives up" },
            if spread { "known" } else { "lost" },
        ),
        figure: back.unwrap_or(wait).as_secs_f64(),
        unit: "s until back",
        limit: format!(
            "b keeps its name, is notified, refutes at most once per probe interval, is back in \
             all views within {bound:.1?}"
        ),
        verdict: Verdict::of(holds),
    })
}
