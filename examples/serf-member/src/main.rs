//! A member of a cluster of [Serf](https://github.com/hashicorp/serf) agents, in Rust.
//!
//! ```console
//! $ serf agent -node=one -bind=127.0.0.1:7946 &
//! $ cargo run -p serf-member -- two 127.0.0.2:7946 127.0.0.1:7946 role=cache zone=a
//! $ serf members
//! one  127.0.0.1:7946  alive
//! two  127.0.0.2:7946  alive  role=cache,zone=a
//! ```
//!
//! Serf is an application on top of memberlist. A member needs these parts of it:
//!
//! - It announces Serf's protocol versions, 2 to 5, as its application versions
//!   ([`SERF_VERSIONS`]).
//! - The metadata of a member holds its tags ([`Tags`]).
//! - A member that joins or leaves sends a message of Serf ([`intent`]), stamped with a logical
//!   clock that all members keep ([`clock`]). Without it, Serf declares a departed member failed.
//!
//! The program leaves on Ctrl-C. It ignores Serf's user events and queries, and does not pass them
//! on; Serf agents pass them on among themselves.
#![forbid(unsafe_code)]

mod clock;
mod intent;

use std::time::Duration;

use swim_tokio::{Cluster, Error, Event, Events, Member, Notice, Options, Tags, VersionRange};

use crate::clock::Clock;
use crate::intent::Intent;

/// The versions that Serf agents announce, at least from version 0.8 on.
const SERF_VERSIONS: VersionRange = VersionRange { min: 2, max: 5, current: 5 };

/// How long a leave may take to spread, and how long the node stays afterwards: as in Serf.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);
const LEAVE_PROPAGATION: Duration = Duration::from_secs(1);

/// How many members get an intent directly; they pass it on.
const TOLD_DIRECTLY: usize = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, bind, contact, tags @ ..] = &arguments[..] else {
        return Err("usage: serf-member NAME BIND-ADDRESS CONTACT [TAG=VALUE]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse()?;
    options.config = options.config.memberlist();
    options.config.versions.application = SERF_VERSIONS;
    options.set_tags(&Tags::parse(tags)?)?;

    // From now on Ctrl-C asks the program to leave, also while it joins.
    let stopped = tokio::spawn(tokio::signal::ctrl_c());
    let mut node = swim_tokio::start(options).await?;
    let cluster = node.cluster();
    let clock = Clock::default();
    let watching = tokio::spawn(watch(node.events(), clock.clone()));
    cluster.join([contact]).await?;
    // The answer to the join had the cluster's time.
    say(&cluster, Intent::Join, &clock).await?;

    stopped.await??;
    say(&cluster, Intent::Leave, &clock).await?;
    cluster.leave(LEAVE_TIME_MAX).await?;
    // The node still answers peers that do not know of its leave yet.
    tokio::time::sleep(LEAVE_PROPAGATION).await;
    watching.abort();
    node.stop().await;
    println!("{name} left");
    Ok(())
}

/// Sends an intent to all members by gossip, and to some reliably, since gossip may be lost.
async fn say(cluster: &Cluster, intent: Intent, clock: &Clock) -> Result<(), Error> {
    let message = intent.encode(cluster.local().name.as_str(), clock.next());
    for member in cluster.peers().into_iter().take(TOLD_DIRECTLY) {
        if let Err(error) = cluster.send_reliable(member.name.as_str(), message.clone()).await {
            eprintln!("cannot send an intent to {}: {error}", member.name);
        }
    }
    cluster.broadcast(message).await
}

/// Prints members that come and go, and keeps the clock.
async fn watch(mut events: Events, clock: Clock) {
    while let Some(notice) = events.next().await {
        match notice {
            Notice::Event(Event::Joined { member, .. }) => {
                println!("{} joined {}", member.name, tags(&member));
            }
            Notice::Event(Event::Updated { member, .. }) => {
                println!("{} changed {}", member.name, tags(&member));
            }
            Notice::Event(Event::Failed { member, .. }) => println!("{} failed", member.name),
            Notice::Event(Event::Left { member, .. }) => println!("{} left", member.name),
            Notice::Event(Event::UserState { state, .. }) => clock.hear(&state),
            Notice::Event(Event::Message { payload, .. }) => clock.hear(&payload),
            _ => {}
        }
    }
}

fn tags(member: &Member) -> String {
    match Tags::of(member) {
        Some(tags) => tags.to_string(),
        None => format!("with metadata other than tags: {:?}", member.meta),
    }
}
