//! The requests that the node answers.

use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use swim_tokio::{Cluster, CommandError, Departure, Error, Member, State, Stats, Tags};

use crate::api::Api;
use crate::filter::{MemberFilter, unknown};
use crate::limits::PINGS_MAX;
use crate::members;
use crate::problem::Problem;

/// How long a leave may take if the client says nothing.
const LEAVE_TIME_DEFAULT: Duration = Duration::from_secs(5);

type Parameters = [(String, String)];

/// The members that a filter takes, as JSON.
///
/// On a blocking thread: a large list takes milliseconds, which the node's thread does not have.
pub(crate) async fn members(api: &Api, parameters: &Parameters) -> Result<Bytes, Problem> {
    let filter = MemberFilter::parse(parameters)?;
    // Nobody closes it.
    let _turn = api.listings.acquire().await;
    let cluster = api.cluster.clone();
    let listing = move || {
        let own_name = cluster.local().name;
        let members: Vec<Value> = cluster
            .members()
            .iter()
            .filter(|member| filter.takes(member))
            .map(|member| members::member(member, own_name.as_str()))
            .collect();
        json!({ "count": members.len(), "members": members }).to_string()
    };
    let listed = tokio::task::spawn_blocking(listing).await;
    listed.map(Bytes::from).map_err(|_| Problem::of(&Error::Stopped, ""))
}

/// One member.
pub(crate) fn member(api: &Api, name: &str) -> Result<Value, Problem> {
    let member = api.cluster.member(name).ok_or_else(|| Problem::unknown_member(name))?;
    Ok(members::member(&member, api.cluster.local().name.as_str()))
}

/// This node, and how many members it knows.
pub(crate) async fn info(api: &Api) -> Result<Value, Problem> {
    let cluster = &api.cluster;
    // Nobody closes it.
    let turn = api.listings.acquire().await;
    let by_state = by_state(cluster).await?;
    drop(turn);
    let local = cluster.local();
    let mut info = match members::member(&local, local.name.as_str()) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    info.insert("bind".into(), cluster.local_address().to_string().into());
    info.insert("health".into(), cluster.health().into());
    info.insert("settled".into(), cluster.settled().into());
    let count = |(state, count): (State, usize)| (state.as_str().to_string(), Value::from(count));
    info.insert("members".into(), Value::Object(by_state.into_iter().map(count).collect()));
    info.insert("pid".into(), std::process::id().into());
    let about = api.about.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    info.insert("about".into(), Value::Object(about.collect()));
    Ok(Value::Object(info))
}

/// How many members are in each state. On a blocking thread, as it copies the whole list.
pub(crate) async fn by_state(cluster: &Cluster) -> Result<[(State, usize); 4], Problem> {
    let cluster = cluster.clone();
    let counting = move || {
        let members = cluster.members();
        [State::Alive, State::Suspect, State::Failed, State::Left]
            .map(|state| (state, members.iter().filter(|member| member.state == state).count()))
    };
    let counted = tokio::task::spawn_blocking(counting).await;
    counted.map_err(|_| Problem::of(&Error::Stopped, ""))
}

/// Joins through any of `seeds`.
pub(crate) async fn join(api: &Api, body: &Value) -> Result<Value, Problem> {
    keys_are(body, &["seeds"])?;
    let seeds = texts(body, "seeds")?.ok_or_else(|| {
        Problem::bad_request("the body lacks seeds: {\"seeds\": [\"10.0.0.1:7946\"]}")
    })?;
    let joined = api.cluster.join(&seeds).await.map_err(|error| Problem::of(&error, ""))?;
    Ok(json!({ "contact": joined.contact.to_string(), "members": joined.members }))
}

/// Leaves the cluster. The program decides whether it ends.
pub(crate) async fn leave(api: &Api, body: &Value) -> Result<Value, Problem> {
    keys_are(body, &["timeout_ms"])?;
    let time_max = match &body["timeout_ms"] {
        Value::Null => LEAVE_TIME_DEFAULT,
        value => value.as_u64().map(Duration::from_millis).ok_or_else(|| {
            Problem::bad_request("timeout_ms must be a whole number of milliseconds")
        })?,
    };
    let result = api.cluster.leave(time_max).await;
    // Also where nobody heard it: the node has left all the same.
    if !matches!(result, Err(Error::Stopped | Error::Command(_))) {
        api.left.send_replace(true);
    }
    let departure = result.map_err(|error| Problem::of(&error, ""))?;
    let word = match departure {
        Departure::Left => "left",
        Departure::NobodyToTell => "nobody_to_tell",
        _ => "timed_out",
    };
    Ok(json!({ "departure": word, "sentence": departure.to_string() }))
}

/// The tags of this node; null if its metadata has another form.
pub(crate) fn tags(api: &Api) -> Value {
    shown(&api.cluster.local())
}

fn shown(local: &Member) -> Value {
    let tags = match (local.meta.is_empty(), Tags::of(local)) {
        (true, _) => Some(Tags::new()),
        (false, tags) => tags,
    };
    json!({ "tags": tags.as_ref().map(members::tags_of) })
}

