//! The same cluster of 16 on datagrams, and over TCP while UDP is dropped, to compare.

use std::time::{Duration, Instant};

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const ON_DATAGRAMS: Case = Case {
    name: "sixteen",
    about: "16 members, 5 ms one way; one is killed, one leaves",
    oracle: "all know each other; the killed one is failed for all peers, the departed one has \
             left for all; no other member is declared failed; each within the bound",
    run: |setup| live_on("sixteen", setup, &[], false),
};

pub(crate) const ON_STREAMS: Case = Case {
    name: "sixteen-tcp",
    about: "the same with --transport tcp, while all UDP is dropped",
    oracle: "as sixteen",
    run: |setup| live_on("sixteen-tcp", setup, &["--transport", "tcp"], true),
};

/// By then the connections are up, and no gossip is left to send.
const CALM: Duration = Duration::from_secs(5);

fn live_on(
    case: &'static str,
    setup: &Setup,
    arguments: &[&str],
    udp_dropped: bool,
) -> Result<Figures, Broken> {
    const MEMBERS: usize = 16;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new(case, setup, MEMBERS)?;
    cluster.lab().switch().change_all(|link| {
        link.delay = Duration::from_millis(5);
        link.udp_dropped = udp_dropped;
    });
    figures.time("formed", cluster.form(MEMBERS, arguments)?);
    let all: Vec<Port> = (0..MEMBERS).collect();
    let (killed, others) = (MEMBERS - 1, &all[..MEMBERS - 1]);

    let (marks, bounds) = (cluster.marks(), Bounds::new(MEMBERS));
    cluster.throughout(CALM, |it| it.none_failed(&marks, &all, &all))?;
    cluster.kill(killed);
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, others, others);
    let what = "all know that one was killed";
    let known = cluster
        .eventually_while(stay, what, bounds.detection(), |it| it.are_failed(others, &[killed]))?;
    figures.time("killed_known_to_all", known);

    let (leaving, staying) = (MEMBERS - 2, &all[..MEMBERS - 2]);
    let begin = Instant::now();
    cluster.agent_mut(leaving).type_line("leave");
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, staying, staying);
    cluster.eventually_while(stay, "all know that one left", bounds.healing(), |it| {
        it.are_left(staying, &[leaving])
    })?;
    figures.time("leave_known_to_all", begin.elapsed());
    Ok(figures)
}
