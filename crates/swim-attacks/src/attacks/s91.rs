//! S91: pings from a third party's address, and pings that ask for the answer to go there.

use swim_core::Wire;
use swim_core::wire::{Message, Ping};

use crate::finding::{Finding, Verdict};
use crate::insider::Insider;
use crate::member::{Member, lock};
use crate::sender::at_rate;
use crate::stage::{Pace, Size, Stage, loopback};
use crate::third::{Drawn, ThirdParty};
use crate::voice::alive;

/// Pings per second.
const RATE: u64 = 100;

/// The application data in each ack of the victim.
const ACK_PAYLOAD: usize = 200;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, false, Pace::Quick, size);
    let sealed = Stage { sealed: true, ..native.clone() };
    let memberlist = Stage { wire: Wire::Memberlist, ..native.clone() };
    let with_data = "spoofed ping, acks with data";
    let aimed = async {
        tokio::join!(
            pings(&native, "spoofed ping", Target::Spoofed, 0),
            pings(&native, with_data, Target::Spoofed, ACK_PAYLOAD),
            pings(&sealed, with_data, Target::Spoofed, ACK_PAYLOAD),
            pings(&memberlist, "shortest spoofed ping", Target::Spoofed, 0),
            pings(&memberlist, "reply_to", Target::ReplyTo, 0),
            pings(&memberlist, "reply_to, acks with data", Target::ReplyTo, ACK_PAYLOAD),
        )
    };
    let made_up = async { tokio::join!(made_up_members(&native), made_up_members(&memberlist)) };
    let ((a, b, c, d, e, f), (g, h)) = tokio::join!(aimed, made_up);
    [a, b, c, d, e, f, g, h].into_iter().collect()
}

/// How a ping is aimed at the third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Its source address is forged.
    Spoofed,
    /// It asks for the answer to go there.
    ReplyTo,
}

async fn pings(
    stage: &Stage,
    case: &str,
    target: Target,
    ack_payload: usize,
) -> Result<Finding, String> {
    let [victim] = stage.cluster(["a"]).await?;
    let set = victim.cluster.set_ack_payload(vec![1; ack_payload]).await;
    set.map_err(|error| format!("cannot set the data of acks: {error}"))?;
    let third = ThirdParty::start(loopback(0, 77)).await?;
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    let (span, mut spent) = (stage.size.seconds(2, 30), 0);
    at_rate(RATE, span, async |number| {
        let sequence = u32::try_from(number).unwrap_or(0);
        let mut ping = Ping { sequence, target: victim.name(), source: "m", reply_to: None };
        if stage.wire == Wire::Memberlist {
            // The shortest ping names no target.
            (ping.target, ping.source) = ("", "");
        }
        if target == Target::ReplyTo {
            ping.reply_to = Some(third.address());
        }
        let datagram = lock(&insider.voice).datagram(&[Message::Ping(ping)]);
        let mouth = if target == Target::Spoofed { &third.socket } else { &insider.socket };
        _ = mouth.send_to(&datagram, victim.address()).await;
        spent += datagram.len() as u64;
    })
    .await;
    let pings = RATE * span.as_secs();
    let did = format!("{pings} pings of {} bytes", spent / pings);
    Ok(finding(stage, case, did, spent, third.drawn()))
}

/// Forges members at the address of a third party, which never answers.
///
/// Pings in the name of each, to draw gossip with the ack.
async fn made_up_members(stage: &Stage) -> Result<Finding, String> {
    let [a, b, c] = stage.cluster(["a", "b", "c"]).await?;
    let third = ThirdParty::start(loopback(0, 77)).await?;
    let insider = Insider::start(stage, "mallory", loopback(0, 66), |_, _| {}).await?;
    let config = lock(&insider.voice).config().clone();
    let victims: [&Member; 3] = [&a, &b, &c];
    let span = stage.size.seconds(8, 60);
    let (rate, mut spent) = (20, 0);
    at_rate(rate, span, async |number| {
        let name = format!("x{number}");
        let sequence = u32::try_from(number).unwrap_or(0);
        for victim in victims {
            let here = [alive(&config, &name, third.address(), 1)];
            spent += insider.say(victim.address(), &here).await as u64;
            let ping = Ping { sequence, target: victim.name(), source: &name, reply_to: None };
            let datagram = lock(&insider.voice).datagram(&[Message::Ping(ping)]);
            _ = third.socket.send_to(&datagram, victim.address()).await;
            spent += datagram.len() as u64;
        }
    })
    .await;
    let did =
        format!("{} forged members at its address, and a ping of each", rate * span.as_secs());
    Ok(finding(stage, "made-up members", did, spent, third.drawn()))
}

fn finding(stage: &Stage, case: &str, did: String, spent: u64, drawn: Drawn) -> Finding {
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let factor = drawn.bytes as f64 / spent.max(1) as f64;
    Finding {
        attack: "S91",
        case: format!("{stage}, {case}"),
        did: format!("{did}: {spent} bytes"),
        suffered: format!(
            "the third party received {} bytes in {} packets, {factor:.2} times as many",
            drawn.bytes, drawn.packets
        ),
        figure: factor,
        unit: "bytes drawn per byte",
        limit: "at most as many bytes as were sent in its name".into(),
        verdict: Verdict::of(factor <= 1.0),
    }
}
