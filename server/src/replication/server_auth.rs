//! Who asks a replication server: the holder of a sync token of the feed.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use pakhus_core::replication::{ClientMode, ClientSide, PROTOCOL, ServerMode};
use pakhus_db::feeds::Feed;
use pakhus_db::sync_tokens;

use super::clients::note_stranger;
use super::wire;
use crate::app::{App, now};
use crate::auth::credential;
use crate::http::Problem;

/// A replication client that showed a sync token of this feed.
pub(super) struct Peer {
    pub(super) feed: Arc<Feed>,
    pub(super) client: Option<ClientSide>,
    /// The name of the client's instance; empty when it does not say.
    pub(super) client_name: String,
}

impl FromRequestParts<App> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, app)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        let name = path.get("feed").map_or("", String::as_str);
        let feed = app.feeds.get(name).ok_or_else(|| Problem::no_such_feed(name))?;
        let refused = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                format!(
                    "this is no sync token of the feed `{name}`: make one there and give it to the client"
                ),
            )
        };
        let secret = credential(&parts.headers).ok_or_else(refused)?;
        let Some(token) = sync_tokens::find(&app.database, feed.id, &secret).await? else {
            note_stranger(app, &feed, client_side(parts).ok().flatten()).await;
            return Err(refused());
        };
        let minute = 60_000;
        if token.last_used_at.is_none_or(|last| now().millis() - last.millis() >= minute)
            && let Err(error) = sync_tokens::touch(&app.database, token.id, now()).await
        {
            // What can be read is served all the same, on a full disk for instance.
            tracing::warn!(%error, "the use of a sync token could not be noted");
        }
        if feed.paused {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the replication of the feed `{name}` is paused here by its operator"),
            ));
        }
        let client = client_side(parts)?;
        Ok(Self { feed, client, client_name: client_name(parts) })
    }
}

/// What the client says of itself; `None` when it says nothing, as a person with curl does.
fn client_side(parts: &Parts) -> Result<Option<ClientSide>, Problem> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(instance_id) = header(wire::INSTANCE) else { return Ok(None) };
    if header(wire::PROTOCOL).is_some_and(|protocol| protocol != PROTOCOL.to_string()) {
        return Err(Problem::bad_request(format!(
            "this instance speaks replication protocol {PROTOCOL}; update the older of the two"
        )));
    }
    let broken = |name: &str| Problem::bad_request(format!("the header {name} is broken"));
    let mode: ClientMode =
        header(wire::MODE).unwrap_or_default().parse().map_err(|_| broken(wire::MODE))?;
    Ok(Some(ClientSide {
        instance_id: instance_id.chars().take(100).collect(),
        feed: header(wire::FEED).unwrap_or_default().parse().map_err(|_| broken(wire::FEED))?,
        package_type: header(wire::TYPE).unwrap_or_default().chars().take(100).collect(),
        mode,
        version: header(wire::VERSION).unwrap_or_default().chars().take(100).collect(),
    }))
}

fn client_name(parts: &Parts) -> String {
    let name = parts.headers.get(wire::NAME).map_or(&[][..], |name| name.as_bytes());
    let name = percent_encoding::percent_decode(name).decode_utf8_lossy();
    name.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

impl Peer {
    /// Refuses a client that may not read changes.
    pub(super) fn may_read(&self) -> Result<(), Problem> {
        if self.feed.settings.server_mode == ServerMode::Disabled {
            return Err(Problem::forbidden(format!(
                "the feed `{}` does not allow other feeds to replicate with it (server mode `disabled`)",
                self.feed.name()
            )));
        }
        Ok(())
    }

    /// Refuses a client that may not push changes.
    pub(super) fn may_push(&self) -> Result<(), Problem> {
        self.may_read()?;
        if self.feed.settings.server_mode == ServerMode::ReadOnly {
            return Err(Problem::forbidden(format!(
                "the feed `{}` takes no changes from other feeds (server mode `read-only`)",
                self.feed.name()
            )));
        }
        Ok(())
    }
}
