//! Rendered documents, kept in memory with their compressed form.

mod on_disk;

use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::sync::Arc;

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::future::Cache;
use pakhus_core::{Digest, Document, Refusal, Result};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub(crate) use self::on_disk::{read_documents, write_documents};

/// Keeps rendered documents until others crowd them out.
#[derive(Clone)]
pub(crate) struct DocumentCache {
    documents: Cache<(i64, String), Kept>,
    /// Documents compressed by Brotli, by their entity tags: fewer clients ask for them.
    brotli: Cache<String, Bytes>,
    turns: Arc<[Arc<Mutex<()>>]>,
    hasher: RandomState,
}

/// A document, with what it is kept under.
struct KeptDocument {
    feed: i64,
    key: String,
    revision: u64,
    document: Document,
}

/// The turn of somebody who renders a document, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

#[derive(Clone)]
struct Kept {
    revision: u64,
    document: Document,
}

/// The most bytes that all kept documents may have.
const CAPACITY: u64 = 48 * 1024 * 1024;

/// The most bytes that all kept documents may have when compressed by Brotli.
const BROTLI_CAPACITY: u64 = 16 * 1024 * 1024;

/// How many may render at once.
const TURNS: usize = 64;

/// How many bytes Brotli puts out at a time.
const BUFFER: usize = 64 * 1024;

/// The level of Brotli that is as quick as gzip's usual one and compresses better.
const BROTLI_QUALITY: u32 = 5;

/// The base-two logarithm of the window that Brotli looks back: 4 MiB, its usual one.
const BROTLI_WINDOW: u32 = 22;

impl DocumentCache {
    pub(crate) fn new() -> Self {
        let weight = |key: &(i64, String), kept: &Kept| {
            let bytes = key.1.len() + kept.document.bytes.len() + kept.document.gzip.len() + 200;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let brotli_weight = |etag: &String, bytes: &Bytes| {
            u32::try_from(etag.len() + bytes.len() + 200).unwrap_or(u32::MAX)
        };
        Self {
            documents: Cache::builder().weigher(weight).max_capacity(CAPACITY).build(),
            brotli: Cache::builder().weigher(brotli_weight).max_capacity(BROTLI_CAPACITY).build(),
            turns: std::iter::repeat_with(Arc::default).take(TURNS).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The document's bytes compressed by Brotli.
    pub(crate) async fn brotli(&self, document: &Document) -> Result<Bytes> {
        let bytes = document.bytes.clone();
        let compress = move || -> std::io::Result<Bytes> {
            let mut encoder =
                CompressorWriter::new(Vec::new(), BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
            encoder.write_all(&bytes)?;
            encoder.flush()?;
            Ok(Bytes::from(encoder.into_inner()))
        };
        let compressed = self.brotli.try_get_with(document.etag.clone(), async {
            tokio::task::spawn_blocking(compress).await.map_err(std::io::Error::other)?
        });
        compressed.await.map_err(Refusal::internal)
    }

    /// The document kept under `key` when it was rendered from this `revision`.
    pub(crate) async fn get(&self, feed_id: i64, key: &str, revision: u64) -> Option<Document> {
        let kept = self.documents.get(&(feed_id, key.to_owned())).await?;
        (kept.revision == revision).then_some(kept.document)
    }

    /// Waits for the turn to render what is kept under `key`: of those that find nothing, one renders, and
    /// the others look again. Others who render have theirs at the same time, mostly.
    pub(crate) async fn turn(&self, feed_id: i64, key: &str) -> Turn {
        let turns = self.turns.len() as u64;
        let index = self.hasher.hash_one((feed_id, key)) % turns;
        let turn = Arc::clone(&self.turns[usize::try_from(index).unwrap_or_default()]);
        turn.lock_owned().await
    }

    /// Keeps a document.
    pub(crate) async fn keep(
        &self,
        feed_id: i64,
        key: &str,
        revision: u64,
        bytes: Bytes,
    ) -> Result<Document> {
        let document = tokio::task::spawn_blocking(move || complete(bytes))
            .await
            .map_err(Refusal::internal)?
            .map_err(Refusal::internal)?;
        self.insert(feed_id, key.to_owned(), revision, document.clone()).await;
        Ok(document)
    }

    /// All that is kept, in no order.
    fn all(&self) -> Vec<KeptDocument> {
        let kept = self.documents.iter().map(|(key, kept)| KeptDocument {
            feed: key.0,
            key: key.1.clone(),
            revision: kept.revision,
            document: kept.document,
        });
        kept.collect()
    }

    /// Keeps a document that is complete.
    pub(crate) async fn insert(
        &self,
        feed_id: i64,
        key: String,
        revision: u64,
        document: Document,
    ) {
        self.documents.insert((feed_id, key), Kept { revision, document }).await;
    }
}

/// Makes the compressed form and the entity tag of a document. Takes a while.
pub(crate) fn complete(bytes: Bytes) -> std::io::Result<Document> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes)?;
    let gzip = Bytes::from(encoder.finish()?);
    let etag = format!("\"{}\"", &Digest::of(&bytes).hex()[..32]);
    Ok(Document { bytes, gzip, etag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_those_who_find_nothing_one_renders_and_the_others_wait_for_it() {
        let documents = DocumentCache::new();
        let turn = documents.turn(1, "a").await;
        let others = documents.clone();
        let waiting = tokio::spawn(async move {
            let _turn = others.turn(1, "a").await;
            others.get(1, "a", 7).await
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let kept = documents.keep(1, "a", 7, Bytes::from_static(b"text")).await.expect("kept");
        drop(turn);
        let found = waiting.await.expect("no panic").expect("it was rendered meanwhile");
        assert_eq!((found.bytes, found.etag), (kept.bytes, kept.etag));
        assert!(documents.get(1, "a", 8).await.is_none(), "another revision");
    }
}
