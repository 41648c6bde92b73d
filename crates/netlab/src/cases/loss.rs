//! Loss of packets, and delays from 10 to 60 ms.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const TEN: Case = Case {
    name: "loss-10",
    about: "16 members; 10% of all packets lost, 10 ms delay and up to 50 ms jitter",
    oracle: "all know each other; no member is declared failed for 30 s; a killed one is failed \
             for all peers within the bound, and still no other member",
    run: |setup| few_are_lost(&mut Cluster::new("loss-10", setup, 16)?),
};

pub(crate) const V6: Case = Case {
    name: "ipv6",
    about: "5 members on IPv6; 10% of all packets lost, 10 ms delay and up to 50 ms jitter",
    oracle: "as loss-10",
    run: |setup| few_are_lost(&mut Cluster::new("ipv6", setup, 5)?.over_v6()),
};

pub(crate) const THIRTY: Case = Case {
    name: "loss-30",
    about: "16 members; 30% of all packets lost, 10 ms delay and up to 50 ms jitter",
    oracle: "all know each other; a killed one is failed for all peers within the bound; a \
             false positive comes back: in the end all are live for all within the bound",
    run: many_are_lost,
};

/// The time during which no running member may be declared failed.
const CALM: Duration = Duration::from_secs(30);

fn lose(cluster: &Cluster<'_>, share: f64) {
    cluster.lab().switch().change_all(|link| {
        link.loss = share;
        link.delay = Duration::from_millis(10);
        link.jitter = Duration::from_millis(50);
    });
}

fn few_are_lost(cluster: &mut Cluster<'_>) -> Result<Figures, Broken> {
    let mut figures = Figures::default();
    lose(cluster, 0.1);
    let members = cluster.lab().hosts().len();
    figures.time("formed", cluster.form(members, &[])?);
    let all: Vec<Port> = (0..members).collect();
    let (killed, others) = (members - 1, &all[..members - 1]);

    let marks = cluster.marks();
    cluster.throughout(CALM, |it| it.none_failed(&marks, &all, &all))?;
    cluster.kill(killed);
    let limit = Bounds::new(members).detection_in_trouble();
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, others, others);
    let known = cluster.eventually_while(stay, "all know that one was killed", limit, |it| {
        it.are_failed(others, &[killed])
    })?;
    figures.time("killed_known_to_all", known);
    figures.count("false_failures", cluster.failures(&marks, others, others));
    Ok(figures)
}

fn many_are_lost(setup: &Setup) -> Result<Figures, Broken> {
    const MEMBERS: usize = 16;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("loss-30", setup, MEMBERS)?;
    lose(&cluster, 0.3);
    figures.time("formed", cluster.form(MEMBERS, &[])?);
    let all: Vec<Port> = (0..MEMBERS).collect();
    let (killed, others) = (MEMBERS - 1, &all[..MEMBERS - 1]);

    let marks = cluster.marks();
    cluster.throughout(CALM, |_| Ok(()))?;
    figures.count("false_failures_before_the_kill", cluster.failures(&marks, &all, &all));
    let marks = cluster.marks();
    cluster.kill(killed);
    let bounds = Bounds::new(MEMBERS);
    let limit = bounds.detection_in_trouble();
    let known = cluster
        .eventually("all know that one was killed", limit, |it| it.are_failed(others, &[killed]))?;
    figures.time("killed_known_to_all", known);
    let limit = bounds.healing();
    let agreed = cluster.eventually("the other members are live for all", limit, |it| {
        it.are_live(others, others)
    })?;
    figures.time("then_all_others_live", agreed);
    figures.count("false_failures_after_it", cluster.failures(&marks, others, others));
    Ok(figures)
}
