//! Links that carry packets in one direction only.

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
    about: "5 members; packets from one member to another are dropped, all else passes",
    oracle: "relays keep both: each of the two reports that datagrams to the other are blocked; no \
             member is declared failed for the longest suspicion plus 15 s",
    run: pair,
};

pub(crate) const DEAF: Case = Case {
    name: "one-way-deaf",
    about: "5 members without seeds; one sends but receives nothing, then receives again",
    oracle: "its peers declare it failed within the bound, and no other member; once it receives \
             again, all are live for all within the bound, without a join",
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
    let bounds = Bounds::new(MEMBERS);
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, &all, &all);
    let what = "the two report blocked datagrams to each other";
    let told = cluster.eventually_while(stay, what, bounds.detection(), |it| {
        it.is_told_of_blocked_datagrams(1, 2)?;
        it.is_told_of_blocked_datagrams(2, 1)
    })?;
    figures.time("told", told);
    let calm = bounds.suspicion() + Duration::from_secs(15);
    cluster.throughout(calm.saturating_sub(told), stay)?;
    let suspected = |&observer: &Port| cluster.suspicions(&marks, observer);
    figures.count("suspicions", all.iter().map(suspected).sum());
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
    let stay = |it: &Cluster<'_>| it.none_failed(&marks, others, others);
    let what = "its peers see the deaf member as failed";
    let known = cluster.eventually_while(stay, what, limit, |it| it.are_failed(others, &[deaf]))?;
    figures.time("deaf_one_failed", known);
    hears(true);
    let healed = cluster
        .eventually("all are live for all", bounds.healing(), |it| it.are_live(&all, &all))?;
    figures.time("back", healed);
    Ok(figures)
}
