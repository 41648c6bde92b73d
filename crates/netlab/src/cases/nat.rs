//! A member behind a router that translates addresses.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::{Cluster, PORT, name};
use crate::error::Error;
use crate::figures::Figures;
use crate::lab::Host;
use crate::namespace::Namespace;
use crate::setup::Setup;
use crate::switch::Port;
use crate::wires::DEVICE;

pub(crate) const FORWARDED: Case = Case {
    name: "nat",
    about: "4 members and one behind NAT with a forwarded port, which announces the outer address",
    oracle: "all list it at the outer address; no member is declared failed for 30 s; a message \
             reaches it over a stream; once killed, it is failed for all peers within the bound",
    run: forwarded,
};

const INNER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 2);
const CALM: Duration = Duration::from_secs(30);

/// Makes a network behind a host, which is its router.
fn behind(router: &Host) -> Result<Namespace, Error> {
    let inner = Namespace::new()?;
    let outside = router.namespace();
    outside.ip(&format!(
        "link add inside type veth peer name outside netns {}\n\
         addr add 192.168.77.1/24 dev inside\n\
         link set inside up\n",
        inner.name()
    ))?;
    inner.ip(&format!(
        "addr add {INNER}/24 dev outside\n\
         link set outside up\n\
         route add default via 192.168.77.1\n"
    ))?;
    outside.set("ipv4/ip_forward", "1")?;
    outside.nft(&format!(
        "table ip nat {{\n\
           chain forwarded {{\n\
             type nat hook prerouting priority -100;\n\
             iifname {DEVICE} udp dport {PORT} dnat to {INNER}\n\
             iifname {DEVICE} tcp dport {PORT} dnat to {INNER}\n\
           }}\n\
           chain translated {{\n\
             type nat hook postrouting priority 100;\n\
             oifname {DEVICE} masquerade\n\
           }}\n\
         }}\n"
    ))?;
    Ok(inner)
}

fn forwarded(setup: &Setup) -> Result<Figures, Broken> {
    const MEMBERS: usize = 5;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("nat", setup, MEMBERS)?;
    cluster.lab().switch().change_all(|link| link.delay = Duration::from_millis(5));
    let (inside, others) = (MEMBERS - 1, [0, 1, 2, 3]);
    let all: Vec<Port> = (0..MEMBERS).collect();
    let inner = behind(cluster.lab().host(inside))?;
    cluster.form(MEMBERS - 1, &[])?;
    let (seed, outer) = (cluster.address(0).to_string(), cluster.address(inside).to_string());
    let arguments = ["--join", &seed, "--advertise", &outer];
    cluster.start_in(inside, &inner, IpAddr::V4(INNER), &arguments)?;

    let bounds = Bounds::new(MEMBERS);
    let joined = cluster
        .eventually("all know each other", bounds.forming(), |it| it.are_live(&all, &all))?;
    figures.time("joined", joined);
    for port in others {
        let seen = cluster.agent(port).seen(&name(inside));
        if seen.as_ref().is_none_or(|seen| seen.address != outer) {
            let why = format!("{} lists it as {seen:?}, not at {outer}", name(port));
            return Err(Broken::Oracle(why));
        }
    }
    let marks = cluster.marks();
    cluster.throughout(CALM, |it| it.none_failed(&marks, &all, &all))?;
    let answer =
        cluster.ask(0, &format!("send-reliable {} hello", name(inside)), bounds.stream())?;
    if answer["event"] != "done" {
        return Err(Broken::oracle(format!("a message is not delivered: {answer}")));
    }
    cluster.kill(inside);
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &others, &others);
    let (what, limit) = ("all know that it was killed", bounds.detection());
    let known =
        cluster.eventually_while(stay, what, limit, |it| it.are_failed(&others, &[inside]))?;
    figures.time("killed_known_to_all", known);
    Ok(figures)
}
