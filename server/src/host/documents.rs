//! Rendered documents, kept in memory with their compressed form.

use std::io::Write as _;

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::future::Cache;
use pakhus_core::{Digest, Document, Refusal, Result};

/// Keeps rendered documents until others crowd them out.
#[derive(Clone)]
pub(crate) struct DocumentCache {
    documents: Cache<(i64, String), Kept>,
    /// Documents compressed by Brotli, by their entity tags: fewer clients ask for them.
    brotli: Cache<String, Bytes>,
}

#[derive(Clone)]
struct Kept {
    revision: u64,
    document: Document,
}

/// The most bytes that all kept documents may have.
const CAPACITY: u64 = 48 * 1024 * 1024;

/// The most bytes that all kept documents may have when compressed by Brotli.
const BROTLI_CAPACITY: u64 = 16 * 1024 * 1024;

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
