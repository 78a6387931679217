//! What the admin API answers, as far as the command line shows it. A field that is missing is empty,
//! one that is new is passed over: a command line speaks to servers older and newer than itself.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::level::Level;
use super::output::Tone;
use crate::config::LimitsSection;

/// What names a thing of the server's: a number or a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Id(pub(super) String);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(|text| Self(text.unwrap_or_default()))
    }
}

/// A text, or whatever stands in its place as a text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// One feed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Feed {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) package_type: String,
    pub(super) anonymous: String,
    pub(super) deletes: Option<String>,
    pub(super) overwrite: Option<bool>,
    pub(super) origin: String,
    pub(super) created_at: Option<String>,
    pub(super) packages: Option<u64>,
    pub(super) versions: Option<u64>,
}

/// The replication settings of a feed, and what they come to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Replication {
    pub(super) server: ReplicationServer,
    pub(super) client: ReplicationClient,
    pub(super) limits: LimitsSection,
    pub(super) paused: bool,
    pub(super) verdict: Option<Verdict>,
}

/// Whom a feed answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicationServer {
    pub(super) mode: String,
    pub(super) sync_tokens: Vec<SyncToken>,
}

/// A secret that lets a client in, without the secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SyncToken {
    pub(super) id: Id,
    pub(super) origin: String,
    pub(super) created_at: Option<String>,
    pub(super) last_used_at: Option<String>,
}

/// Whom a feed calls.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicationClient {
    pub(super) mode: String,
    pub(super) source_url: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) interval: Option<String>,
}

/// Whether two feeds may replicate, and why not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Verdict {
    pub(super) state: String,
    pub(super) reasons: Vec<String>,
}

impl Verdict {
    pub(super) fn is_invalid(&self) -> bool {
        self.state == "invalid"
    }

    pub(super) fn tone(&self) -> Tone {
        match self.state.as_str() {
            "valid" => Tone::Good,
            "warning" => Tone::Warning,
            "invalid" => Tone::Bad,
            _ => Tone::Dim,
        }
    }
}

/// How the replication of one feed stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Standing {
    pub(super) feed: String,
    #[serde(rename = "type")]
    pub(super) package_type: String,
    pub(super) server_mode: String,
    pub(super) client_mode: String,
    pub(super) source_url: Option<String>,
    pub(super) paused: bool,
    pub(super) conflicts: u64,
    pub(super) set_aside: SetAside,
    pub(super) verdict: Option<Verdict>,
    pub(super) last_execution: Option<Execution>,
    pub(super) lag_changes: Option<u64>,
    pub(super) lag_seconds: Option<f64>,
}

/// What of a feed waits to be moved.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SetAside {
    pub(super) to_fetch: u64,
    pub(super) to_send: u64,
    pub(super) held_deletes: u64,
}

/// One run of background work.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Execution {
    pub(super) id: Id,
    pub(super) category: String,
    pub(super) feed: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) trigger: Option<String>,
    pub(super) status: String,
    pub(super) started_at: Option<String>,
    pub(super) finished_at: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) summary: Option<String>,
    pub(super) progress: Option<Progress>,
    pub(super) log: Vec<LogLine>,
}

impl Execution {
    pub(super) fn is_running(&self) -> bool {
        self.status == "running"
    }

    pub(super) fn is_failed(&self) -> bool {
        self.status == "failed"
    }

    pub(super) fn tone(&self) -> Tone {
        match self.status.as_str() {
            "done" => Tone::Good,
            "failed" => Tone::Bad,
            _ => Tone::Warning,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub(super) phase: Option<String>,
    pub(super) records_done: Option<u64>,
    pub(super) records_total: Option<u64>,
    pub(super) blobs_done: Option<u64>,
    pub(super) blobs_total: Option<u64>,
    pub(super) bytes_done: Option<u64>,
    pub(super) bytes_total: Option<u64>,
}

/// One line of a run's log.
#[derive(Debug, Deserialize)]
pub(super) struct LogLine {
    #[serde(default)]
    pub(super) at: Option<String>,
    pub(super) level: Level,
    pub(super) text: String,
}

/// One message of the server's.
#[derive(Debug, Deserialize)]
pub(super) struct Diagnostic {
    #[serde(default)]
    pub(super) at: Option<String>,
    #[serde(default)]
    pub(super) category: String,
    pub(super) level: Level,
    pub(super) text: String,
}

/// One API key, without the key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiKey {
    pub(super) id: Id,
    pub(super) name: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) read_only: bool,
    pub(super) networks: Vec<String>,
    pub(super) owner: KeyOwner,
    pub(super) created_at: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) last_used_at: Option<String>,
    pub(super) origin: String,
}

/// Whose an API key is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyOwner {
    pub(super) user: Option<String>,
    pub(super) key: Option<Id>,
}

/// One user.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) created_at: Option<String>,
}

/// A user that was made or changed; this once with a password that the server made.
#[derive(Debug, Deserialize)]
pub(super) struct ChangedUser {
    #[serde(default)]
    pub(super) password: Option<String>,
}

/// A run that was started.
#[derive(Debug, Deserialize)]
pub(super) struct Started {
    pub(super) execution_id: Id,
}

/// An API key that was made; this once with the key.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedKey {
    pub(super) id: Id,
    pub(super) key: String,
}

/// A sync token that was made; this once with the token.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedToken {
    pub(super) id: Id,
    pub(super) token: String,
}

/// Why the server refuses (RFC 9457).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) title: Option<String>,
    pub(super) detail: Option<String>,
}
