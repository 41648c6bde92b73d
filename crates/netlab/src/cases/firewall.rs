//! Firewalls that reject packets instead of dropping them.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::{Cluster, PORT};
use crate::error::Error;
use crate::figures::Figures;
use crate::lab::Host;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const REJECTS: Case = Case {
    name: "firewall",
    about: "5 members without seeds; a firewall rejects all to the port of one, by RST, then ICMP",
    oracle: "a join through it reports \"refused\", then \"unreachable\"; its peers \
             declare it failed within the bound, and no other member; without the firewall \
             all are live for all within the bound, without a join",
    run: rejects,
};

/// The rules of a firewall for UDP and TCP, and a word of the resulting join error.
const REJECTIONS: [(&str, &str, &str); 2] = [
    ("reject with icmpx type port-unreachable", "reject with tcp reset", "refused"),
    (
        "reject with icmpx type admin-prohibited",
        "reject with icmpx type admin-prohibited",
        "unreachable",
    ),
];

/// Rejects all packets to the port of the agents.
fn wall(host: &Host, (of_udp, of_tcp, _): (&str, &str, &str)) -> Result<(), Error> {
    host.namespace().nft(&format!(
        "table inet wall\n\
         delete table inet wall\n\
         table inet wall {{\n\
           chain input {{\n\
             type filter hook input priority 0;\n\
             udp dport {PORT} {of_udp}\n\
             tcp dport {PORT} {of_tcp}\n\
           }}\n\
         }}\n"
    ))
}

fn rejects(setup: &Setup) -> Result<Figures, Broken> {
    const MEMBERS: usize = 5;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("firewall", setup, MEMBERS + 2)?;
    cluster.lab().switch().change_all(|link| link.delay = Duration::from_millis(5));
    figures.time("formed", cluster.form(MEMBERS, &[])?);
    cluster.remove_seeds()?;
    let (walled, others) = (1, [0, 2, 3, 4]);
    let all: Vec<Port> = (0..MEMBERS).collect();

    let marks = cluster.marks();
    let seed = cluster.address(walled).to_string();
    let bounds = Bounds::new(MEMBERS);
    for (joiner, rejection) in (MEMBERS..).zip(REJECTIONS) {
        wall(cluster.lab().host(walled), rejection)?;
        cluster.start(joiner, &["--join", &seed])?;
        let word = rejection.2;
        cluster.eventually("the joiner names the cause", bounds.stream(), |it| {
            it.has_line(joiner, 0, |line| {
                let message = line["message"].as_str().unwrap_or_default();
                message.contains(&seed) && message.contains(word)
            })
        })?;
        cluster.kill(joiner);
    }
    let limit = bounds.detection_in_trouble();
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &others, &others);
    let what = "its peers see the firewalled member as failed";
    let known =
        cluster.eventually_while(stay, what, limit, |it| it.are_failed(&others, &[walled]))?;
    figures.time("walled_one_failed", known);

    cluster.lab().host(walled).namespace().nft("delete table inet wall\n")?;
    let healed = cluster
        .eventually("all are live for all", bounds.healing(), |it| it.are_live(&all, &all))?;
    figures.time("back", healed);
    Ok(figures)
}
