//! `swim monitor`.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use swim_agent::client::{ClientError, EventReader};

use super::arguments::MonitorArgs;
use super::ask::{Asked, fatal, say, text_at};
use crate::record::printable;
use crate::style::Tone;
use crate::{Fatal, text, warn};

/// How long to wait before an agent that is gone is asked again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The width of the word that names an event.
const WORD_WIDTH: usize = 10;

pub(super) async fn run(arguments: &MonitorArgs) -> Result<(), Fatal> {
    let asked = Asked::find(&arguments.agent)?;
    let kinds = arguments.kind.join(",");
    let mut query = Vec::new();
    query.extend((!kinds.is_empty()).then_some(("kind", kinds.as_str())));
    query.extend(arguments.name.as_deref().map(|name| ("name", name)));
    let mut left = arguments.count;
    let mut events = asked.client.events(&query).await.map_err(fatal)?;
    loop {
        let Some(error) = follow(&asked, &mut events, &mut left).await? else {
            return Ok(());
        };
        warn(&format!("{error}; trying again until the agent answers"));
        events = loop {
            tokio::time::sleep(TRY_AGAIN).await;
            match asked.client.events(&query).await {
                Ok(events) => break events,
                Err(error @ ClientError::Refused { .. }) => return Err(fatal(error)),
                Err(_) => {}
            }
        };
    }
}

/// Prints events until enough were printed; otherwise returns why the stream ended.
async fn follow(
    asked: &Asked,
    events: &mut EventReader,
    left: &mut Option<u64>,
) -> Result<Option<String>, Fatal> {
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(Some("the agent ended".into())),
            Err(error) => return Ok(Some(error.to_string())),
        };
        say(&shown(asked, &event))?;
        if text_at(&event, "event") == "subscribed" {
            continue;
        }
        if let Some(left) = left {
            *left -= 1;
            if *left == 0 {
                return Ok(None);
            }
        }
    }
}

fn shown(asked: &Asked, event: &Value) -> String {
    if asked.format.json {
        return printable(&event.to_string());
    }
    let kind = text_at(event, "event");
    let sentence = match kind {
        "subscribed" => {
            let members = event["members"].as_u64().unwrap_or_default();
            let members = text::count(usize::try_from(members).unwrap_or(usize::MAX), "member");
            format!("following {}, which lists {members}", text::escape(text_at(event, "node")))
        }
        "lagged" => format!("{} events were lost: this reader is too slow", event["missed"]),
        // Made by the agent, which escaped what comes from peers.
        _ => text_at(event, "sentence").to_string(),
    };
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let paint = asked.format.paint;
    let word = paint.text(tone(kind), format!("{kind:<WORD_WIDTH$}"));
    format!("{} {word} {sentence}", paint.dim(time))
}

fn tone(kind: &str) -> Tone {
    match kind {
        "joined" | "refuted" | "heard_again" => Tone::Good,
        "left" | "unlisted" | "subscribed" => Tone::Quiet,
        "failed" | "name_taken" | "name_conflict" | "address_unreachable" => Tone::Bad,
        "updated" | "message" | "broadcast" | "user_state" | "ack_payload" => Tone::Plain,
        _ => Tone::Warning,
    }
}
