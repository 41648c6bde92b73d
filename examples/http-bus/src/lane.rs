//! Hands messages to one member.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event_listener::Event;
use serde_json::Value;

use crate::api::{ENVELOPE_TYPE, HAND_ON, TAKEN};
use crate::bus::Peer;
use crate::shared::{Shared, jittered};
use example_http::{Client, Reply};

/// Pause before a member that did not take a message is tried again: at first, and at most. With
/// longer pauses a member that is back waits for its messages; shorter ones load a slow member.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// Hands a member the messages that it is owed, in order, until the task is dropped. A request
/// carries all that wait, up to a limit. The connection is kept, so that a request takes one round
/// trip.
pub(crate) async fn serve(shared: Arc<Shared>, peer: Peer, address: SocketAddr, wake: Arc<Event>) {
    let runtime = shared.runtime.clone();
    let mut client = Client::new(runtime.clone(), address, shared.settings.client.clone());
    let mut pause = PAUSE_MIN;
    loop {
        let woken = wake.listen();
        let now = runtime.now();
        let Some(offer) = shared.look(|bus| bus.next_offer(now, &peer)) else {
            shared.progress.notify(usize::MAX);
            woken.await;
            continue;
        };
        let reply = client.post(HAND_ON, ENVELOPE_TYPE, offer.body).await;
        let taken = reply.map_or(0, |reply| taken(&reply)).min(offer.numbers.len());
        let (taken, refused) = offer.numbers.split_at(taken);
        shared.look(|bus| taken.iter().for_each(|number| bus.handed_on(&peer, *number)));
        shared.progress.notify(usize::MAX);
        if refused.is_empty() {
            pause = PAUSE_MIN;
        } else {
            shared.change(|bus, _| bus.failed(&peer, refused));
            runtime.sleep(jittered(&runtime, pause)).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
    }
}

/// Returns how many of the messages, counted from the first, the member now holds.
fn taken(reply: &Reply) -> usize {
    let told: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let taken = told.and_then(|told| told.get(TAKEN)?.as_u64()).unwrap_or(0);
    usize::try_from(taken).unwrap_or(usize::MAX)
}
