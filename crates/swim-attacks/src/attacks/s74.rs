//! S74: connections that send one byte and stop, or one byte a second, and are renewed when closed.

use std::time::{Duration, Instant};

use swim_core::Wire;
use swim_core::wire::MAGIC;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::finding::{Finding, Verdict};
use crate::stage::{Pace, Size, Stage, loopback};
use crate::tallies::{Tally, dial, joins, stream_pings};

const CONNECTIONS: u8 = 128;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let native = Stage::new(Wire::Swim, true, Pace::Lan, size);
    let memberlist = Stage::new(Wire::Memberlist, true, Pace::Lan, size);
    let mut findings = vec![
        case(&native, None).await?,
        case(&native, Some(Duration::from_secs(1))).await?,
        case(&memberlist, None).await?,
    ];
    if size == Size::Large {
        findings.push(case(&memberlist, Some(Duration::from_secs(1))).await?);
    }
    Ok(findings)
}

/// Runs connections that send a byte after each pause, or stop after the first one.
async fn case(stage: &Stage, pause: Option<Duration>) -> Result<Finding, String> {
    let [victim] = stage.cluster(["victim"]).await?;
    let (to, span) = (victim.address(), stage.size.seconds(3, 30));
    let first = if stage.wire == Wire::Swim { [MAGIC, 0x11] } else { [10, 0] };
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let from = loopback(0, 50 + number % 2);
        connections.spawn(async move {
            loop {
                if let Ok(mut stream) = dial(from, to).await {
                    _ = stream.write_all(&first[..1]).await;
                    _ = hold(&mut stream, first[1], pause).await;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    // Waits until all are open, but no longer than members need to notice.
    let deadline = Instant::now() + Duration::from_secs(2);
    while victim.stats().await?.streams_open < usize::from(CONNECTIONS) && Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = victim.stats().await?.streams_open;
    let (joins, pings) =
        tokio::join!(joins(stage, &victim, span), stream_pings(stage, &victim, span));
    let all: Tally = joins + pings;
    let how = if pause.is_some() { "a byte a second" } else { "one byte" };
    Ok(Finding {
        attack: "S74",
        case: format!("{stage}, {how}"),
        did: format!(
            "{CONNECTIONS} connections from 2 addresses, {how} each, renewed for {} s; {held} held",
            span.as_secs()
        ),
        suffered: format!("joins: {joins}; pings over streams: {pings}"),
        figure: all.percent(),
        unit: "% failed",
        limit: "other hosts' joins and pings over streams succeed".into(),
        verdict: Verdict::of(all.failed == 0 && all.tried > 0),
    })
}

/// Keeps a connection open until the member closes it.
async fn hold(
    stream: &mut tokio::net::TcpStream,
    next: u8,
    pause: Option<Duration>,
) -> std::io::Result<()> {
    let mut buffer = [0; 256];
    let mut byte = next;
    loop {
        let wait = pause.unwrap_or(Duration::from_secs(60));
        match tokio::time::timeout(wait, stream.read(&mut buffer)).await {
            Ok(Ok(0)) => return Ok(()),
            Ok(read) => _ = read?,
            Err(_) if pause.is_some() => {
                stream.write_all(&[byte]).await?;
                // The longest label, or the length of a large sealed frame.
                byte = 1;
            }
            Err(_) => return Ok(()),
        }
    }
}
