//! Resumable uploads.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use pakhus_blobs::{Append, Error, Result, UploadId, Uploads, WHOLE};
use pakhus_core::Digest;
use proptest::prelude::*;

use crate::{Fixture, blob_file, pattern, read};

const LIMIT: u64 = 64 * 1024 * 1024;

async fn append(uploads: &Uploads, id: &UploadId, offset: u64, bytes: Bytes) -> Result<u64> {
    let mut append = uploads.append(id, Some(offset), LIMIT).await?;
    append.write(bytes).await?;
    append.finish().await
}

/// Waits until no request holds the upload: an append that is dropped lets go soon after.
async fn when_free(uploads: &Uploads, id: &UploadId) -> Append {
    loop {
        match uploads.append(id, None, LIMIT).await {
            Err(Error::Busy(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            other => return other.expect("append"),
        }
    }
}

#[tokio::test]
async fn an_upload_continues_after_a_restart() {
    let mut fixture = Fixture::new().await;
    let bytes = pattern(5_000_000);
    let id = fixture.store.uploads().create().await.expect("create");
    let mut offset = 0;
    for end in [10, 2_000_000, 2_000_001, 5_000_000] {
        let start = usize::try_from(offset).expect("small");
        offset = append(fixture.store.uploads(), &id, offset, bytes.slice(start..end))
            .await
            .expect("append");
        fixture.restart().await;
        assert_eq!(fixture.store.uploads().offset(&id).await.expect("offset"), end as u64);
    }
    let written = fixture.store.uploads().finish(&id, Digest::of(&bytes)).await.expect("finish");
    assert_eq!((written.digest, written.size), (Digest::of(&bytes), 5_000_000));
    assert_eq!(&written.first_bytes[..], &bytes[..1024]);
    assert_eq!(fixture.files(), [blob_file(&bytes)]);
    assert_eq!(read(&fixture.store, &written.digest, WHOLE).await.as_deref(), Some(&bytes[..]));
}

#[tokio::test]
async fn an_append_elsewhere_than_at_the_end_is_refused() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let id = uploads.create().await.expect("create");
    append(uploads, &id, 0, pattern(10)).await.expect("append");
    for offset in [0, 9, 11, u64::MAX] {
        let refused = append(uploads, &id, offset, pattern(1)).await;
        assert!(matches!(refused, Err(Error::OffsetMismatch { expected: 10 })), "{refused:?}");
    }
    assert_eq!(uploads.offset(&id).await.expect("offset"), 10);
}

#[tokio::test]
async fn a_second_request_finds_the_upload_busy() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let id = uploads.create().await.expect("create");
    let mut first = uploads.append(&id, Some(0), LIMIT).await.expect("append");
    let busy = |result: Result<()>| assert!(matches!(result, Err(Error::Busy(_))), "{result:?}");
    busy(uploads.append(&id, Some(0), LIMIT).await.map(|_| ()));
    busy(uploads.finish(&id, Digest::of(b"")).await.map(|_| ()));
    busy(uploads.cancel(&id).await);
    first.write(Bytes::from_static(b"bytes")).await.expect("write");
    assert_eq!(first.finish().await.expect("finish"), 5);
    uploads.finish(&id, Digest::of(b"bytes")).await.expect("finish");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_appends_at_once_one_succeeds() {
    let fixture = Fixture::new().await;
    let id = fixture.store.uploads().create().await.expect("create");
    let appends = (0..8).map(|_| {
        let uploads = fixture.store.uploads().clone();
        tokio::spawn(async move { append(&uploads, &id, 0, pattern(1_500_000)).await })
    });
    let mut succeeded = 0;
    for result in futures_util::future::join_all(appends).await {
        match result.expect("no panic") {
            Ok(_) => succeeded += 1,
            Err(Error::Busy(_) | Error::OffsetMismatch { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(succeeded, 1);
    let expected = Digest::of(&pattern(1_500_000));
    fixture.store.uploads().finish(&id, expected).await.expect("finish");
}

#[tokio::test]
async fn an_append_that_is_dropped_keeps_a_beginning_and_the_upload_goes_on() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let bytes = pattern(5_000_000);
    let id = uploads.create().await.expect("create");
    let mut dropped = uploads.append(&id, Some(0), LIMIT).await.expect("append");
    dropped.write(bytes.slice(..3_000_000)).await.expect("write");
    drop(dropped);

    let mut append = when_free(uploads, &id).await;
    let kept = usize::try_from(append.size()).expect("small");
    assert!(kept <= 3_000_000 && kept > 0, "{kept}");
    append.write(bytes.slice(kept..)).await.expect("write");
    append.finish().await.expect("finish");
    uploads.finish(&id, Digest::of(&bytes)).await.expect("finish");
}

#[tokio::test]
async fn bytes_that_are_not_the_announced_ones_end_the_upload() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let id = uploads.create().await.expect("create");
    append(uploads, &id, 0, pattern(10)).await.expect("append");
    let refused = uploads.finish(&id, Digest::of(b"something else")).await;
    assert!(matches!(refused, Err(Error::DigestMismatch { .. })), "{refused:?}");
    assert_eq!(fixture.files(), Vec::<String>::new());
    assert!(matches!(uploads.offset(&id).await, Err(Error::UnknownUpload(_))));
}

#[tokio::test]
async fn bytes_that_are_stored_already_are_not_stored_again() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    for _ in 0..2 {
        let id = uploads.create().await.expect("create");
        append(uploads, &id, 0, pattern(10)).await.expect("append");
        uploads.finish(&id, Digest::of(&pattern(10))).await.expect("finish");
    }
    assert_eq!(fixture.files(), [blob_file(&pattern(10))]);
}

#[tokio::test]
async fn an_upload_larger_than_the_limit_is_refused() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let id = uploads.create().await.expect("create");
    append(uploads, &id, 0, pattern(10)).await.expect("append");
    let mut above = uploads.append(&id, Some(10), 15).await.expect("append");
    above.write(pattern(5)).await.expect("as many as allowed");
    let refused = above.write(pattern(1)).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: 15 })), "{refused:?}");
    drop(above);
    uploads.cancel(&id).await.expect("cancel");
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_over_is_unknown() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let finished = uploads.create().await.expect("create");
    uploads.finish(&finished, Digest::of(b"")).await.expect("finish");
    let cancelled = uploads.create().await.expect("create");
    uploads.cancel(&cancelled).await.expect("cancel");
    for id in [finished, cancelled] {
        let unknown = |result: Result<()>| assert!(matches!(result, Err(Error::UnknownUpload(_))));
        unknown(uploads.offset(&id).await.map(|_| ()));
        unknown(uploads.append(&id, None, LIMIT).await.map(|_| ()));
        unknown(uploads.finish(&id, Digest::of(b"")).await.map(|_| ()));
        unknown(uploads.cancel(&id).await);
    }
}

#[tokio::test]
async fn what_another_server_appended_is_hashed_too() {
    let fixture = Fixture::new().await;
    let other = pakhus_blobs::BlobStore::open(fixture.directory.path()).await.expect("open");
    let id = fixture.store.uploads().create().await.expect("create");
    append(fixture.store.uploads(), &id, 0, Bytes::from_static(b"one ")).await.expect("append");
    append(other.uploads(), &id, 4, Bytes::from_static(b"two ")).await.expect("append");
    append(fixture.store.uploads(), &id, 8, Bytes::from_static(b"three")).await.expect("append");
    let expected = Digest::of(b"one two three");
    other.uploads().finish(&id, expected).await.expect("finish");
    let stored = fs::read(fixture.directory.path().join(blob_file(b"one two three")));
    assert_eq!(stored.expect("read"), b"one two three");
}

proptest! {
    #[test]
    fn no_text_but_a_plain_uuid_names_an_upload(text in "[0-9a-fA-F./\\\\{}:\\-\0]{0,40}|.{0,40}") {
        if let Ok(id) = text.parse::<UploadId>() {
            prop_assert_eq!(id.to_string(), &text[..]);
            prop_assert!(text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-'));
        }
    }
}
