//! Sending this feed's changes to the source.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use pakhus_blobs::WHOLE;
use pakhus_core::replication::{Record, RecordKey};
use pakhus_core::{BlobRef, Digest};
use pakhus_db::changes::{self, Page};
use pakhus_db::links;
use std::collections::{HashMap, HashSet};

use super::execution::Progress;
use super::pull::describe;
use super::run::{Run, RunError};
use super::source::Source;
use super::wire;
use crate::app::App;

/// Blobs that travel at once.
const PARALLEL: usize = 4;

/// Pushes pages until there is no more.
pub(super) async fn push(run: &mut Run) -> Result<(), RunError> {
    loop {
        let (page, unsent) = next_page(&run.app, run.feed.id, run.link.push_seq).await?;
        Progress::add(&run.execution.progress.records_total, unsent.len() as u64);
        if run.options.dry_run {
            for record in &unsent {
                let text = format!("would push {}", describe(&record.key));
                run.execution.info(text).await;
            }
            run.tally.pushed += unsent.len() as u64;
        }
        let mut seen: HashMap<RecordKey, Digest> = HashMap::new();
        if !unsent.is_empty() && !run.options.dry_run {
            seen = send(run, &unsent).await?;
        }
        Progress::add(&run.execution.progress.records_done, unsent.len() as u64);
        run.link.push_seq = page.end.through;
        if !run.options.dry_run {
            let seen = seen.iter().map(|(key, digest)| (key, *digest));
            links::save(&run.app.database, run.feed.id, &run.link, seen).await?;
        }
        if !page.end.more {
            return Ok(());
        }
    }
}

/// The next page of the feed's own log, and those of its records that the source is not known to
/// have.
pub(super) async fn next_page(
    app: &App,
    feed_id: i64,
    since: u64,
) -> Result<(Page, Vec<Record>), RunError> {
    let mut page =
        changes::page(&app.database, feed_id, since, wire::PAGE_RECORDS, wire::PAGE_BYTES).await?;
    let records = std::mem::take(&mut page.records);
    let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    let shadows = links::shadows_of(&app.database, feed_id, &keys).await?;
    let unsent = records
        .into_iter()
        .filter(|record| shadows.get(&record.key) != Some(&record.state.digest()))
        .collect();
    Ok((page, unsent))
}

/// Sends records and the blobs that the source lacks for them. Returns the digests of the states that
/// the source holds under their keys now.
async fn send(run: &mut Run, records: &[Record]) -> Result<HashMap<RecordKey, Digest>, RunError> {
    upload_missing(run, records, None).await?;
    let lines = || records.iter().map(|record| (&record.key, &record.state));
    let page = || {
        wire::write_page(lines(), None)
            .map_err(|error| super::source::SourceError::Broken(error.to_string()))
    };
    let mut applied = run.source.push(page()?).await?;
    if !applied.missing_blobs.is_empty() {
        upload_missing(run, records, Some(applied.missing_blobs)).await?;
        applied = run.source.push(page()?).await?;
        if let Some(digest) = applied.missing_blobs.first() {
            let text = format!("it lacks the blob {digest} that was just uploaded");
            return Err(super::source::SourceError::Broken(text).into());
        }
    }
    run.tally.pushed += applied.applied;
    if let Some(end) = applied.end {
        // Nobody else changed the source since this feed read it: what comes next in its log is what
        // was just sent, and need not be pulled back.
        if applied.start.is_some_and(|start| start.seq == run.link.cursor.seq) {
            run.link.cursor.seq = end.seq;
        }
        run.link.cursor.witness = end;
    }
    let mut seen: HashMap<_, _> =
        records.iter().map(|record| (record.key.clone(), record.state.digest())).collect();
    for kept in applied.kept {
        let text = format!("the source keeps its own {}", describe(&kept.key));
        run.execution.info(text).await;
        seen.insert(kept.key, kept.state.digest());
    }
    Ok(seen)
}

/// Uploads the blobs of the records that the source says it lacks: those of `missing`, or the answer
/// to asking it.
async fn upload_missing(
    run: &mut Run,
    records: &[Record],
    missing: Option<Vec<Digest>>,
) -> Result<(), RunError> {
    let blobs: HashMap<Digest, &BlobRef> = records
        .iter()
        .filter_map(|record| record.state.content())
        .flat_map(|content| &content.blobs)
        .map(|blob| (blob.digest, blob))
        .collect();
    if blobs.is_empty() {
        return Ok(());
    }
    let missing = match missing {
        Some(missing) => missing,
        None => run.source.missing(blobs.keys().copied().collect()).await?,
    };
    let missing: HashSet<Digest> = missing.into_iter().collect();
    let missing: Vec<_> =
        blobs.into_values().filter(|blob| missing.contains(&blob.digest)).cloned().collect();
    let progress = &run.execution.progress;
    Progress::add(&progress.blobs_total, missing.len() as u64);
    Progress::add(&progress.bytes_total, missing.iter().map(|blob| blob.size).sum());
    let (app, source) = (&run.app, &run.source);
    let sent = stream::iter(missing)
        .map(async |blob| {
            upload(app, source, &blob).await?;
            Progress::add(&progress.blobs_done, 1);
            Progress::add(&progress.bytes_done, blob.size);
            Ok::<_, RunError>(blob.size)
        })
        .buffer_unordered(PARALLEL)
        .try_fold((0, 0), async |(blobs, bytes), size| Ok((blobs + 1, bytes + size)))
        .await?;
    run.tally.blobs += sent.0;
    run.tally.bytes += sent.1;
    Ok(())
}

async fn upload(app: &App, source: &Source, blob: &BlobRef) -> Result<(), RunError> {
    let reader =
        app.blobs.read(&blob.digest, WHOLE).await?.ok_or(RunError::MissingBlob(blob.digest))?;
    source.upload(&blob.digest, blob.size, reqwest::Body::wrap_stream(reader)).await?;
    Ok(())
}
