//! Two halves that cannot reach each other for a while.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const HEALED: Case = Case {
    name: "partition",
    about: "16 members without seeds; 8 and 8 are cut from each other, then the cut is mended",
    oracle: "each half declares the other failed within the bound, and never one of its own; \
             after the cut, all are live for all within the bound, without a join",
    run: healed,
};

fn healed(setup: &Setup) -> Result<Figures, Broken> {
    const MEMBERS: usize = 16;
    let mut figures = Figures::default();
    let mut cluster = Cluster::new("partition", setup, MEMBERS)?;
    cluster.lab().switch().change_all(|link| link.delay = Duration::from_millis(5));
    figures.time("formed", cluster.form(MEMBERS, &[])?);
    cluster.remove_seeds()?;
    let all: Vec<Port> = (0..MEMBERS).collect();
    let (one, other) = all.split_at(MEMBERS / 2);

    let marks = cluster.marks();
    cluster.lab().cut(one, other, true);
    let bounds = Bounds::new(MEMBERS);
    let limit = bounds.detection_in_trouble();
    let stay = |it: &Cluster<'_>| {
        it.none_failed(&marks, one, one)?;
        it.none_failed(&marks, other, other)
    };
    let what = "each half sees the other as failed";
    let known = cluster.eventually_while(stay, what, limit, |it| {
        it.are_failed(one, other)?;
        it.are_failed(other, one)
    })?;
    figures.time("halves_failed", known);

    cluster.lab().cut(one, other, false);
    let healed = cluster
        .eventually("all are live for all", bounds.healing(), |it| it.are_live(&all, &all))?;
    figures.time("healed", healed);
    Ok(figures)
}
