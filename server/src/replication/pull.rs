//! Taking the source's changes.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use pakhus_blobs::{Hashes, WriterOptions};
use pakhus_core::replication::{Kept, Merged, RecordKey};
use pakhus_core::{BlobRef, Digest};
use pakhus_db::write::Write;
use pakhus_db::{apply, blobs};

use super::execution::Progress;
use super::run::{Run, RunError};
use super::source::Source;
use super::{incoming, wire};
use crate::app::{App, now};

/// Blobs that travel at once.
const PARALLEL: usize = 8;

/// Pulls pages until there is no more.
pub(super) async fn pull(run: &mut Run) -> Result<(), RunError> {
    loop {
        let page = run.source.changes(&run.link.cursor, wire::PAGE_RECORDS, 0).await?;
        let progress = &run.execution.progress;
        Progress::add(&progress.records_total, page.records.len() as u64);
        let count = page.records.len() as u64;
        let mut writes = Vec::with_capacity(page.records.len());
        for record in page.records {
            let about = describe(&record.key);
            match incoming::check(&*run.package_type, record) {
                Ok(write) => writes.push(write),
                Err(reason) => {
                    let text = format!("{about} from the source is left out: {reason}");
                    run.execution.warning(text).await;
                }
            }
        }
        let preview = apply::preview(&run.app.database, run.feed.id, &writes, run.policy).await?;
        run.link.cursor.seq = page.end.through;
        run.link.cursor.witness = page.end.head;
        if run.options.dry_run {
            tell(run, &preview).await;
        } else {
            fetch_blobs(run, &writes, &preview).await?;
            apply_page(run, writes).await?;
        }
        Progress::add(&run.execution.progress.records_done, count);
        if !page.end.more {
            return Ok(());
        }
    }
}

async fn apply_page(run: &mut Run, writes: Vec<Write>) -> Result<(), RunError> {
    let outcome =
        apply::apply(&run.app.database, run.feed.id, writes, run.policy, Some(&run.link), now())
            .await?;
    run.tally.pulled += outcome.applied;
    run.tally.deleted += outcome.deleted;
    run.tally.conflicts += outcome.conflicts;
    Ok(())
}

async fn tell(run: &mut Run, preview: &[(RecordKey, Merged)]) {
    for (key, merged) in preview {
        let Merged::TakeRemote(kept) = merged else { continue };
        let about = describe(key);
        let text = match kept {
            Some(Kept::Conflict) => format!("would replace {about} by the source's, a conflict"),
            Some(Kept::Trash) => {
                run.tally.deleted += 1;
                format!("would delete or replace {about}, as the source did")
            }
            None => format!("would pull {about}"),
        };
        run.tally.pulled += 1;
        run.execution.info(text).await;
    }
}

/// A record, as logs name it.
pub(super) fn describe(key: &RecordKey) -> String {
    match key {
        RecordKey::Version { name, version } => format!("{name} {version}"),
        RecordKey::Tag { name, tag } => format!("the tag {tag} of {name}"),
        RecordKey::Attribute { name, version, attribute } => match version {
            Some(version) => format!("the attribute {attribute} of {name} {version}"),
            None => format!("the attribute {attribute} of {name}"),
        },
        RecordKey::Downloads { name, version, .. } => format!("the downloads of {name} {version}"),
    }
}

/// Fetches the blobs that the records to be taken need and this feed has not. A blob that another
/// feed of this instance has is fetched too: that the source names a digest does not prove that it
/// may see the bytes.
async fn fetch_blobs(
    run: &mut Run,
    writes: &[Write],
    preview: &[(RecordKey, Merged)],
) -> Result<(), RunError> {
    let mut seen = HashSet::new();
    let needed: Vec<BlobRef> = writes
        .iter()
        .zip(preview)
        .filter(|(_, (_, merged))| matches!(merged, Merged::TakeRemote(_)))
        .filter_map(|(write, _)| write.state.content())
        .flat_map(|content| &content.blobs)
        .filter(|blob| seen.insert(blob.digest))
        .cloned()
        .collect();
    let digests: Vec<Digest> = needed.iter().map(|blob| blob.digest).collect();
    let lacking: HashSet<Digest> =
        blobs::unknown(&run.app.database, run.feed.id, &digests).await?.into_iter().collect();
    let lacking: Vec<_> =
        needed.into_iter().filter(|blob| lacking.contains(&blob.digest)).collect();
    let progress = &run.execution.progress;
    Progress::add(&progress.blobs_total, lacking.len() as u64);
    Progress::add(&progress.bytes_total, lacking.iter().map(|blob| blob.size).sum());
    let (app, source) = (&run.app, &run.source);
    let fetched = stream::iter(lacking)
        .map(async |blob| {
            fetch_blob(app, source, &blob, progress).await?;
            Progress::add(&progress.blobs_done, 1);
            Ok::<_, RunError>(blob.size)
        })
        .buffer_unordered(PARALLEL)
        .try_fold((0, 0), async |(blobs, bytes), size| Ok((blobs + 1, bytes + size)))
        .await?;
    run.tally.blobs += fetched.0;
    run.tally.bytes += fetched.1;
    Ok(())
}

async fn fetch_blob(
    app: &App,
    source: &Source,
    blob: &BlobRef,
    progress: &Progress,
) -> Result<(), RunError> {
    let options = WriterOptions { max_size: blob.size, hashes: Hashes::Sha256 };
    let mut writer = app.blobs.writer(options);
    let mut bytes = Box::pin(source.blob(&blob.digest).await?);
    while let Some(chunk) = bytes.try_next().await? {
        Progress::add(&progress.bytes_done, chunk.len() as u64);
        writer.write(chunk).await?;
    }
    writer.finish(Some(blob.digest)).await?;
    Ok(())
}
