//! Paths with a smaller MTU than Ethernet.

use std::num::NonZeroU16;
use std::time::Duration;

use serde_json::Value;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::{Cluster, name};
use crate::figures::Figures;
use crate::link::Mtu;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const TOLD: Case = Case {
    name: "mtu-icmp",
    about: "8 members with 500 bytes of metadata; paths take 1280 bytes, and routers send ICMP",
    oracle: "with all defaults: all know each other; a message of 200,000 bytes arrives over a \
             stream; datagrams arrive up to the packet size of 1400 bytes; no member is declared \
             failed for 20 s",
    run: told,
};

pub(crate) const SILENT: Case = Case {
    name: "mtu-black-hole",
    about: "the same without ICMP: a \"black hole\"",
    oracle: "with packet_size_max = 1200 and the kernel's net.ipv4.tcp_mtu_probing = 1: as \
             mtu-icmp, with datagrams up to 1200 bytes; without tcp_mtu_probing the large message \
             ends in an error within the bound, and no member is declared failed",
    run: silent,
};

const MEMBERS: usize = 8;
const PATH: NonZeroU16 = NonZeroU16::new(1280).expect("it is not zero");
const LARGE: usize = 200_000;
/// The time during which no member may be declared failed.
const CALM: Duration = Duration::from_secs(20);

fn told(setup: &Setup) -> Result<Figures, Broken> {
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("mtu-icmp", setup, MEMBERS)?;
    cluster.lab().switch().change_all(|link| link.mtu = Some(Mtu::told(PATH)));
    all_works(&mut cluster, 1400, &mut figures)?;
    if cluster.lab().switch().tallies().told_too_big == 0 {
        return Err(Broken::oracle("no packet was too big, so the case tests nothing"));
    }
    Ok(figures)
}

fn silent(setup: &Setup) -> Result<Figures, Broken> {
    const PACKET: usize = 1200;
    let mut figures = Figures::default();
    // No flag has this setting. The variable is only for the agents of this case.
    let mut cluster = Cluster::new("mtu-black-hole", setup, MEMBERS)?
        .with_variable("SWIM_PACKET_SIZE_MAX", &PACKET.to_string());
    probe_sizes(&cluster, true)?;
    cluster.lab().switch().change_all(|link| link.mtu = Some(Mtu::silent(PATH)));
    all_works(&mut cluster, PACKET, &mut figures)?;

    let marks = cluster.marks();
    probe_sizes(&cluster, false)?;
    let message = format!("send-reliable {} {}", name(2), "x".repeat(LARGE));
    let limit = Bounds::new(MEMBERS).stream() * 2;
    let answer = cluster.ask(1, &message, limit)?;
    if answer["event"] != "error" {
        return Err(Broken::oracle("a large message passed the black hole: is ICMP really off?"));
    }
    let all: Vec<Port> = (0..MEMBERS).collect();
    cluster.none_failed(&marks, &all, &all)?;
    Ok(figures)
}

/// Makes the kernels of the hosts probe for smaller TCP segments, or not.
fn probe_sizes(cluster: &Cluster<'_>, on: bool) -> Result<(), Broken> {
    for host in cluster.lab().hosts() {
        host.namespace().set("ipv4/tcp_mtu_probing", if on { "1" } else { "0" })?;
    }
    Ok(())
}

fn all_works(
    cluster: &mut Cluster<'_>,
    packet_size: usize,
    figures: &mut Figures,
) -> Result<(), Broken> {
    let meta = "m".repeat(500);
    figures.time("formed", cluster.form(MEMBERS, &["--meta", &meta])?);
    let bounds = Bounds::new(MEMBERS);
    let message = format!("send-reliable {} {}", name(1), "x".repeat(LARGE));
    let begin = std::time::Instant::now();
    let answer = cluster.ask(2, &message, bounds.stream() * 2)?;
    if answer["event"] != "done" {
        return Err(Broken::oracle(format!("a large message is not delivered: {answer}")));
    }
    figures.time("large_message", begin.elapsed());
    largest_datagram_arrives(cluster, packet_size)?;

    let all: Vec<Port> = (0..MEMBERS).collect();
    let marks = cluster.marks();
    cluster.throughout(CALM, |it| it.none_failed(&marks, &all, &all))
}

/// Reads the number from "1400 bytes are too many: at most 1377 fit".
fn fits(refusal: &Value) -> Result<usize, Broken> {
    let message = refusal["message"].as_str().unwrap_or_default();
    let number = message.strip_suffix(" fit").and_then(|words| words.rsplit(' ').next());
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| Broken::oracle(format!("no size in the refusal: {refusal}")))
}

/// Sends a datagram as large as the packet size allows, until one arrives.
///
/// The first one may be lost: it teaches the kernel the path's MTU.
fn largest_datagram_arrives(cluster: &mut Cluster<'_>, packet_size: usize) -> Result<(), Broken> {
    let refused = format!("send {} {}", name(4), "d".repeat(packet_size));
    let size = fits(&cluster.ask(3, &refused, Bounds::BUSY)?)?;
    let payload = "d".repeat(size);
    for _ in 0..5 {
        cluster.ask(3, &format!("send {} {payload}", name(4)), Bounds::BUSY)?;
        let arrived = cluster.eventually("a datagram arrives", Bounds::BUSY / 3, |it| {
            it.has_line(4, 0, |line| line["event"] == "message" && line["payload"] == *payload)
        });
        match arrived {
            Ok(_) => return Ok(()),
            Err(Broken::Oracle(_)) => {}
            Err(broken) => return Err(broken),
        }
    }
    Err(Broken::oracle(format!("none of five datagrams with {size} bytes arrives")))
}
