//! Commands that an agent answers at once.

use serde_json::{Map, Value, json};
use swim_agent::client::target;
use swim_tokio::Tags;

use super::arguments::{InfoArgs, JoinArgs, LeaveArgs, NameArgs, RttArgs, StatsArgs, TagsArgs};
use super::ask::{Asked, fatal, text_at};
use super::fit::{fit, width};
use super::template;
use crate::record::whole_millis;
use crate::table::Sheet;
use crate::{Fatal, text};

pub(super) async fn info(arguments: &InfoArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let info = asked.client.get("/v1/info").await.map_err(fatal)?;
    asked.print(&info, |info| {
        let mut rows = Vec::new();
        let mut row = |key: &str, value: String| rows.push((key.to_string(), value));
        for key in ["name", "address", "bind", "state"] {
            row(key, text::escape(text_at(info, key)));
        }
        row("incarnation", info["incarnation"].to_string());
        row("health", health(info));
        row("settled", if info["settled"] == json!(true) { "yes" } else { "no" }.into());
        let members = info["members"].as_object().into_iter().flatten();
        let members: Vec<String> = members
            .filter(|(_, count)| **count != json!(0))
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        row("members", members.join(", "));
        row("tags", template::tags(info));
        row("pid", info["pid"].to_string());
        for (key, value) in info["about"].as_object().into_iter().flatten() {
            row(&text::escape(key), text::escape(value.as_str().unwrap_or_default()));
        }
        table(&asked, ["agent", ""], rows)
    })
}

fn health(info: &Value) -> String {
    match info["health"].as_u64() {
        Some(0) => "0: healthy".into(),
        Some(score) => format!("{score}: slow or cut off, probes {} times slower", score + 1),
        None => String::new(),
    }
}

pub(super) async fn join(arguments: &JoinArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let body = json!({ "seeds": arguments.seeds });
    let joined = asked.client.post("/v1/join", &body).await.map_err(fatal)?;
    asked.print(&joined, |joined| {
        format!("{} answered: {} live members known", text_at(joined, "contact"), joined["members"])
    })
}

pub(super) async fn leave(arguments: &LeaveArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let body = json!({ "timeout_ms": whole_millis(arguments.timeout) });
    let left = asked.client.post("/v1/leave", &body).await.map_err(fatal)?;
    asked.print(&left, |left| text_at(left, "sentence").to_string())?;
    match text_at(&left, "departure") {
        "timed_out" => Err(Fatal::failure("the leave did not spread in time")),
        _ => Ok(()),
    }
}

pub(super) async fn tags(arguments: &TagsArgs) -> Result<(), Fatal> {
    let set = Tags::parse(&arguments.set).map_err(|error| Fatal::usage(error.to_string()))?;
    let asked = Asked::find(&arguments.agent)?;
    let set: Map<String, Value> = set.into_iter().map(|(key, value)| (key, value.into())).collect();
    let is_change = !set.is_empty() || !arguments.remove.is_empty();
    let answer = match (arguments.replace, is_change) {
        (true, _) => asked.client.put("/v1/tags", &json!({ "tags": set })).await,
        (false, true) => {
            let body = json!({ "set": set, "remove": arguments.remove });
            asked.client.put("/v1/tags", &body).await
        }
        (false, false) => asked.client.get("/v1/tags").await,
    };
    let answer = answer.map_err(fatal)?;
    asked.print(&answer, |answer| {
        if answer["tags"].is_null() {
            return "the metadata of this agent has no tags".into();
        }
        let tags = answer["tags"].as_object().into_iter().flatten();
        let rows = tags.map(|(key, value)| {
            (text::escape(key), text::escape(value.as_str().unwrap_or_default()))
        });
        table(&asked, ["tag", "value"], rows.collect())
    })
}

pub(super) async fn ping(arguments: &NameArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let target = target(&["v1", "ping", &arguments.name], &[]);
    let pong = asked.client.post(&target, &json!({})).await.map_err(fatal)?;
    asked.print(&pong, |pong| {
        format!(
            "{} answered after {} ms",
            text::escape(text_at(pong, "name")),
            pong["round_trip_ms"]
        )
    })
}

pub(super) async fn rtt(arguments: &RttArgs) -> Result<(), Fatal> {
    let NameArgs { agent, name } = &arguments.member;
    let asked = Asked::find(agent)?;
    let count = arguments.count.to_string();
    let target = target(&["v1", "rtt", name], &[("count", &count)]);
    let rtt = asked.client.get(&target).await.map_err(fatal)?;
    asked.print(&rtt, |rtt| {
        let name = text::escape(text_at(rtt, "name"));
        let [min, median, max] = ["min_ms", "median_ms", "max_ms"].map(|key| &rtt[key]);
        format!("{name}: min {min} ms, median {median} ms, max {max} ms, {} pings", rtt["pings"])
    })
}

pub(super) async fn stats(arguments: &StatsArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let stats = asked.client.get("/v1/stats").await.map_err(fatal)?;
    asked.print(&stats, |stats| {
        let (mut plain, mut of_kinds) = (Vec::new(), Vec::new());
        for (name, value) in stats.as_object().into_iter().flatten() {
            let name = name.replace('_', " ");
            let Some(kinds) = value.as_object() else {
                plain.push((name, value.to_string()));
                continue;
            };
            for (kind, count) in kinds {
                if arguments.all || *count != json!(0) {
                    of_kinds.push((format!("{name}: {kind}"), count.to_string()));
                }
            }
        }
        plain.append(&mut of_kinds);
        table(&asked, ["count", "value"], plain)
    })
}

pub(super) async fn forget(arguments: &NameArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let target = target(&["v1", "forget", &arguments.name], &[]);
    let done = asked.client.post(&target, &json!({})).await.map_err(fatal)?;
    asked.print(&done, |done| {
        format!("this agent no longer looks for {}", text::escape(text_at(done, "name")))
    })
}

/// A table of two columns.
fn table(asked: &Asked, headings: [&str; 2], rows: Vec<(String, String)>) -> String {
    let mut cells = vec![headings.map(String::from).to_vec()];
    cells.extend(rows.into_iter().map(|(key, value)| vec![key, value]));
    fit(&mut cells, width());
    let mut cells = cells.into_iter();
    let mut sheet = Sheet::new(asked.format.paint, cells.next().unwrap_or_default());
    cells.for_each(|row| sheet.row(row));
    sheet.render()
}
