//! A network that drops UDP and lets TCP through.

use std::time::{Duration, Instant};

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const DROPPED: Case = Case {
    name: "udp-dropped",
    about: "5 members on the default transport; then all UDP is dropped, one joins, one is killed",
    oracle: "no member is declared failed for the longest suspicion plus 15 s, and each reports \
             blocked UDP to each peer; the joiner becomes known to all; the killed one is failed \
             for all peers; each within the bound",
    run: |setup| dropped("udp-dropped", setup, &UDP_AND_TCP),
};

/// The transport of the agents.
struct Transport {
    /// The arguments that choose it.
    arguments: &'static [&'static str],
    /// Whether it sends datagrams, and so can report that they are blocked.
    sends_datagrams: bool,
}

pub(crate) const DROPPED_ON_STREAMS: Case = Case {
    name: "udp-dropped-tcp",
    about: "the same with --transport tcp",
    oracle: "no member is declared failed for the longest suspicion plus 15 s; the joiner \
             becomes known to all; the killed one is failed for all peers; each within the bound",
    run: |setup| dropped("udp-dropped-tcp", setup, &TCP),
};

const TCP: Transport = Transport { arguments: &["--transport", "tcp"], sends_datagrams: false };

const UDP_AND_TCP: Transport = Transport { arguments: &[], sends_datagrams: true };

fn dropped(case: &'static str, setup: &Setup, transport: &Transport) -> Result<Figures, Broken> {
    const MEMBERS: usize = 5;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new(case, setup, MEMBERS + 1)?;
    cluster.lab().switch().change_all(|link| link.delay = Duration::from_millis(5));
    figures.time("formed", cluster.form(MEMBERS, transport.arguments)?);
    let all: Vec<Port> = (0..MEMBERS).collect();

    let marks = cluster.marks();
    cluster.lab().switch().change_all(|link| link.udp_dropped = true);
    let bounds = Bounds::new(MEMBERS);
    let joiner = MEMBERS;
    let seed = cluster.address(0).to_string();
    let begin = Instant::now();
    cluster.start(joiner, &[&["--join", &seed], transport.arguments].concat())?;

    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &all, &all);
    if transport.sends_datagrams {
        let what = "each member reports blocked UDP to each peer";
        let limit = bounds.detection_in_trouble();
        let told = cluster.eventually_while(stay, what, limit, |it| {
            for &observer in &all {
                let mut others = all.iter().filter(|&&subject| subject != observer);
                others.try_for_each(|&other| it.is_told_of_blocked_datagrams(observer, other))?;
            }
            Ok(())
        })?;
        figures.time("told_of_blocked_udp", told);
    }
    let calm = bounds.suspicion() + Duration::from_secs(15);
    cluster.throughout(calm.saturating_sub(begin.elapsed()), stay)?;
    // Without datagrams only push/pull spreads it, with members picked at random.
    let members: Vec<Port> = (0..=joiner).collect();
    let limit = bounds.forming().saturating_sub(begin.elapsed());
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &members, &members);
    cluster.eventually_while(stay, "the joiner is known to all", limit, |it| {
        it.are_live(&members, &members)
    })?;
    figures.time("joiner_known_and_nobody_failed_for", begin.elapsed());

    let (killed, others) = (1, [0, 2, 3, 4, joiner]);
    cluster.kill(killed);
    let limit = bounds.detection_in_trouble();
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &others, &others);
    let known = cluster.eventually_while(stay, "all know that one was killed", limit, |it| {
        it.are_failed(&others, &[killed])
    })?;
    figures.time("killed_known_to_all", known);
    Ok(figures)
}
