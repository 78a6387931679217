//! Rendered documents, kept in memory with their compressed form.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::future::Cache;
use pakhus_core::{Digest, Document, Refusal, Result};

/// Keeps rendered documents until others crowd them out.
#[derive(Clone)]
pub(crate) struct DocumentCache {
    documents: Cache<(i64, String), Kept>,
}

#[derive(Clone)]
struct Kept {
    revision: u64,
    document: Document,
}

/// The most bytes that all kept documents may have.
const CAPACITY: u64 = 48 * 1024 * 1024;

impl DocumentCache {
    pub(crate) fn new() -> Self {
        let weight = |key: &(i64, String), kept: &Kept| {
            let bytes = key.1.len() + kept.document.bytes.len() + kept.document.gzip.len() + 200;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self { documents: Cache::builder().weigher(weight).max_capacity(CAPACITY).build() }
    }

    /// The document kept under `key` when it was rendered from this `revision`.
    pub(crate) async fn get(&self, feed_id: i64, key: &str, revision: u64) -> Option<Document> {
        let kept = self.documents.get(&(feed_id, key.to_owned())).await?;
        (kept.revision == revision).then_some(kept.document)
    }

    /// Keeps a document.
    pub(crate) async fn keep(
        &self,
        feed_id: i64,
        key: &str,
        revision: u64,
        bytes: Bytes,
    ) -> Result<Document> {
        let compress = move || -> std::io::Result<Document> {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes)?;
            let gzip = Bytes::from(encoder.finish()?);
            let etag = format!("\"{}\"", &Digest::of(&bytes).hex()[..32]);
            Ok(Document { bytes, gzip, etag })
        };
        let document = tokio::task::spawn_blocking(compress)
            .await
            .map_err(Refusal::internal)?
            .map_err(Refusal::internal)?;
        let kept = Kept { revision, document: document.clone() };
        self.documents.insert((feed_id, key.to_owned()), kept).await;
        Ok(document)
    }
}
