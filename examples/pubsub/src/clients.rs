//! The clients of a node, their subscriptions, and their queues of lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_channel::{Receiver, Sender};

use crate::message::Topic;

/// Topics per client. Without a limit, a client could fill the memory.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 64;

/// Lines in a client's queue. They bound the memory that a client costs when it does not read.
pub(crate) const QUEUE_MAX: usize = 256;

/// Lines beyond these that only answers and gaps may use.
const NOTICES_MAX: usize = 64;

/// Identifies a client of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(u64);

/// A line, shared by all queues that hold it.
pub(crate) type Line = Arc<str>;

/// The clients of a node.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    clients: BTreeMap<ClientId, Client>,
    subscribers: BTreeMap<Topic, BTreeSet<ClientId>>,
    last_id: u64,
    /// How many clients were dropped because they did not read.
    pub(crate) slow: u64,
    /// How many messages were put into queues.
    pub(crate) delivered: u64,
}

#[derive(Debug)]
struct Client {
    queue: Sender<Line>,
    topics: BTreeSet<Topic>,
}

impl Clients {
    /// Adds a client, and returns the receiving end of its queue.
    pub(crate) fn add(&mut self) -> (ClientId, Receiver<Line>) {
        self.last_id += 1;
        let id = ClientId(self.last_id);
        // One more place, for the line that gives the reason when the client is dropped.
        let (queue, lines) = async_channel::bounded(QUEUE_MAX + NOTICES_MAX + 1);
        self.clients.insert(id, Client { queue, topics: BTreeSet::new() });
        (id, lines)
    }

    /// Removes a client after a last line. The lines in its queue are still written.
    pub(crate) fn end(&mut self, id: ClientId, last: Option<&str>) {
        let Some(client) = self.clients.remove(&id) else { return };
        for topic in &client.topics {
            self.remove_subscriber(topic, id);
        }
        if let Some(last) = last {
            // The queue has a place that only a last line uses.
            let _ = client.queue.try_send(last.into());
        }
        client.queue.close();
    }

    /// Removes all clients after a last line.
    pub(crate) fn end_all(&mut self, last: &str) {
        let ids: Vec<ClientId> = self.clients.keys().copied().collect();
        ids.into_iter().for_each(|id| self.end(id, Some(last)));
    }