/// Replaces all tags (`tags`), or sets some and removes some (`set`, `remove`).
pub(crate) async fn set_tags(api: &Api, body: &Value) -> Result<Value, Problem> {
    keys_are(body, &["tags", "set", "remove"])?;
    let (all, set, remove) = (pairs(body, "tags")?, pairs(body, "set")?, texts(body, "remove")?);
    let is_change = set.is_some() || remove.is_some();
    if all.is_some() == is_change {
        return Err(Problem::bad_request(
            "the body has either tags, which replace all, or set and remove: \
             {\"set\": {\"role\": \"db\"}, \"remove\": [\"zone\"]}",
        ));
    }
    let _turn = api.tags.lock().await;
    let local = api.cluster.local();
    let tags = match all {
        Some(tags) => tags,
        None => {
            let mut tags = Tags::of(&local).unwrap_or_default();
            if tags.is_empty() && local.meta.len() > EMPTY_TAGS_SIZE {
                return Err(Problem::new(
                    hyper::StatusCode::CONFLICT,
                    "no tags",
                    "this node's metadata is not in the form of tags: replace it by all tags",
                ));
            }
            for (key, value) in set.unwrap_or_default() {
                tags.insert(key, value);
            }
            for key in remove.unwrap_or_default() {
                tags.remove(&key);
            }
            tags
        }
    };
    api.cluster.set_tags(&tags).await.map_err(|error| Problem::of(&error, ""))?;
    Ok(json!({ "tags": members::tags_of(&tags) }))
}

/// Metadata of no tags: a magic byte and an empty map.
const EMPTY_TAGS_SIZE: usize = 2;

/// Pings a member once.
pub(crate) async fn ping(api: &Api, name: &str) -> Result<Value, Problem> {
    let pong = api.cluster.ping(name).await.map_err(|error| Problem::of(&error, name))?;
    Ok(json!({ "name": name, "round_trip_ms": millis(pong.round_trip) }))
}

/// Measures the round trip to a member by some pings, one after the other.
pub(crate) async fn rtt(api: &Api, name: &str, parameters: &Parameters) -> Result<Value, Problem> {
    let mut count = 3;
    for (key, value) in parameters {
        if key != "count" {
            return Err(unknown(key, "count"));
        }
        let number = value.parse().ok().filter(|number| (1..=PINGS_MAX).contains(number));
        count = number.ok_or_else(|| {
            Problem::bad_request(format!("count must be a number from 1 to {PINGS_MAX}"))
        })?;
    }
    let mut times = Vec::new();
    for _ in 0..count {
        let pong = api.cluster.ping(name).await.map_err(|error| Problem::of(&error, name))?;
        times.push(pong.round_trip);
    }
    times.sort();
    let (Some(min), Some(max)) = (times.first(), times.last()) else {
        return Err(Problem::unknown_member(name));
    };
    Ok(json!({
        "name": name,
        "pings": times.len(),
        "min_ms": millis(*min),
        "median_ms": millis(times[times.len() / 2]),
        "max_ms": millis(*max),
    }))
}

/// The node's counters.
pub(crate) async fn stats(api: &Api) -> Result<Value, Problem> {
    let stats = api.cluster.stats().await.map_err(|error| Problem::of(&error, ""))?;
    Ok(counted(&stats))
}

/// Plain counters by name; those with a label as objects.
fn counted(stats: &Stats) -> Value {
    let mut all = Map::new();
    for counter in stats.counters() {
        match counter.label {
            None => {
                all.insert(counter.name.into(), counter.value.into());
            }
            Some((_, label)) => {
                let group = all.entry(counter.name).or_insert_with(|| json!({}));
                if let Value::Object(group) = group {
                    group.insert(label.into(), counter.value.into());
                }
            }
        }
    }
    Value::Object(all)
}

/// Stops looking for a member that failed or left.
pub(crate) async fn forget(api: &Api, name: &str) -> Result<Value, Problem> {
    match api.cluster.forget(name).await {
        Ok(()) => Ok(json!({ "name": name })),
        Err(Error::Command(CommandError::UnknownMember)) => Err(Problem::new(
            hyper::StatusCode::NOT_FOUND,
            "unknown member",
            format!("this node remembers no member named {name:?}: nothing is to be done"),
        )),
        Err(error) => Err(Problem::of(&error, name)),
    }
}

/// A round trip in milliseconds and thousandths.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A key that is misspelt would be ignored.
fn keys_are(body: &Value, known: &[&str]) -> Result<(), Problem> {
    let keys = body.as_object().into_iter().flat_map(Map::keys);
    match keys.into_iter().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Problem::bad_request(format!(
            "the body has an unknown key {key:?}; known are {}",
            known.join(", ")
        ))),
    }
}

fn texts(body: &Value, key: &str) -> Result<Option<Vec<String>>, Problem> {
    let wrong = || Problem::bad_request(format!("{key} must be a list of texts"));
    match &body[key] {
        Value::Null => Ok(None),
        Value::Array(list) => {
            let texts = list.iter().map(|it| it.as_str().map(String::from).ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        _ => Err(wrong()),
    }
}

fn pairs(body: &Value, key: &str) -> Result<Option<Tags>, Problem> {
    let wrong = || Problem::bad_request(format!("{key} must be an object with texts as values"));
    match &body[key] {
        Value::Null => Ok(None),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| {
                value.as_str().map(|value| (key.clone(), value.to_string())).ok_or_else(wrong)
            };
            map.iter().map(pair).collect::<Result<Tags, _>>().map(Some)
        }
        _ => Err(wrong()),
    }
}
