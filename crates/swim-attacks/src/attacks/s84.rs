//! S84: four connections that each announce a frame of 20 MiB, send 16 MiB of it, and stop.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use swim_core::Wire;
use swim_core::wire::{self, memberlist};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::finding::{Finding, Verdict};
use crate::stage::{Pace, Size, Stage, loopback};
use crate::tallies::{Tally, dial, joins, messages};

const ANNOUNCED: u32 = 20 << 20;
/// The bytes that each sends, including its head.
///
/// All four together stay a few bytes below the limit, so that none of them is the one that exceeds
/// it.
const SENT: usize = (16 << 20) - 8;

pub(crate) async fn run(size: Size) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for (wire, sealed) in [(Wire::Swim, true), (Wire::Swim, false), (Wire::Memberlist, true)] {
        findings.push(case(&Stage::new(wire, sealed, Pace::Lan, size)).await?);
    }
    Ok(findings)
}

async fn case(stage: &Stage) -> Result<Finding, String> {
    let [victim, friend] = stage.cluster(["victim", "friend"]).await?;
    let (to, span) = (victim.address(), stage.size.seconds(3, 60));
    let head = head(stage);
    let mut connections = JoinSet::new();
    for _ in 0..4 {
        let head = head.clone();
        connections.spawn(async move {
            loop {
                _ = fill(loopback(0, 50), to, &head).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    }
    // The bytes must arrive first.
    let before = victim.stats().await?.stream_bytes_received;
    for _ in 0..100 {
        if victim.stats().await?.stream_bytes_received - before >= 4 * SENT as u64 - 100 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (joins, (messages, false_answers)) =
        tokio::join!(joins(stage, &victim, span), messages(&friend, &victim, span));
    let all: Tally = joins + messages;
    let received = victim.stats().await?.stream_bytes_received - before;
    Ok(Finding {
        attack: "S84",
        case: stage.to_string(),
        did: format!(
            "4 connections of a stranger, 16 of an announced 20 MiB each, refilled for {} s; \
             {} MiB taken",
            span.as_secs(),
            received >> 20
        ),
        suffered: format!(
            "joins: {joins}; reliable messages of a member: {messages}, {false_answers} of them \
             answered as delivered"
        ),
        figure: all.percent(),
        unit: "% failed",
        limit: "joins and reliable messages of members succeed".into(),
        verdict: Verdict::of(all.failed == 0 && all.tried > 0 && false_answers == 0),
    })
}

/// Returns the beginning of a frame that is never completed.
fn head(stage: &Stage) -> BytesMut {
    let mut head = BytesMut::new();
    match stage.wire {
        Wire::Swim => {
            wire::begin_packet(b"", &mut head);
            head[1] |= u8::from(stage.sealed);
        }
        Wire::Memberlist => head.put_u8(memberlist::SEALED),
    }
    head.put_u32(ANNOUNCED);
    head
}

async fn fill(from: SocketAddr, to: SocketAddr, head: &[u8]) -> std::io::Result<()> {
    let mut stream = dial(from, to).await?;
    stream.write_all(head).await?;
    let piece = vec![0x5a; 1 << 18];
    let mut left = SENT - head.len();
    while left > 0 {
        let length = left.min(piece.len());
        stream.write_all(&piece[..length]).await?;
        left -= length;
    }
    // Waits until the member closes it.
    stream.read(&mut [0; 16]).await.map(|_| ())
}
