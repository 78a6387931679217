//! The replication API: `/replication/FEED`.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use pakhus_core::replication::{
    Applied, ClientMode, Handshake, KeptRecord, MergePolicy, MissingBlobs, PROTOCOL, Position,
    SourceOfSource,
};
use pakhus_core::{Digest, FeedName, Refusal};
use pakhus_db::feeds::Feed;
use pakhus_db::{apply, blobs, changes, links};
use serde::Deserialize;

use super::server_auth::{Peer, note_verdict};
use super::{incoming, uploads, wire};
use crate::app::{App, VERSION, now};
use crate::host::RequestBody;
use crate::http::{BlobAnswer, Problem, blob_response};

type Result<T> = std::result::Result<T, Problem>;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/replication/{feed}", get(handshake))
        .route("/replication/{feed}/", get(handshake))
        .route("/replication/{feed}/changes", get(read_changes).post(take_changes))
        .route("/replication/{feed}/blobs/missing", post(missing_blobs))
        .route("/replication/{feed}/blobs/{digest}", get(blob))
        .route("/replication/{feed}/uploads", post(uploads::begin))
        .route("/replication/{feed}/uploads/{id}", patch(uploads::append).put(uploads::finish))
}

async fn handshake(State(app): State<App>, peer: Peer) -> Result<Json<Handshake>> {
    let handshake = handshake_of(&app, &peer.feed).await?;
    note_verdict(&app, &peer, &handshake).await;
    Ok(Json(handshake))
}

async fn handshake_of(app: &App, feed: &Feed) -> Result<Handshake> {
    let package_type = app.package_types.get(&feed.settings.package_type).ok_or_else(|| {
        Problem::not_found(format!("the package type of `{}` is not enabled here", feed.name()))
    })?;
    let (lineage, end) = changes::end(&app.database, feed.id).await?;
    Ok(Handshake {
        protocol: PROTOCOL,
        version: VERSION.to_owned(),
        instance: app.instance.clone(),
        feed: feed.name().clone(),
        package_type: feed.settings.package_type.clone(),
        capabilities: package_type.descriptor().capabilities.clone(),
        server_mode: feed.settings.server_mode,
        lineage,
        end,
        sources: sources_of(app, feed).await?,
    })
}

/// The feed that this feed is itself a client of, with what that one said of its own sources.
async fn sources_of(app: &App, feed: &Feed) -> Result<Vec<SourceOfSource>> {
    if feed.settings.client.mode == ClientMode::Disabled {
        return Ok(Vec::new());
    }
    let Some(link) = links::find(&app.database, feed.id).await? else { return Ok(Vec::new()) };
    let name = link.source_url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let Ok(feed) = name.parse::<FeedName>() else { return Ok(Vec::new()) };
    Ok(vec![SourceOfSource { instance_id: link.source_instance, feed, sources: link.sources }])
}

#[derive(Debug, Deserialize)]
struct ChangesQuery {
    /// The lineage that `since` counts in; left out by who reads from the start.
    lineage: Option<String>,
    #[serde(default)]
    since: u64,
    /// The number and chain of the newest end of the log that the client has seen.
    #[serde(default)]
    witness: u64,
    chain: Option<Digest>,
    limit: Option<u64>,
    #[serde(default)]
    wait: u64,
}

