//! Links that carry packets in one direction alone.

use std::time::Duration;

use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::cases::Case;
use crate::cluster::Cluster;
use crate::figures::Figures;
use crate::setup::Setup;
use crate::switch::Port;

pub(crate) const PAIR: Case = Case {
    name: "one-way-pair",
    about: "5 members; nothing goes from one to another, all else does",
    oracle: "relays keep both: nobody is declared failed for the longest suspicion and 15 s more",
    run: pair,
};

pub(crate) const DEAF: Case = Case {
    name: "one-way-deaf",
    about: "5 members, no seeds any more; one sends and receives nothing, then receives again",
    oracle: "the others hold it for failed within the bound, and none of themselves; when it hears \
             again all are live for all within the bound, without a join",
    run: deaf,
};

const MEMBERS: usize = 5;

fn form<'a>(case: &'static str, setup: &'a Setup) -> Result<(Cluster<'a>, Figures), Broken> {
    let mut figures = Figures::default();
    let mut cluster = Cluster::new(case, setup, MEMBERS)?;
    cluster.lab().switch().change_all(|link| link.delay = Duration::from_millis(5));
    figures.time("formed", cluster.form(MEMBERS, &[])?);
    cluster.remove_seeds()?;
    Ok((cluster, figures))
}

fn pair(setup: &Setup) -> Result<Figures, Broken> {
    let (cluster, mut figures) = form("one-way-pair", setup)?;
    let all: Vec<Port> = (0..MEMBERS).collect();
    let marks = cluster.marks();
    cluster.lab().switch().change(1, 2, |link| link.cut = true);
    let calm = Bounds::new(MEMBERS).suspicion() + Duration::from_secs(15);
    cluster.throughout(calm, |it| it.none_failed(&marks, &all, &all))?;
    figures.time("nobody_failed_for", calm);
    Ok(figures)
}

fn deaf(setup: &Setup) -> Result<Figures, Broken> {
    let (cluster, mut figures) = form("one-way-deaf", setup)?;
    let all: Vec<Port> = (0..MEMBERS).collect();
    let (deaf, others) = (MEMBERS - 1, &all[..MEMBERS - 1]);
    let hears = |hears: bool| {
        let mut switch = cluster.lab().switch();
        others.iter().for_each(|&from| switch.change(from, deaf, |link| link.cut = !hears));
    };
    let marks = cluster.marks();
    hears(false);
    let bounds = Bounds::new(MEMBERS);
    let limit = bounds.detection_in_trouble();
    let known = cluster.eventually("the others hold the deaf one for failed", limit, |it| {
        it.none_failed(&marks, others, others)?;
        it.are_failed(others, &[deaf])
    })?;
    figures.time("deaf_one_failed", known);
    cluster.none_failed(&marks, others, others)?;
    hears(true);
    let healed = cluster
        .eventually("all are live for all", bounds.healing(), |it| it.are_live(&all, &all))?;
    figures.time("back", healed);
    Ok(figures)
}
