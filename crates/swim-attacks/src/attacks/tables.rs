//! The second half of S94: 128 simultaneous requests for the full table of a large cluster.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use swim_core::wire::Scope;
use swim_core::{Incarnation, MemberRef, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::finding::{Finding, Verdict};
use crate::member::Member;
use crate::stage::{Stage, loopback};
use crate::tallies::dial;

/// Full tables per second.
const TABLES_MAX: f64 = 2.0;

const MEMBERS: usize = 100_000;

const REQUESTS: u8 = 128;

pub(super) async fn tables(stage: &Stage) -> Result<Finding, String> {
    let [victim] = stage.cluster(["victim"]).await?;
    fill(stage, &victim).await?;
    // The load of filling it must not count; it is noticed within a probe interval.
    tokio::time::sleep(victim.options.config.probe_interval * 3).await;
    let before = victim.stats().await?.stalls;
    let request = stage.voice("mallory", loopback(0, 66)).push_pull(Scope::Full, &[]);
    let (to, span) = (victim.address(), stage.size.seconds(8, 60));
    let (start, mut requests) = (Instant::now(), JoinSet::new());
    for number in 0..REQUESTS {
        let request = request.clone();
        requests.spawn(async move {
            let length =
                tokio::time::timeout(span, ask(loopback(0, 50 + number % 2), to, &request));
            (length.await.ok().and_then(Result::ok).unwrap_or(0), start.elapsed())
        });
    }
    let mut slowest = Duration::ZERO;
    while start.elapsed() < span {
        // Measured from before the pause: while the node is blocked, the runtime may be too.
        let asked = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let open = victim.stats().await?.streams_open;
        slowest = slowest.max(asked.elapsed());
        if open == 0 && start.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    let stalls = victim.stats().await?.stalls - before;
    // A shorter answer is a refusal.
    let whole = |length: usize| length > MEMBERS * 8;
    let done = requests.join_all().await;
    let tables = done.iter().filter(|(length, _)| whole(*length)).count();
    let bytes: usize = done.iter().map(|(length, _)| length).sum();
    let last = done.iter().filter(|(length, _)| whole(*length)).map(|&(_, at)| at).max();
    let took = last.unwrap_or(span);
    let per_second = f64::from(u32::try_from(tables).unwrap_or(0)) / took.as_secs_f64().max(1.0);
    Ok(Finding {
        attack: "S94",
        case: format!("{stage}, full tables"),
        did: format!("{REQUESTS} requests for the table of {MEMBERS} members, from 2 addresses"),
        suffered: format!(
            "{tables} tables, {} MiB, in {took:.1?}; {stalls} stalls; at most \
             {slowest:.1?} between two answered commands",
            bytes >> 20
        ),
        figure: per_second,
        unit: "tables/s",
        limit: format!("at most {TABLES_MAX} tables/s, no stall"),
        verdict: Verdict::of(per_second <= TABLES_MAX && stalls == 0),
    })
}

/// Adds as many forged members.
async fn fill(stage: &Stage, victim: &Member) -> Result<(), String> {
    let mut voice = stage.voice("mallory", loopback(0, 66));
    let names: Vec<String> = (0..MEMBERS).map(|number| format!("m{number}")).collect();
    let mut address = loopback(200, 1);
    address.set_port(9);
    let (incarnation, versions) = (Incarnation(1), voice.config().versions);
    let member =
        |name| MemberRef { name, address, state: State::Alive, incarnation, meta: &[], versions };
    let members: Vec<MemberRef<'_>> = names.iter().map(|name| member(name.as_str())).collect();
    let crowd = voice.push_pull(Scope::Join, &members);
    let told = ask(loopback(0, 66), victim.address(), &crowd).await;
    told.map_err(|error| format!("the victim refuses the table: {error}"))?;
    let all = |it: &Member| it.cluster.members().len() >= MEMBERS;
    let all = victim.until(Duration::from_secs(30), all).await;
    all.map(|_| ()).ok_or("the victim does not add all members".into())
}

/// Sends this on a stream, and returns the length of the answer.
async fn ask(from: SocketAddr, to: SocketAddr, said: &[u8]) -> std::io::Result<usize> {
    let mut stream = dial(from, to).await?;
    stream.write_all(said).await?;
    let (mut buffer, mut length) = (vec![0; 1 << 18], 0);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(length),
            read => length += read,
        }
    }
}