async fn read_changes(
    State(app): State<App>,
    peer: Peer,
    Query(query): Query<ChangesQuery>,
) -> Result<Response> {
    peer.may_read()?;
    let feed_id = peer.feed.id;
    let mut head = app.database.watch_head(feed_id);
    check_cursor(&app, feed_id, &query).await?;
    let limit = query.limit.unwrap_or(wire::PAGE_RECORDS).min(wire::PAGE_RECORDS);
    let patience = tokio::time::sleep(Duration::from_secs(query.wait.min(wire::MAX_WAIT)));
    tokio::pin!(patience);
    let page = loop {
        head.borrow_and_update();
        let page =
            changes::page(&app.database, feed_id, query.since, limit, wire::PAGE_BYTES).await?;
        if page.end.through > query.since || patience.is_elapsed() || query.wait == 0 {
            break page;
        }
        tokio::select! {
            () = &mut patience => {}
            _ = head.changed() => {}
            // Another node may have written.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    };
    let records = page.records.iter().map(|record| (&record.key, &record.state));
    let bytes = wire::write_page(records, Some(page.end)).map_err(Refusal::internal)?;
    Ok(([(header::CONTENT_TYPE, wire::NDJSON)], bytes).into_response())
}

/// Refuses a cursor of another log: of a feed that was replaced or restored from a backup.
async fn check_cursor(app: &App, feed_id: i64, query: &ChangesQuery) -> Result<()> {
    let (lineage, _) = changes::end(&app.database, feed_id).await?;
    if query.lineage.as_ref().is_some_and(|known| *known != lineage) {
        return Err(Problem::conflict("diverged: this is another feed than the one you know"));
    }
    let witness =
        Position { seq: query.witness, chain: query.chain.unwrap_or(Position::START.chain) };
    let (_, end) = changes::end(&app.database, feed_id).await?;
    let known =
        query.since <= end.seq && changes::went_through(&app.database, feed_id, witness).await?;
    if !known {
        return Err(Problem::conflict(
            "diverged: the feed's log does not go on from where you have seen it",
        ));
    }
    Ok(())
}

async fn take_changes(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Json<Applied>> {
    peer.may_push()?;
    let feed = &peer.feed;
    let package_type = app
        .package_types
        .get(&feed.settings.package_type)
        .ok_or_else(|| Problem::not_found("the package type of this feed is not enabled here"))?;
    let mut body = RequestBody::new(body, &headers);
    let page = body.receive_bytes(wire::RECEIVED_BYTES).await?;
    let (records, _) =
        wire::read_page(&page).map_err(|error| Problem::bad_request(error.to_string()))?;
    drop(page);
    let mut writes = Vec::with_capacity(records.len());
    for record in records {
        let about = format!("{} {}", record.key.name(), record.key.item());
        let write = incoming::check(&*package_type, record)
            .map_err(|reason| Problem::bad_request(format!("{about}: {reason}")))?;
        writes.push(write);
    }
    let digests: Vec<Digest> = writes
        .iter()
        .filter_map(|write| write.state.content())
        .flat_map(|content| content.blobs.iter().map(|blob| blob.digest))
        .collect();
    let missing_blobs = blobs::unknown(&app.database, feed.id, &digests).await?;
    if !missing_blobs.is_empty() {
        return Ok(Json(Applied { missing_blobs, ..Applied::default() }));
    }
    let outcome =
        apply::apply(&app.database, feed.id, writes, MergePolicy::Converge, None, now()).await?;
    Ok(Json(Applied {
        applied: outcome.applied,
        kept: outcome
            .kept_local
            .into_iter()
            .map(|(key, state)| KeptRecord { key, state })
            .collect(),
        missing_blobs: Vec::new(),
        start: Some(outcome.start),
        end: Some(outcome.end),
    }))
}

async fn missing_blobs(
    State(app): State<App>,
    peer: Peer,
    Json(asked): Json<MissingBlobs>,
) -> Result<Json<MissingBlobs>> {
    peer.may_push()?;
    let digests = blobs::unknown(&app.database, peer.feed.id, &asked.digests).await?;
    Ok(Json(MissingBlobs { digests }))
}

/// A blob that a record of this feed names; any other is not found, whether it is stored or not.
async fn blob(
    State(app): State<App>,
    peer: Peer,
    Path((_, digest)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    peer.may_read()?;
    let digest: Digest = digest.parse().map_err(|error: pakhus_core::digest::InvalidDigest| {
        Problem::bad_request(error.to_string())
    })?;
    let size = blobs::named_size(&app.database, peer.feed.id, &digest)
        .await?
        .ok_or_else(|| Problem::not_found(format!("no package of this feed has {digest}")))?;
    let mut response = blob_response(&app.blobs, &headers, BlobAnswer { digest, size }).await?;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        axum::http::HeaderValue::from_static("application/octet-stream"),
    );
    Ok(response)
}
