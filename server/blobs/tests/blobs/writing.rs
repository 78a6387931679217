//! Writing blobs in one go.

use std::fs;
use std::future::Future as _;
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use pakhus_blobs::{Error, Hashes, WHOLE, WriterOptions};
use pakhus_core::Digest;
use proptest::prelude::*;
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use crate::{Fixture, OPTIONS, blob_file, pattern, put, read};

#[tokio::test]
async fn identical_bytes_are_stored_once() {
    let fixture = Fixture::new().await;
    for bytes in [pattern(10), pattern(3_000_000)] {
        let first = put(&fixture.store, bytes.clone()).await.expect("put");
        let second = put(&fixture.store, bytes.clone()).await.expect("put");
        assert_eq!(first, second);
    }
    let mut expected = vec![blob_file(&pattern(10)), blob_file(&pattern(3_000_000))];
    expected.sort();
    assert_eq!(fixture.files(), expected);
}

#[tokio::test]
async fn storing_again_makes_a_blob_young_again() {
    let fixture = Fixture::new().await;
    put(&fixture.store, "bytes").await.expect("put");
    let path = fixture.directory.path().join(blob_file(b"bytes"));
    let modified = || fs::metadata(&path).and_then(|found| found.modified()).expect("modified");
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    fs::File::open(&path).and_then(|file| file.set_modified(long_ago)).expect("set modified");
    put(&fixture.store, "bytes").await.expect("put");
    assert!(modified() > long_ago + Duration::from_secs(900_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_the_same_bytes_at_once_all_succeed() {
    let fixture = Fixture::new().await;
    for bytes in [pattern(10), pattern(2_500_000)] {
        let writers = (0..8).map(|_| {
            let (store, bytes) = (fixture.store.clone(), bytes.clone());
            tokio::spawn(async move { put(&store, bytes).await })
        });
        for written in join_all(writers).await {
            let written = written.expect("no panic").expect("put");
            assert_eq!(written.digest, Digest::of(&bytes));
        }
    }
    assert_eq!(fixture.files().len(), 2);
}

#[tokio::test]
async fn a_dropped_writer_leaves_no_file() {
    let fixture = Fixture::new().await;
    for length in [10, 1024 * 1024, 3_000_000] {
        let mut writer = fixture.store.writer(OPTIONS);
        writer.write(pattern(length)).await.expect("write");
        drop(writer);
        fixture.becomes_empty().await;
    }
}

#[tokio::test]
async fn a_cancelled_writer_leaves_no_file() {
    let fixture = Fixture::new().await;
    let mut writer = fixture.store.writer(OPTIONS);
    writer.write(pattern(3_000_000)).await.expect("write");
    assert!(!fixture.files().is_empty(), "so that there is something to remove");
    writer.cancel().await;
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn bytes_that_are_not_the_announced_ones_leave_no_file() {
    let fixture = Fixture::new().await;
    for length in [10, 3_000_000] {
        let bytes = pattern(length);
        let expected = Digest::of(b"something else");
        let mut writer = fixture.store.writer(OPTIONS);
        writer.write(bytes.clone()).await.expect("write");
        match writer.finish(Some(expected.into())).await {
            Err(Error::DigestMismatch { expected: told, actual }) => {
                assert_eq!((*told, *actual), (expected.into(), Digest::of(&bytes).into()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fixture.files(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_announced_bytes_are_stored() {
    let fixture = Fixture::new().await;
    let mut writer = fixture.store.writer(OPTIONS);
    writer.write(Bytes::from_static(b"bytes")).await.expect("write");
    writer.finish(Some(Digest::of(b"bytes").into())).await.expect("finish");
    assert_eq!(fixture.files(), [blob_file(b"bytes")]);
}

#[tokio::test]
async fn a_byte_above_the_limit_is_refused_and_leaves_no_file() {
    let fixture = Fixture::new().await;
    for limit in [10, 2_500_000] {
        let options = WriterOptions { max_size: limit, hashes: Hashes::Sha256 };
        let length = usize::try_from(limit).expect("small");
        let mut writer = fixture.store.writer(options);
        writer.write(pattern(length)).await.expect("as many as allowed");
        let refused = writer.write(Bytes::from_static(b"!")).await;
        assert!(matches!(refused, Err(Error::TooLarge { limit: told }) if told == limit));
        assert_eq!(fixture.files(), Vec::<String>::new());
        assert!(matches!(writer.finish(None).await, Err(Error::Broken)));
    }
}

#[tokio::test]
async fn an_exhausted_limit_is_no_error() {
    let fixture = Fixture::new().await;
    let mut writer = fixture.store.writer(WriterOptions { max_size: 5, hashes: Hashes::Sha256 });
    writer.write(Bytes::from_static(b"bytes")).await.expect("write");
    assert_eq!(writer.size(), 5);
    let written = writer.finish(None).await.expect("finish");
    assert_eq!((written.size, written.sha512, written.sha1), (5, None, None));
}

#[tokio::test]
async fn a_disk_that_fails_is_told_and_leaves_no_file() {
    let fixture = Fixture::new().await;
    let incoming = fixture.directory.path().join("incoming");
    fs::remove_dir(&incoming).expect("remove");
    let failed = put(&fixture.store, "bytes").await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");

    let mut writer = fixture.store.writer(OPTIONS);
    writer.write(pattern(1024 * 1024)).await.expect("the first buffer is only handed on");
    let failed = writer.write(pattern(1024 * 1024)).await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    let failed = writer.write(Bytes::from_static(b"more")).await;
    assert!(matches!(failed, Err(Error::Broken)), "{failed:?}");
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[test]
fn a_write_that_was_given_up_halfway_cannot_be_continued() {
    // The only blocking thread is occupied, so that the disk is sure to be waited for.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let fixture = Fixture::new().await;
        let (release, occupied) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || occupied.recv());
        let mut writer = fixture.store.writer(OPTIONS);
        {
            let write = std::pin::pin!(writer.write(pattern(3_000_000)));
            let pending = write.poll(&mut Context::from_waker(Waker::noop()));
            assert!(pending.is_pending(), "two buffers are full");
        }
        drop(release);
        assert!(matches!(writer.write(Bytes::new()).await, Err(Error::Broken)));
        assert!(matches!(writer.finish(None).await, Err(Error::Broken)));
        fixture.becomes_empty().await;
    });
}

#[tokio::test]
async fn a_damaged_blob_is_replaced_when_its_bytes_come_again() {
    let fixture = Fixture::new().await;
    put(&fixture.store, "bytes").await.expect("put");
    let path = fixture.directory.path().join(blob_file(b"bytes"));
    fs::write(&path, "byt").expect("damage");
    let written = put(&fixture.store, "bytes").await.expect("put");
    assert_eq!(read(&fixture.store, &written.digest, WHOLE).await.as_deref(), Some(&b"bytes"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn digests_do_not_depend_on_how_the_bytes_are_cut(
        length in prop_oneof![0..3000_usize, 1_048_570..1_048_580_usize, 0..3_300_000_usize],
        cuts in prop::collection::vec(0..3_300_000_usize, 0..12),
    ) {
        let bytes = pattern(length);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(length)).collect();
        cuts.extend([0, length]);
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime can be made");
        let written = runtime.block_on(async {
            let fixture = Fixture::new().await;
            let mut writer = fixture.store.writer(OPTIONS);
            for pair in cuts.windows(2) {
                writer.write(bytes.slice(pair[0]..pair[1])).await.expect("write");
            }
            let written = writer.finish(None).await.expect("finish");
            assert_eq!(read(&fixture.store, &written.digest, WHOLE).await.as_deref(), Some(&bytes[..]));
            assert_eq!(fixture.files(), [blob_file(&bytes)]);
            written
        });
        prop_assert_eq!(written.digest, Digest::of(&bytes));
        prop_assert_eq!(written.size, length as u64);
        prop_assert_eq!(written.sha512, Some(Sha512::digest(&bytes).into()));
        prop_assert_eq!(written.sha1, Some(Sha1::digest(&bytes).into()));
        prop_assert_eq!(&written.first_bytes[..], &bytes[..length.min(1024)]);
    }
}
