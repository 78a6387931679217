//! Resumable uploads of blobs by replication clients.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pakhus_blobs::UploadId;
use pakhus_core::Digest;
use pakhus_db::blobs;
use serde::Deserialize;
use serde_json::{Value, json};

use super::server_auth::Peer;
use crate::app::{App, now};
use crate::host::RequestBody;
use crate::http::{PathOf, Problem, QueryOf};

type Result<T> = std::result::Result<T, Problem>;

/// The most bytes of one blob.
const MAX_BLOB: u64 = 256 * 1024 * 1024 * 1024;

#[derive(Debug, Deserialize)]
pub(super) struct BeginQuery {
    digest: String,
}

/// `POST uploads?digest=D`: begins one, or finds it as it was left; `offset` says how many bytes of it
/// are here.
pub(super) async fn begin(
    State(app): State<App>,
    peer: Peer,
    QueryOf(query): QueryOf<BeginQuery>,
) -> Result<(StatusCode, Json<Value>)> {
    peer.may_push()?;
    let id = UploadId::of(peer.feed.name().as_str(), &parse_digest(&query.digest)?);
    let offset = app.blobs.uploads().resume(&id).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id.to_string(), "offset": offset }))))
}

#[derive(Debug, Deserialize)]
pub(super) struct AppendQuery {
    digest: String,
    offset: u64,
}

/// `PATCH uploads/ID?digest=D&offset=N`: adds the body from byte N on, where the upload must end so far.
pub(super) async fn append(
    State(app): State<App>,
    peer: Peer,
    PathOf((_, id)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<AppendQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>> {
    peer.may_push()?;
    let (id, _) = own_upload(&peer, &id, &query.digest)?;
    let mut body = RequestBody::new(body, &headers);
    let append = app.blobs.uploads().append(&id, Some(query.offset), MAX_BLOB).await?;
    Ok(Json(json!({ "offset": body.append_to(append).await? })))
}

#[derive(Debug, Deserialize)]
pub(super) struct FinishQuery {
    digest: String,
}

/// `PUT uploads/ID?digest=D`: ends it; its bytes must have this digest.
pub(super) async fn finish(
    State(app): State<App>,
    peer: Peer,
    PathOf((_, id)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<FinishQuery>,
) -> Result<StatusCode> {
    peer.may_push()?;
    let (id, digest) = own_upload(&peer, &id, &query.digest)?;
    app.blobs.uploads().finish(&id, digest).await?;
    blobs::note_received(&app.database, peer.feed.id, &[digest], now()).await?;
    Ok(StatusCode::CREATED)
}

fn parse_digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|_| Problem::bad_request("`digest` is not `sha256:` and 64 hexadecimal digits"))
}

/// The upload called `id`, if it is this feed's of this blob: the name alone opens nothing.
fn own_upload(peer: &Peer, id: &str, digest: &str) -> Result<(UploadId, Digest)> {
    let digest = parse_digest(digest)?;
    let own = UploadId::of(peer.feed.name().as_str(), &digest);
    if own.to_string() == id {
        Ok((own, digest))
    } else {
        Err(Problem::not_found("there is no such upload of this blob"))
    }
}
