//! The replication API: `/replication/FEED`.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use pakhus_core::replication::engine::{self, CursorRefused, FeedStore as _, LogEnd, TakeRefused};
use pakhus_core::replication::{
    Applied, ClientMode, Cursor, Handshake, MissingBlobs, PROTOCOL, PageEnd, Position, Record,
    SourceOfSource,
};
use pakhus_core::{Digest, FeedName, Refusal};
use pakhus_db::feeds::Feed;
use pakhus_db::{blobs, changes, links};
use serde::Deserialize;

use super::clients::note_verdict;
use super::server_auth::Peer;
use super::store::DatabaseFeed;
use super::{blob_batch, run, upload_batch, uploads, wire};
use crate::app::{App, VERSION, now};
use crate::host::RequestBody;
use crate::http::{BlobAnswer, Input, PathOf, Problem, QueryOf, blob_response};

type Result<T> = std::result::Result<T, Problem>;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/replication/{feed}", get(handshake))
        .route("/replication/{feed}/", get(handshake))
        .route("/replication/{feed}/changes", get(read_changes).post(take_changes))
        .route("/replication/{feed}/records", post(read_records))
        .route("/replication/{feed}/fingerprint", get(fingerprint))
        .route("/replication/{feed}/blobs/missing", post(missing_blobs))
        .route("/replication/{feed}/blobs/batch", post(blob_batch::serve))
        .route("/replication/{feed}/blobs/{digest}", get(blob))
        .route("/replication/{feed}/uploads", post(uploads::begin))
        .route("/replication/{feed}/uploads/batch", post(upload_batch::take))
        .route("/replication/{feed}/uploads/{id}", patch(uploads::append).put(uploads::finish))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "the replication API does not know this method here",
            )
        })
}

async fn handshake(State(app): State<App>, peer: Peer) -> Result<Json<Handshake>> {
    let handshake = handshake_of(&app, &peer.feed).await?;
    note_verdict(&app, &peer, &handshake).await;
    Ok(Json(handshake))
}

fn store_of(app: &App, feed: &Feed) -> Result<DatabaseFeed> {
    run::store_of(app, feed).map_err(|error| Problem::not_found(error.to_string()))
}

async fn handshake_of(app: &App, feed: &Feed) -> Result<Handshake> {
    let package_type = app.package_types.get(&feed.settings.package_type).ok_or_else(|| {
        Problem::not_found(format!("the package type of `{}` is not enabled here", feed.name()))
    })?;
    let LogEnd { lineage, position: end, .. } = changes::end(&app.database, feed.id).await?;
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
        clock: Some(now()),
    })
}

