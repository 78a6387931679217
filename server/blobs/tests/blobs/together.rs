//! Small blobs that are stored, and read, together. Few are synced each by itself, many by syncing the
//! file system.

use std::fs;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use pakhus_blobs::{BlobStore, Error, Result, WHOLE};
use pakhus_core::Digest;

use crate::{Fixture, blob_file, pattern, put, read};

fn with_digests(blobs: impl IntoIterator<Item = Bytes>) -> Vec<(Digest, Bytes)> {
    blobs.into_iter().map(|bytes| (Digest::of(&bytes), bytes)).collect()
}

async fn store(store: &BlobStore, blobs: &[(Digest, Bytes)]) -> Result<Vec<(Digest, Error)>> {
    let batch = store.batch(blobs.len()).await?;
    let failed = batch.receive(blobs.to_vec()).await?;
    let mut stored = batch.finish().await?;
    let refused = |digest: &Digest| failed.iter().any(|(failed, _)| failed == digest);
    let mut expected: Vec<_> = blobs.iter().map(|(digest, _)| *digest).collect();
    expected.retain(|digest| !refused(digest));
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
    Ok(failed)
}

#[tokio::test]
async fn what_is_stored_together_is_read_by_its_digest_also_by_the_next_process() {
    let mut fixture = Fixture::new().await;
    for count in [3, 300] {
        let blobs = with_digests((0..count).map(pattern));
        let failed = store(&fixture.store, &blobs).await.expect("stored");
        assert!(failed.is_empty(), "{failed:?}");
        fixture.restart().await;
        for (digest, bytes) in blobs {
            assert_eq!(read(&fixture.store, &digest, WHOLE).await, Some(bytes.to_vec()));
        }
    }
}

#[tokio::test]
async fn one_of_them_with_another_digest_is_refused_alone() {
    let fixture = Fixture::new().await;
    let wrong = Digest::of(b"others");
    let mut blobs = with_digests([pattern(10), pattern(20)]);
    blobs.insert(1, (wrong, Bytes::from_static(b"these")));
    let failed = store(&fixture.store, &blobs).await.expect("stored");
    assert!(
        matches!(&failed[..], [(digest, Error::DigestMismatch { .. })] if *digest == wrong),
        "{failed:?}"
    );
    let mut expected = vec![blob_file(&pattern(10)), blob_file(&pattern(20))];
    expected.sort();
    assert_eq!(fixture.files(), expected);
}

#[tokio::test]
async fn what_is_stored_already_is_not_stored_again_and_is_young_again() {
    let fixture = Fixture::new().await;
    put(&fixture.store, pattern(10)).await.expect("put");
    let path = fixture.directory.path().join(blob_file(&pattern(10)));
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    fs::File::open(&path).and_then(|file| file.set_modified(long_ago)).expect("set modified");
    // Twice in one call, too.
    let blobs = with_digests([pattern(10), pattern(20), pattern(20)]);
    let failed = store(&fixture.store, &blobs).await.expect("stored");
    assert!(failed.is_empty(), "{failed:?}");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("modified");
    assert!(modified > long_ago + Duration::from_secs(900_000));
    assert_eq!(fixture.files().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_with_the_same_blobs_at_once_all_succeed() {
    let fixture = Fixture::new().await;
    let calls = (0..8).map(|_| {
        let fixture_store = fixture.store.clone();
        let blobs = with_digests((0..100).map(pattern));
        tokio::spawn(async move { store(&fixture_store, &blobs).await })
    });
    for failed in join_all(calls).await {
        let failed = failed.expect("no panic").expect("stored");
        assert!(failed.is_empty(), "{failed:?}");
    }
    assert_eq!(fixture.files().len(), 100);
}

#[tokio::test]
async fn several_give_to_one_batch_at_once() {
    let fixture = Fixture::new().await;
    let blobs = with_digests((0..90).map(pattern));
    let batch = fixture.store.batch(90).await.expect("a batch");
    let giving = blobs.chunks(30).map(|blobs| batch.receive(blobs.to_vec()));
    for failed in join_all(giving).await {
        assert!(failed.expect("received").is_empty());
    }
    assert!(fixture.files().iter().all(|file| file.starts_with("incoming/")));
    assert_eq!(batch.finish().await.expect("stored").len(), 90);
    assert!(fixture.files().iter().all(|file| file.starts_with("sha256/")));
}

#[tokio::test]
async fn what_is_not_finished_leaves_nothing() {
    let fixture = Fixture::new().await;
    let batch = fixture.store.batch(40).await.expect("a batch");
    let failed = batch.receive(with_digests((0..40).map(pattern))).await.expect("received");
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(fixture.files().len(), 40);
    drop(batch);
    fixture.becomes_empty().await;
}

#[tokio::test]
async fn a_place_that_is_taken_fails_them_all_and_nothing_is_left_in_between() {
    for count in [3, 30] {
        let fixture = Fixture::new().await;
        let batch = fixture.store.batch(count).await.expect("a batch");
        let blobs = with_digests((0..count).map(pattern));
        batch.receive(blobs).await.expect("received");
        // A directory where the file belongs.
        let place = fixture.directory.path().join(blob_file(&pattern(1)));
        fs::create_dir_all(&place).expect("made");
        let failed = batch.finish().await;
        assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
        assert!(fixture.files().iter().all(|file| file.starts_with("sha256/")));
    }
}

#[tokio::test]
async fn what_is_read_together_lacks_what_is_not_stored_or_too_large() {
    let fixture = Fixture::new().await;
    let blobs = with_digests([pattern(0), pattern(10), pattern(1_000), pattern(1_001)]);
    store(&fixture.store, &blobs).await.expect("stored");
    let mut digests: Vec<_> = blobs.iter().map(|(digest, _)| *digest).collect();
    digests.push(Digest::of(b"never stored"));
    let read = fixture.store.read_all(digests, 1_000).await.expect("read");
    assert_eq!(read, blobs.into_iter().take(3).collect());
}
