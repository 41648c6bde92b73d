//! The commands on standard input.

use std::time::Duration;

use base16ct::lower::encode_string as hex;
use serde_json::{Value, json};
use swim_tokio::{Cluster, Departure};

use crate::{lines, wire};

/// For commands that wait until something is spread. It only ends a wait in a cluster that is
/// broken, so it is long.
const TIME_MAX: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Command(Value);

impl Command {
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map(Command).map_err(|error| error.to_string())
    }

    pub(crate) fn id(&self) -> u64 {
        self.0["id"].as_u64().unwrap_or_default()
    }

    pub(crate) fn is(&self, what: &str) -> bool {
        self.text("do") == what
    }

    /// Carries it out, and gives what its answer says.
    pub(crate) async fn run(&self, cluster: &Cluster) -> Result<Value, String> {
        match self.text("do") {
            what @ ("install_key" | "use_key" | "remove_key" | "keys") => {
                let key = lines::from_hex(self.text("key"))?;
                let keys = wire::change_keys(cluster, what, &key).await?;
                let keys: Vec<_> = keys.iter().map(|key| hex(key)).collect();
                Ok(json!({ "keys": keys }))
            }
            "members" => Ok(lines::members(&cluster.members())),
            "health" => Ok(json!({ "health": cluster.health() })),
            "join" => self.join(cluster).await,
            "meta" | "send" | "send_reliable" | "broadcast" | "user_state" => {
                self.send(cluster).await
            }
            "leave" => match cluster.leave(TIME_MAX).await {
                Ok(Departure::TimedOut) => Err(Departure::TimedOut.to_string()),
                left => told(left.map(drop), json!({})),
            },
            "ping" => {
                let pong =
                    cluster.ping(self.text("to")).await.map_err(|error| error.to_string())?;
                let micros = u64::try_from(pong.round_trip.as_micros()).unwrap_or(u64::MAX);
                Ok(json!({ "round_trip_us": micros }))
            }
            other => Err(format!("no command '{other}'")),
        }
    }

    async fn join(&self, cluster: &Cluster) -> Result<Value, String> {
        let addresses = self.0["addresses"].as_array().ok_or("no addresses")?;
        let addresses: Vec<&str> = addresses.iter().filter_map(Value::as_str).collect();
        let joined = cluster.join(&addresses).await;
        // Of the others it is not known yet.
        told(joined.map(|_| ()), json!({"joined": 1}))
    }

    /// All that has a payload.
    async fn send(&self, cluster: &Cluster) -> Result<Value, String> {
        let (to, command) = (self.text("to"), self.clone());
        // Making up many bytes takes a second in a program that is not optimized, in which the node
        // would answer nobody.
        let made = tokio::task::spawn_blocking(move || {
            let payload = command.payload()?;
            Ok::<_, String>((lines::with_payload(json!({}), &payload), payload))
        });
        let (answer, payload) = made.await.map_err(|error| error.to_string())??;
        let result = match self.text("do") {
            "meta" => cluster.set_meta(payload).await,
            "send" => cluster.send(to, payload).await,
            "send_reliable" => cluster.send_reliable(to, payload).await,
            "broadcast" => cluster.broadcast(payload).await,
            _ => cluster.set_user_state(payload).await,
        };
        told(result, answer)
    }

    /// What the command carries, or the bytes that it asks for by their number.
    fn payload(&self) -> Result<Vec<u8>, String> {
        match self.0["size"].as_u64() {
            Some(size) => Ok(sequence(usize::try_from(size).map_err(|error| error.to_string())?)),
            None => lines::from_hex(self.text("hex")),
        }
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }
}

fn told(result: Result<(), swim_tokio::Error>, answer: Value) -> Result<Value, String> {
    result.map(|()| answer).map_err(|error| error.to_string())
}

/// So many bytes, always the same ones. Each is one of 16, so that they compress: bytes at random
/// grow when they are compressed, and 19 MiB would pass the limit of 20 MiB.
fn sequence(size: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + x.to_be_bytes()[0] / 16
    };
    std::iter::repeat_with(next).take(size).collect()
}
