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
//! Serf is an application on top of memberlist. What it adds, as far as a member needs it:
//!
//! - it announces its own protocol versions as those of the application, 2 to 5
//!   ([`SERF_VERSIONS`]);
//! - the metadata of a member are its tags ([`Tags`]);
//! - who joins or leaves says so in a message of Serf's ([`intent`]), stamped with a logical clock
//!   that everybody keeps ([`clock`]). Without it a member that leaves is taken for failed.
//!
//! It leaves on Ctrl-C. Serf's user events and queries are not part of this: they are ignored, and
//! not passed on, which Serf's agents do among themselves.
#![forbid(unsafe_code)]

mod clock;
mod intent;

use std::time::Duration;

use swim_tokio::{Cluster, Error, Event, Events, Member, Notice, Options, Tags, VersionRange};

use crate::clock::Clock;
use crate::intent::Intent;

/// What Serf's agents announce, from version 0.8 on at least.
const SERF_VERSIONS: VersionRange = VersionRange { min: 2, max: 5, current: 5 };

/// How long a goodbye may take to spread, and how long it goes round afterwards: as in Serf.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);
const LEAVE_PROPAGATION: Duration = Duration::from_secs(1);

/// So many members are sent an intent directly; they pass it on.
const TOLD_DIRECTLY: usize = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, bind, contact, tags @ ..] = &arguments[..] else {
        return Err("arguments: NAME BIND-ADDRESS CONTACT [TAG=VALUE]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse()?;
    options.config = options.config.memberlist();
    options.config.versions.application = SERF_VERSIONS;
    options.set_tags(&Tags::parse(tags)?)?;

    // From now on Ctrl-C does not end the program but asks it to leave, also while it joins.
    let stopped = tokio::spawn(tokio::signal::ctrl_c());
    let mut node = swim_tokio::start(options).await?;
    let cluster = node.cluster();
    let clock = Clock::default();
    let watching = tokio::spawn(watch(node.events(), clock.clone()));
    cluster.join([contact]).await?;
    // The answer to the join held the others' time.
    say(&cluster, Intent::Join, &clock).await?;

    stopped.await??;
    say(&cluster, Intent::Leave, &clock).await?;
    cluster.leave(LEAVE_TIME_MAX).await?;
    // It still answers those who have not heard of it yet.
    tokio::time::sleep(LEAVE_PROPAGATION).await;
    watching.abort();
    node.stop().await;
    println!("{name} left");
    Ok(())
}

/// Tells everybody, and some for certain: gossip is not.
async fn say(cluster: &Cluster, intent: Intent, clock: &Clock) -> Result<(), Error> {
    let message = intent.encode(cluster.local().name.as_str(), clock.next());
    for member in cluster.peers().into_iter().take(TOLD_DIRECTLY) {
        if let Err(error) = cluster.send_reliable(member.name.as_str(), message.clone()).await {
            eprintln!("{} was not told directly: {error}", member.name);
        }
    }
    cluster.broadcast(message).await
}

/// Prints who comes and goes, and keeps the clock.
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
        None => format!("with metadata that are no tags: {:?}", member.meta),
    }
}