/// The feed that this feed is itself a client of, with what that one said of its own sources.
async fn sources_of(app: &App, feed: &Feed) -> Result<Vec<SourceOfSource>> {
    if feed.settings.client.mode == ClientMode::Disabled {
        return Ok(Vec::new());
    }
    // A source that may not be replicated with is one all the same: by it the other end sees that
    // they would be each other's.
    if let Some(source) = app.replicator.sources.identity(feed.id) {
        return Ok(vec![source]);
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
    /// Whether the client began with nothing and is reading all there is.
    #[serde(default)]
    fresh: bool,
    limit: Option<u64>,
    #[serde(default)]
    wait: u64,
}

async fn read_changes(
    State(app): State<App>,
    peer: Peer,
    QueryOf(query): QueryOf<ChangesQuery>,
) -> Result<Response> {
    peer.may_read()?;
    app.replicator.clients.seen(&peer, Some(query.since));
    let store = store_of(&app, &peer.feed)?;
    let mut head = app.database.watch_head(peer.feed.id);
    let cursor = Cursor {
        lineage: match query.lineage {
            Some(lineage) => lineage,
            None => store.end().await.map_err(failed)?.lineage,
        },
        seq: query.since,
        witness: Position {
            seq: query.witness,
            chain: query.chain.unwrap_or(Position::START.chain),
        },
    };
    let limit = query.limit.unwrap_or(wire::PAGE_RECORDS).min(wire::PAGE_RECORDS);
    let patience = tokio::time::sleep(Duration::from_secs(query.wait.min(wire::MAX_WAIT)));
    tokio::pin!(patience);
    let page = loop {
        head.borrow_and_update();
        let page = engine::read_changes(&store, &cursor, query.fresh, limit).await;
        let page = page.map_err(|refused| match refused {
            CursorRefused::Diverged(_) => Problem::conflict(refused.to_string()),
            CursorRefused::Expired => Problem::new(StatusCode::GONE, refused.to_string()),
            CursorRefused::Store(error) => failed(error),
        })?;
        if query.wait > 0 {
            app.replicator.clients.kept(&peer, query.since);
        }
        let waits = query.wait > 0 && !patience.is_elapsed() && !app.stopping.is_cancelled();
        if page.end.through > query.since || !waits {
            break page;
        }
        tokio::select! {
            () = &mut patience => {}
            () = app.stopping.cancelled() => {}
            _ = head.changed() => {}
            // Another node may have written.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    };
    let tag = handshake_of(&app, &peer.feed).await?.tag().to_string();
    let response = page_response(&page.records, page.end)?;
    Ok(([(wire::TAG, tag)], response).into_response())
}

fn page_response(records: &[Record], end: PageEnd) -> Result<Response> {
    let records = records.iter().map(|record| (&record.key, &record.state));
    let bytes = wire::write_page(records, Some(end)).map_err(Refusal::internal)?;
    Ok(([(header::CONTENT_TYPE, wire::NDJSON)], bytes).into_response())
}

fn failed(error: impl std::fmt::Display) -> Problem {
    Refusal::internal(error).into()
}

/// `POST records`: the records under some keys, as they are now.
async fn read_records(
    State(app): State<App>,
    peer: Peer,
    Input(asked): Input<wire::RecordKeys>,
) -> Result<Response> {
    peer.may_read()?;
    if asked.keys.len() as u64 > wire::PAGE_RECORDS {
        let most = wire::PAGE_RECORDS;
        return Err(Problem::bad_request(format!("ask for at most {most} records at once")));
    }
    let store = store_of(&app, &peer.feed)?;
    let records = engine::read_records(&store, &asked.keys).await.map_err(failed)?;
    // After the records: the client must notice when what it read is lost.
    let head = store.end().await.map_err(failed)?.position;
    page_response(&records, PageEnd { through: head.seq, head, more: false })
}

#[derive(Debug, Deserialize)]
struct TreeQuery {
    #[serde(default)]
    prefix: String,
}

/// `GET fingerprint?prefix=`: the sums of the root's or a branch's children, or a bucket's leaves.
async fn fingerprint(
    State(app): State<App>,
    peer: Peer,
    QueryOf(query): QueryOf<TreeQuery>,
) -> Result<Response> {
    peer.may_read()?;
    let store = store_of(&app, &peer.feed)?;
    let prefix = query.prefix.as_str();
    let is_hex = prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (prefix.len(), u16::from_str_radix(prefix, 16)) {
        (0, _) => Ok(Json(store.sums(None).await.map_err(failed)?).into_response()),
        (2, Ok(branch)) if is_hex => {
            let branch = branch.to_be_bytes()[1];
            Ok(Json(store.sums(Some(branch)).await.map_err(failed)?).into_response())
        }
        (4, Ok(bucket)) if is_hex => {
            let leaves = engine::read_leaves(&store, bucket).await.map_err(failed)?;
            Ok(Json(leaves).into_response())
        }
        _ => Err(Problem::bad_request("`prefix` is empty, or two or four hexadecimal digits")),
    }
}

async fn take_changes(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Json<Applied>> {
    peer.may_push()?;
    app.replicator.clients.seen(&peer, None);
    let store = store_of(&app, &peer.feed)?;
    let page = RequestBody::new(body, &headers).receive_bytes(wire::RECEIVED_BYTES).await?;
    let (records, _) =
        wire::read_page(&page).map_err(|error| Problem::bad_request(error.to_string()))?;
    drop(page);
    check_sizes(&app, &store, &records).await?;
    let is_replica = peer.feed.settings.client.mode == ClientMode::PullOnly;
    let taken = engine::take_changes(&store, records, is_replica).await;
    taken.map(Json).map_err(|refused| match refused {
        TakeRefused::Invalid(reason) => Problem::bad_request(reason),
        TakeRefused::Store(error) => failed(error),
    })
}

/// Refuses records that say another length of a blob than it has. Of blobs that this feed does not
/// know nothing is said: another feed may have them.
async fn check_sizes(app: &App, store: &DatabaseFeed, records: &[Record]) -> Result<()> {
    let named = records.iter().filter_map(|record| record.state.content());
    let mut blobs: Vec<_> = named.flat_map(|content| content.blobs.clone()).collect();
    let digests: Vec<_> = blobs.iter().map(|blob| blob.digest).collect();
    let unknown = blobs::unknown(&app.database, store.feed_id, &digests).await?;
    let unknown: HashSet<_> = unknown.into_iter().collect();
    blobs.retain(|blob| !unknown.contains(&blob.digest));
    match store.of_other_length(blobs).await.map_err(failed)?.first() {
        None => Ok(()),
        Some(digest) => {
            Err(Problem::bad_request(format!("{digest} has another length than is said")))
        }
    }
}

async fn missing_blobs(
    State(app): State<App>,
    peer: Peer,
    Input(asked): Input<MissingBlobs>,
) -> Result<Json<MissingBlobs>> {
    peer.may_push()?;
    let digests = blobs::unknown(&app.database, peer.feed.id, &asked.digests).await?;
    Ok(Json(MissingBlobs { digests }))
}

/// A blob that a record of this feed names; any other is not found, whether it is stored or not.
async fn blob(
    State(app): State<App>,
    peer: Peer,
    PathOf((_, digest)): PathOf<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    peer.may_read()?;
    let digest: Digest = digest.parse().map_err(|error: pakhus_core::digest::InvalidDigest| {
        Problem::bad_request(error.to_string())
    })?;
    let size = blobs::named_size(&app.database, peer.feed.id, &digest)
        .await?
        .ok_or_else(|| Problem::not_found(format!("no package of this feed has {digest}")))?;
    let mut response = blob_response(&app, &headers, BlobAnswer { digest, size }).await?;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        axum::http::HeaderValue::from_static("application/octet-stream"),
    );
    Ok(response)
}
