//! Members that join through a link-local address.

use std::net::Ipv6Addr;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::{Cluster, PORT, name};
use crate::error::Error;
use crate::figures::Figures;
use crate::namespace::Namespace;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const SEED: Case = Case {
    name: "link-local",
    about: "3 members on IPv6; two join through the link-local address of the first, each over \
            its own link: one by the interface's name, one by its number",
    oracle: "all know each other within the bound, none at a link-local address",
    run: joined,
};

/// The first member, on each of its links.
const FIRST: &str = "fe80::1";

const INTERFACE: &str = "side";
const INTERFACE_NUMBER: u32 = 77;

/// Adds a link between two hosts, besides their network.
fn connect(first: &Namespace, other: &Namespace, number: Port) -> Result<(), Error> {
    let first_name = first.name();
    other.ip(&format!(
        "link add {INTERFACE} index {INTERFACE_NUMBER} type veth peer name side{number} \
         netns {first_name}\n\
         addr add fe80::2/64 dev {INTERFACE} nodad\n\
         link set {INTERFACE} up\n"
    ))?;
    first.ip(&format!(
        "addr add {FIRST}/64 dev side{number} nodad\n\
         link set side{number} up\n"
    ))
}

fn joined(setup: &Setup) -> Result<Figures, Broken> {
    const MEMBERS: usize = 3;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("link-local", setup, MEMBERS)?.over_v6();
    let all: Vec<Port> = (0..MEMBERS).collect();
    for &port in &all[1..] {
        let lab = cluster.lab();
        connect(lab.host(0).namespace(), lab.host(port).namespace(), port)?;
    }
    let (by_name, by_number) = (INTERFACE.to_string(), INTERFACE_NUMBER.to_string());
    cluster.start_on(0, Ipv6Addr::UNSPECIFIED.into(), &[])?;
    for (port, scope) in [(1, by_name), (2, by_number)] {
        let seed = format!("[{FIRST}%{scope}]:{PORT}");
        cluster.start_on(port, Ipv6Addr::UNSPECIFIED.into(), &["--join", &seed])?;
    }
    let limit = Bounds::new(MEMBERS).forming();
    let joined = cluster.eventually("all know each other", limit, |it| it.are_live(&all, &all))?;
    figures.time("joined", joined);
    for &port in &all {
        for &other in all.iter().filter(|&&other| other != port) {
            let (seen, address) = (cluster.agent(port).seen(&name(other)), cluster.address(other));
            if seen.as_ref().is_none_or(|seen| seen.address != address.to_string()) {
                let why = format!("{} lists {seen:?}, not {address}", name(port));
                return Err(Broken::Oracle(why));
            }
        }
    }
    Ok(figures)
}
