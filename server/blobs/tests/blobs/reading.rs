//! Reading, listing and deleting blobs.

use std::time::Duration;

use std::fs;
use std::io;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use pakhus_blobs::{Error, WHOLE};
use pakhus_core::Digest;

use crate::{Fixture, blob_file, pattern, put, read};

#[tokio::test]
async fn a_range_gives_its_bytes_and_is_cut_at_the_end() {
    let fixture = Fixture::new().await;
    let bytes = pattern(600_000);
    let digest = put(&fixture.store, bytes.clone()).await.expect("put").digest;
    for (range, expected) in [
        (WHOLE, 0..600_000),
        (0..1, 0..1),
        (0..0, 0..0),
        (262_143..262_145, 262_143..262_145),
        (100..500_000, 100..500_000),
        (599_999..600_000, 599_999..600_000),
        (599_990..u64::MAX, 599_990..600_000),
        (600_000..600_001, 600_000..600_000),
    ] {
        let got = read(&fixture.store, &digest, range.clone()).await;
        assert!(got.as_deref() == Some(&bytes[expected]), "{range:?}");
    }
}

#[tokio::test]
async fn the_reader_tells_the_size_and_the_range() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, pattern(100)).await.expect("put").digest;
    let reader = fixture.store.read(&digest, 90..200).await.expect("read").expect("it is there");
    assert_eq!((reader.size(), reader.range()), (100, 90..100));
    let reader = fixture.store.read(&digest, WHOLE).await.expect("read").expect("it is there");
    assert_eq!((reader.size(), reader.range()), (100, 0..100));
}

#[tokio::test]
async fn a_range_outside_the_blob_is_refused() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, pattern(100)).await.expect("put").digest;
    #[expect(clippy::reversed_empty_ranges, reason = "that is what must be refused")]
    let ranges = [101..200, 50..40, u64::MAX..u64::MAX];
    for range in ranges {
        let refused = fixture.store.read(&digest, range.clone()).await.map(|_| ());
        assert!(matches!(refused, Err(Error::RangeOutside { size: 100 })), "{range:?}");
    }
}

#[tokio::test]
async fn a_reader_goes_on_when_the_blob_is_deleted() {
    let fixture = Fixture::new().await;
    let bytes = pattern(1_000_000);
    let digest = put(&fixture.store, bytes.clone()).await.expect("put").digest;
    let reader = fixture.store.read(&digest, WHOLE).await.expect("read").expect("it is there");
    let collected = fixture.store.collect(&digest, Duration::ZERO).await.expect("collect");
    assert!(collected.is_some());
    let chunks: Vec<Bytes> = reader.try_collect().await.expect("all of it");
    assert!(chunks.concat() == bytes);
}

#[tokio::test]
async fn a_file_that_lost_its_end_is_an_error_and_not_a_short_blob() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, pattern(600_000)).await.expect("put").digest;
    let reader = fixture.store.read(&digest, WHOLE).await.expect("read").expect("it is there");
    let file = fs::File::options()
        .write(true)
        .open(fixture.directory.path().join(blob_file(&pattern(600_000))))
        .expect("open");
    file.set_len(300_000).expect("cut");
    let chunks: Vec<_> = reader.collect().await;
    let last = chunks.last().expect("something").as_ref().map_err(io::Error::kind);
    assert_eq!(last, Err(io::ErrorKind::UnexpectedEof));
}

#[tokio::test]
async fn files_that_are_no_blobs_are_not_listed() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, "bytes").await.expect("put").digest;
    let sha256 = fixture.directory.path().join("sha256");
    fs::write(sha256.join("notes.txt"), "a note").expect("write");
    fs::write(sha256.join(Digest::of(b"misplaced").hex()), "misplaced").expect("write");
    let listed: Vec<_> = fixture.store.list().try_collect().await.expect("list");
    let listed: Vec<Digest> = listed.iter().map(|blob| blob.digest).collect();
    assert_eq!(listed, [digest]);
}
