//! S85: forged alives that move members to a third party's address, each outranking the last.

use std::time::Duration;

use swim_core::{MessageKind, Wire};

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::lock;
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::third::ThirdParty;
use crate::voice::alive;

/// The attacker's bytes per second.
const RATE: u64 = 11_000;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, false, Pace::Lan, size);
    let sealed = Stage { sealed: true, ..native.clone() };
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let (native, sealed, memberlist) =
        tokio::join!(case(&native), case(&sealed), case(&memberlist));
    Ok(vec![native?, sealed?, memberlist?])
}

async fn case(stage: &Stage) -> Result<Finding, String> {
    let members = stage.cluster(["a", "b", "c", "d", "e"]).await?;
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    let third = ThirdParty::start(loopback(0, 77)).await?;
    let span = stage.size.seconds(10, 60);
    let first = members.iter().map(|it| it.cluster.local().incarnation.0).max().unwrap_or(0) + 1;
    let config = lock(&insider.voice).config().clone();
    let size = {
        let alive = alive(&config, "b", third.address(), first);
        lock(&insider.voice).datagram(&[alive]).len() as u64
    };
    // Each goes to one member, which gossips it. The moves are of several members in turn, so each
    // member has time to answer between two of its own. Only then is the new address pinged.
    let tells = async |number: u64| {
        let number = usize::try_from(number).unwrap_or(0);
        let (moved, to) = (1 + number % 4, &members[number / 4 % members.len()]);
        let incarnation = first + u32::try_from(number).unwrap_or(u32::MAX / 2);
        let alive = alive(&config, members[moved].name(), third.address(), incarnation);
        insider.say(to.address(), &[alive]).await;
    };
    let worst = async {
        let (mut worst, mut last, mut seconds) = (0, 0, 0);
        while seconds < span.as_secs() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let drawn = third.drawn().bytes;
            (worst, last, seconds) = (worst.max(drawn - last), drawn, seconds + 1);
        }
        worst
    };
    let (sent, worst) = tokio::join!(at_rate(RATE / size, span, tells), worst);
    for member in &members {
        let told = sent / members.len() as u64;
        member.must_have_read(MessageKind::Alive, told / 2).await?;
    }
    let drawn = third.drawn();
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let (worst, limit) = (worst as f64, RATE as f64);
    Ok(Finding {
        attack: "S85",
        case: stage.to_string(),
        did: format!(
            "{sent} forged moves of 4 of 5 members, {} bytes/s for {} s",
            sent * size / span.as_secs(),
            span.as_secs()
        ),
        suffered: format!(
            "the third party received {} bytes in {} packets, {:.0} KB in the worst second",
            drawn.bytes,
            drawn.packets,
            worst / 1000.0
        ),
        figure: worst / 1000.0,
        unit: "KB/s",
        limit: "at most 11 KB in any second".into(),
        verdict: Verdict::of(worst <= limit),
    })
}
