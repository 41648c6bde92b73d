//! `swim members`.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::Value;
use swim_agent::client::target;
use swim_tokio::State;

use super::arguments::MembersArgs;
use super::ask::{Asked, fatal, say, text_at};
use super::fit::{fit, width};
use super::template::{Template, tags};
use crate::record::printable;
use crate::style::{Tone, state_tone};
use crate::table::{Sheet, toned};
use crate::{Fatal, text};

/// How much metadata that is no tags is shown.
const META_SHOWN_MAX: usize = 60;

/// How long changes are gathered before the list is printed again.
const GATHER_TIME: Duration = Duration::from_millis(200);

/// How often the list is looked at without an event: an agent's own changes have none.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The events after which the list is another one.
const CHANGES: &str = "joined,updated,suspected,refuted,failed,left,unlisted";

/// Clears the screen.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub(super) async fn run(arguments: &MembersArgs) -> Result<(), Fatal> {
    let template = arguments.format.as_deref().map(Template::parse).transpose();
    let template = template.map_err(Fatal::usage)?;
    let asked = Asked::find(&arguments.agent)?;
    let mut query = Vec::new();
    let state = arguments.state.join(",");
    query.extend(arguments.name.as_deref().map(|name| ("name", name)));
    query.extend((!state.is_empty()).then_some(("state", state.as_str())));
    query.extend(arguments.tag.iter().map(|tag| ("tag", tag.as_str())));
    let target = target(&["v1", "members"], &query);
    let list = async || {
        let answer = asked.client.get(&target).await.map_err(fatal)?;
        let members = answer["members"].as_array().cloned().unwrap_or_default();
        Ok::<_, Fatal>(shown(&asked, &members, template.as_ref(), arguments.detailed))
    };
    let mut last = list().await?;
    if !arguments.watch {
        return if last.is_empty() { Ok(()) } else { say(&last) };
    }
    let is_terminal = std::io::stdout().is_terminal();
    loop {
        match is_terminal {
            true => say(&format!("{CLEAR}{last}"))?,
            false => say(&format!("{last}\n"))?,
        }
        let before = std::mem::take(&mut last);
        let mut events = asked.client.events(&[("kind", CHANGES)]).await.map_err(fatal)?;
        loop {
            last = list().await?;
            if last != before {
                break;
            }
            // The end of the stream shows when the agent is asked again.
            let _ = tokio::time::timeout(LOOK_AGAIN, events.next()).await;
            tokio::time::sleep(GATHER_TIME).await;
        }
    }
}

/// The list, without the last line break.
fn shown(
    asked: &Asked,
    members: &[Value],
    template: Option<&Template>,
    is_detailed: bool,
) -> String {
    let lines = |line: &dyn Fn(&Value) -> String| {
        members.iter().map(line).collect::<Vec<String>>().join("\n")
    };
    if asked.format.json {
        return lines(&|member| printable(&member.to_string()));
    }
    if let Some(template) = template {
        return lines(&|member| template.render(member));
    }
    let mut rows = vec![["name", "address", "state"].map(String::from).to_vec()];
    if is_detailed {
        rows[0].extend(["incarnation", "protocol", "application"].map(String::from));
    }
    rows[0].push("tags or meta".into());
    rows.extend(members.iter().map(|member| row(member, is_detailed)));
    fit(&mut rows, width());
    let mut rows = rows.into_iter();
    let mut sheet = Sheet::new(asked.format.paint, rows.next().unwrap_or_default());
    for mut row in rows {
        row[2] = toned(tone(&row[2]), &row[2]);
        sheet.row(row);
    }
    sheet.render()
}

fn row(member: &Value, is_detailed: bool) -> Vec<String> {
    let mut row = vec![
        text::escape(text_at(member, "name")),
        text_at(member, "address").to_string(),
        text_at(member, "state").to_string(),
    ];
    if is_detailed {
        let range = |of: &str| {
            let range = &member["versions"][of];
            format!("{} ({}-{})", range["current"], range["min"], range["max"])
        };
        row.extend([member["incarnation"].to_string(), range("protocol"), range("application")]);
    }
    row.push(metadata(member));
    row
}

/// Tags as they are written, anything else quoted.
fn metadata(member: &Value) -> String {
    let (meta, hex) = (text_at(member, "meta"), text_at(member, "meta_hex"));
    match (member["tags"].is_object(), meta.is_empty(), hex.is_empty()) {
        (true, _, _) => tags(member),
        (_, false, _) => text::bytes_up_to(meta.as_bytes(), META_SHOWN_MAX),
        (_, _, false) => format!("0x{}", hex.get(..META_SHOWN_MAX).unwrap_or(hex)),
        _ => String::new(),
    }
}

fn tone(state: &str) -> Tone {
    [State::Alive, State::Suspect, State::Failed, State::Left]
        .into_iter()
        .find(|known| known.as_str() == state)
        .map_or(Tone::Plain, state_tone)
}
