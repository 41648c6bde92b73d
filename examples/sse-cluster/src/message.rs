//! Published events, and the channels and clients that they are for.

use serde::{Deserialize, Serialize};

/// The longest name of a channel or client, in bytes: names are kept with every event.
pub const NAME_MAX: usize = 256;

/// An event, as it is published and as it travels between nodes.
///
/// ```
/// use sse_cluster::Message;
///
/// let message: Message = serde_json::from_str(r#"{"event": "ping", "data": {"at": 7}}"#)?;
/// assert_eq!(message.event, "ping");
/// assert_eq!(message.text(), r#"{"at":7}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// The publisher's identifier; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The kind, which selects a browser's listeners; empty for `message`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub event: String,
    /// The content: a text, or any other JSON, which is sent as it is.
    pub data: serde_json::Value,
    /// How long a client should wait before it connects again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<u64>,
}

impl Message {
    /// Returns the content as text.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.data {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    /// Checks whether the event can be published.
    ///
    /// # Errors
    ///
    /// The reason, for the publisher.
    pub fn check(&self) -> Result<(), String> {
        for (field, text) in [("id", &self.id), ("event", &self.event)] {
            if text.len() > NAME_MAX {
                return Err(format!("{field} has {} bytes, the limit is {NAME_MAX}", text.len()));
            }
            // A line break would start another field of the stream, and a NUL makes browsers ignore
            // an id.
            if text.contains(['\r', '\n', '\0']) {
                return Err(format!("{field} contains a line break or a NUL"));
            }
        }
        if self.id.contains('@') {
            return Err("id contains an @, which separates it from the position".to_owned());
        }
        Ok(())
    }
}

/// The receivers of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The channel; `None` for all channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The client of that channel; `None` for all its clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl Target {
    /// Returns whether a client of a channel is a receiver.
    #[must_use]
    pub fn includes(&self, channel: &str, client: &str) -> bool {
        self.channel.as_deref().is_none_or(|it| it == channel)
            && self.client.as_deref().is_none_or(|it| it == client)
    }
}