    /// Subscribes a client. Subscribing twice changes nothing.
    pub(crate) fn subscribe(&mut self, id: ClientId, topic: Topic) -> Result<(), &'static str> {
        let client = self.clients.get_mut(&id).ok_or("this client is gone")?;
        if client.topics.len() >= SUBSCRIPTIONS_MAX && !client.topics.contains(&topic) {
            return Err("this client has 64 subscriptions, which is the limit: UNSUB from one");
        }
        client.topics.insert(topic.clone());
        self.subscribers.entry(topic).or_default().insert(id);
        Ok(())
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&mut self, id: ClientId, topic: &Topic) -> Result<(), &'static str> {
        let client = self.clients.get_mut(&id).ok_or("this client is gone")?;
        if !client.topics.remove(topic) {
            return Err("this client has no such subscription");
        }
        self.remove_subscriber(topic, id);
        Ok(())
    }

    /// Returns whether a client has a subscription, or is gone.
    pub(crate) fn listens(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_none_or(|client| !client.topics.is_empty())
    }

    /// Puts an answer into a client's queue. Returns false while the queue is full.
    pub(crate) fn answer(&mut self, id: ClientId, line: &Line) -> bool {
        let Some(client) = self.clients.get(&id) else { return true };
        client.queue.len() < QUEUE_MAX + NOTICES_MAX
            && client.queue.try_send(Arc::clone(line)).is_ok()
    }

    /// Returns whether every subscriber of a topic has room for a message.
    pub(crate) fn has_room(&self, topic: &Topic) -> bool {
        self.subscribers_of(topic).all(|(_, client)| client.queue.len() < QUEUE_MAX)
    }

    /// Puts a message into the queue of each subscriber of its topic. A client whose queue is full
    /// is dropped.
    pub(crate) fn deliver(&mut self, topic: &Topic, line: &Line) {
        let ids: Vec<ClientId> = self.subscribers_of(topic).map(|(id, _)| id).collect();
        for id in ids {
            self.delivered += u64::from(self.put(id, line, QUEUE_MAX));
        }
    }

    /// Puts a notice into the queue of each client that has a subscription.
    pub(crate) fn tell_subscribers(&mut self, line: &Line) {
        let subscribers = self.clients.iter().filter(|(_, client)| !client.topics.is_empty());
        let ids: Vec<ClientId> = subscribers.map(|(id, _)| *id).collect();
        for id in ids {
            self.put(id, line, QUEUE_MAX + NOTICES_MAX);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Returns the subscriptions of all clients together.
    pub(crate) fn subscriptions(&self) -> usize {
        self.clients.values().map(|client| client.topics.len()).sum()
    }

    /// Puts a line into a client's queue. If the queue is full, drops the client and returns false.
    fn put(&mut self, id: ClientId, line: &Line, max: usize) -> bool {
        let Some(client) = self.clients.get(&id) else { return false };
        let is_put = client.queue.len() < max && client.queue.try_send(Arc::clone(line)).is_ok();
        if !is_put {
            self.slow += 1;
            let last = "ERR this client is too slow: 256 lines wait for it, which is the limit";
            self.end(id, Some(last));
        }
        is_put
    }

    fn subscribers_of(&self, topic: &Topic) -> impl Iterator<Item = (ClientId, &Client)> {
        let ids = self.subscribers.get(topic).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.clients.get(id)?)))
    }

    fn remove_subscriber(&mut self, topic: &Topic, id: ClientId) {
        if let Some(ids) = self.subscribers.get_mut(topic) {
            ids.remove(&id);
            if ids.is_empty() {
                self.subscribers.remove(topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscribed(clients: &mut Clients, topic: &Topic) -> (ClientId, Receiver<Line>) {
        let (id, lines) = clients.add();
        clients.subscribe(id, topic.clone()).expect("there is room");
        (id, lines)
    }

    fn drained(lines: &Receiver<Line>) -> Vec<Line> {
        std::iter::from_fn(|| lines.try_recv().ok()).collect()
    }

    #[test]
    fn a_client_that_does_not_read_is_dropped_and_told_why() {
        let (mut clients, topic): (_, Topic) = (Clients::default(), "t".parse().unwrap());
        let (_, slow) = subscribed(&mut clients, &topic);
        let (_, other) = subscribed(&mut clients, &topic);
        for number in 0..QUEUE_MAX {
            assert!(clients.has_room(&topic));
            clients.deliver(&topic, &number.to_string().into());
        }
        assert_eq!(drained(&other).len(), QUEUE_MAX);
        assert!(!clients.has_room(&topic));
        clients.deliver(&topic, &"late".into());
        assert_eq!((clients.len(), clients.slow, clients.subscriptions()), (1, 1, 1));
        let lines = drained(&slow);
        assert_eq!(lines.len(), QUEUE_MAX + 1);
        assert!(lines[QUEUE_MAX].starts_with("ERR this client is too slow"));
        assert!(slow.is_closed());
        assert_eq!(drained(&other), ["late".into()]);
    }

    #[test]
    fn subscriptions_have_a_limit() {
        let mut clients = Clients::default();
        let (id, _lines) = clients.add();
        for number in 0..SUBSCRIPTIONS_MAX {
            clients.subscribe(id, number.to_string().parse().unwrap()).unwrap();
        }
        clients.subscribe(id, "0".parse().unwrap()).unwrap();
        assert!(clients.subscribe(id, "more".parse().unwrap()).is_err());
        clients.unsubscribe(id, &"0".parse().unwrap()).unwrap();
        assert!(clients.unsubscribe(id, &"0".parse().unwrap()).is_err());
        clients.subscribe(id, "more".parse().unwrap()).unwrap();
        assert!(clients.listens(id));
        clients.end_all("BYE");
        assert_eq!((clients.len(), clients.subscriptions()), (0, 0));
    }
}
