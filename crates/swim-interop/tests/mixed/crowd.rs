//! A larger cluster of both sides that is watched for a while.

use std::time::{Duration, Instant};

use swim_interop::{LIMIT, Peer, within};

use crate::Check;
use crate::group::{Group, Marks};
use crate::scene::{Scene, Side};

pub(crate) const CHECKS: &[Check] = &[("a_crowd_keeps_its_peace", a_crowd_keeps_its_peace)];

/// The number of members of each side, and the seconds to watch them.
const DEFAULT: &str = "4x15";

/// With production timing, no member is ever declared failed, and none complains.
fn a_crowd_keeps_its_peace(scene: &Scene) {
    let size = std::env::var("SWIM_INTEROP_CROWD").unwrap_or_else(|_| DEFAULT.into());
    let (each, seconds) = size.split_once('x').expect("SWIM_INTEROP_CROWD is like 20x300");
    let each: usize = each.parse().expect("how many of each side");
    let time = Duration::from_secs(seconds.parse().expect("how many seconds"));

    let started = Instant::now();
    let mut group = form(scene, each);
    println!("{} members all know each other after {:?}", 2 * each, started.elapsed());
    let formed = Instant::now();
    within(time + Duration::from_secs(60), "the time is over", || {
        group.assert_nobody_gone(&Marks::default());
        let left = time.saturating_sub(formed.elapsed());
        if left.is_zero() { Ok(()) } else { Err(format!("{left:?} to go")) }
    });
    group.agree();
    group.assert_nobody_gone(&Marks::default());
    group.assert_silent();
    let suspicions: usize =
        group.0.iter().map(|peer| peer.lines.all(0, |line| line.is("suspected")).len()).sum();
    let view = group.0[0].view();
    let refutations = view.names().filter(|name| name.starts_with('g')).filter(|name| {
        // A memberlist member that was never suspected is still at its first incarnation.
        view.of(name).is_some_and(|seen| seen.incarnation > 1)
    });
    println!(
        "{} members for {time:?}: nobody was taken for failed, no complaint; members that run this \
         library told of {suspicions} suspicions, and {} members of memberlist refuted one",
        2 * each,
        refutations.count(),
    );
}

/// Time for a push/pull with a member that gossip missed.
///
/// memberlist does one a minute for 33 to 64 members.
const EXCHANGES: Duration = Duration::from_secs(120);

/// Each joins the first member of the other side.
///
/// They join one at a time: many joins at once would test the machine.
fn form(scene: &Scene, each: usize) -> Group {
    let mut group = Group(Vec::new());
    for number in 1..=each {
        for side in Side::BOTH {
            let mut settings = scene.settings_of_profile(side, number);
            settings.profile = "lan";
            let mut peer = Peer::start(settings);
            let contact = group.0.iter().find(|peer| peer.name() == side.other().name(1));
            if let Some(contact) = contact {
                peer.join(contact.address());
            }
            group.0.push(peer);
        }
    }
    group.agree_within(LIMIT + EXCHANGES);
    group
}
