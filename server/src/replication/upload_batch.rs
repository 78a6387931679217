//! `POST uploads/batch`: many small blobs of a replication client in one stream.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use pakhus_blobs::{BlobBatch, Error};
use pakhus_core::{Digest, Refusal};
use pakhus_db::blobs;

use super::frames::{BrokenOff, Frames, HEAD, NO_BLOB};
use super::server_auth::Peer;
use super::wire::{BATCH_BLOBS, BATCH_BYTES, RefusedBlob, SMALL_BLOB, TakenBlobs};
use crate::app::{App, now};
use crate::host::RequestBody;
use crate::http::Problem;

type Result<T> = std::result::Result<T, Problem>;

/// How many bytes of blobs are written together. So many are in memory of each request.
const TOGETHER: u64 = 4 * 1024 * 1024;

/// How long a blob that came waits for others before it becomes durable.
const KEPT_WAITING: Duration = Duration::from_secs(2);

/// The most bytes of the whole stream.
const MOST: u64 = BATCH_BYTES + (BATCH_BLOBS * HEAD) as u64;

impl From<BrokenOff> for Problem {
    fn from(error: BrokenOff) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// Stores what comes, and answers which of it is stored: durably, and known as this feed's.
pub(super) async fn take(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TakenBlobs>> {
    peer.may_push()?;
    let body = RequestBody::new(body, &headers);
    body.check(MOST)?;
    // A task of its own: what came before a client hung up counts.
    let taking = tokio::spawn(async move { take_all(&app, peer.feed.id, body).await });
    taking.await.map_err(Refusal::internal)?.map(Json)
}

async fn take_all(app: &App, feed_id: i64, body: RequestBody) -> Result<TakenBlobs> {
    let bytes = stream::try_unfold(body, async |mut body| {
        Ok::<_, Problem>(body.next().await?.map(|bytes| (bytes, body)))
    });
    let mut frames = Frames::new(Box::pin(bytes));
    let mut taken = TakenBlobs::default();
    let mut left = Left { blobs: BATCH_BLOBS, bytes: BATCH_BYTES };
    let mut together = None;
    loop {
        let mut group = Vec::new();
        let received = receive(&mut frames, &mut left, &mut group, &mut taken).await;
        let is_last = !matches!(received, Ok(Received::Part));
        // What came before the stream broke counts.
        let stored = store(app, feed_id, group, together.take(), is_last, &mut taken).await;
        together = stored?;
        if received? == Received::All {
            return Ok(taken);
        }
    }
}

/// What the stream may still bring.
struct Left {
    blobs: usize,
    bytes: u64,
}

#[derive(PartialEq, Eq)]
enum Received {
    All,
    Part,
}

/// Receives so many blobs as are stored together.
async fn receive(
    frames: &mut Frames<impl Stream<Item = Result<Bytes>> + Unpin>,
    left: &mut Left,
    group: &mut Vec<(Digest, Bytes)>,
    taken: &mut TakenBlobs,
) -> Result<Received> {
    let mut received = 0;
    while received < TOGETHER {
        let Some((digest, length)) = frames.next_head().await? else { return Ok(Received::All) };
        left.blobs = left.blobs.checked_sub(1).ok_or_else(too_much)?;
        if length == NO_BLOB {
            let detail = "it was named and not sent".to_owned();
            taken.refused.push(RefusedBlob { digest, detail });
            continue;
        }
        if length > SMALL_BLOB {
            let detail =
                format!("{digest} has more than {SMALL_BLOB} bytes: it needs an upload of its own");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        left.bytes = left.bytes.checked_sub(length).ok_or_else(too_much)?;
        group.push((digest, frames.take(length).await?));
        received += length;
    }
    Ok(Received::Part)
}

fn too_much() -> Problem {
    let detail =
        format!("send at most {BATCH_BLOBS} blobs and {BATCH_BYTES} bytes of them at once");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Blobs that become durable together.
struct Together {
    batch: BlobBatch,
    since: Instant,
}

/// Writes a group of blobs, with those before it. They become durable once there are no more, or enough
/// time went by; otherwise they are returned.
async fn store(
    app: &App,
    feed_id: i64,
    group: Vec<(Digest, Bytes)>,
    before: Option<Together>,
    is_last: bool,
    taken: &mut TakenBlobs,
) -> Result<Option<Together>> {
    let together = match before {
        Some(together) => together,
        None => Together { batch: app.blobs.batch(group.len()).await?, since: Instant::now() },
    };
    for (digest, error) in together.batch.receive(group).await? {
        if !matches!(error, Error::DigestMismatch { .. }) {
            return Err(error.into());
        }
        taken.refused.push(RefusedBlob { digest, detail: error.to_string() });
    }
    if !is_last && together.since.elapsed() < KEPT_WAITING {
        return Ok(Some(together));
    }
    let stored = together.batch.finish().await?;
    // So that a client that was cut off does not send them again.
    blobs::note_received(&app.database, feed_id, &stored, now()).await?;
    taken.stored.extend(stored);
    Ok(None)
}
