//! What the blob store promises, tested through its public face.

mod collecting;
mod conformance;
mod reading;
mod reading_sealed;
mod sweeping;
mod together;
mod uploading;
mod writing;

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use pakhus_blobs::{BlobStore, Hashes, Result, WriterOptions, Written};
use pakhus_core::Digest;
use tempfile::TempDir;

/// Enough for every test that is not about limits.
const OPTIONS: WriterOptions = WriterOptions { max_size: 64 * 1024 * 1024, hashes: Hashes::All };

/// A store in a directory of its own, which goes when this is dropped.
struct Fixture {
    store: BlobStore,
    directory: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let store = BlobStore::open(directory.path()).await.expect("the store opens");
        Self { store, directory }
    }

    /// The store as a new process finds it.
    async fn restart(&mut self) {
        self.store = BlobStore::open(self.directory.path()).await.expect("the store opens");
    }

    /// All files below the store's directory, as paths from there, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(self.directory.path(), self.directory.path(), &mut files);
        files.sort();
        files
    }

    /// Waits until the store has no files: what is dropped is removed soon after, not at once.
    async fn becomes_empty(&self) {
        for _ in 0..500 {
            if self.files().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("files were left behind: {:?}", self.files());
    }
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("the directory can be listed") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let path = path.strip_prefix(root).expect("it is below the root");
            files.push(path.display().to_string());
        }
    }
}

/// Where the blob of `bytes` belongs, from the store's directory.
fn blob_file(bytes: &[u8]) -> String {
    let hex = Digest::of(bytes).hex();
    format!("sha256/{}/{}/{hex}", &hex[..2], &hex[2..4])
}

/// Bytes that do not repeat at any power of two, so that a misplaced piece shows.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| u8::try_from(at % 251).expect("below 251")).collect()
}

async fn put(store: &BlobStore, bytes: impl Into<Bytes>) -> Result<Written> {
    let mut writer = store.writer(OPTIONS);
    writer.write(bytes.into()).await?;
    writer.finish(None).await
}

async fn read(store: &BlobStore, digest: &Digest, range: std::ops::Range<u64>) -> Option<Vec<u8>> {
    let reader = store.read(digest, range).await.expect("the range is good")?;
    let length = reader.range().end - reader.range().start;
    let chunks: Vec<Bytes> = reader.try_collect().await.expect("the blob can be read");
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, length, "the reader gives what it announces");
    Some(bytes)
}
