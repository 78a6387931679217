//! What every kind of blob store must do. Another kind runs the same function.

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use pakhus_blobs::{BlobStore, Error, Hashes, WHOLE, WriterOptions};
use pakhus_core::Digest;

use crate::{Fixture, OPTIONS, pattern, put, read};

/// Tries an empty store; leaves it empty.
async fn conforms(store: &BlobStore) {
    let large = pattern(3 * 1024 * 1024 + 17);
    let contents = [Bytes::new(), Bytes::from_static(b"small"), large];

    for bytes in &contents {
        let digest = Digest::of(bytes);
        let size = bytes.len() as u64;
        assert!(!store.contains(&digest).await.expect("contains"));
        assert_eq!(store.size(&digest).await.expect("size"), None);
        assert!(store.read(&digest, WHOLE).await.expect("read").is_none());
        assert!(store.read(&digest, 0..1).await.expect("read").is_none());
        assert_eq!(store.collect(&digest, Duration::ZERO).await.expect("collect"), None);

        // The second time it is there already.
        for _ in 0..2 {
            let written = put(store, bytes.clone()).await.expect("put");
            assert_eq!((written.digest, written.size), (digest, size));
            assert!(store.contains(&digest).await.expect("contains"));
            assert_eq!(store.size(&digest).await.expect("size"), Some(size));
            assert_eq!(read(store, &digest, WHOLE).await.as_deref(), Some(&bytes[..]));
        }
    }

    let listed: Vec<_> = store.list().try_collect().await.expect("list");
    let mut listed: Vec<_> = listed.into_iter().map(|blob| (blob.digest, blob.size)).collect();
    let mut expected: Vec<_> =
        contents.iter().map(|bytes| (Digest::of(bytes), bytes.len() as u64)).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected, "each blob is listed once");

    // What is refused is not stored.
    let mut writer = store.writer(OPTIONS);
    writer.write(Bytes::from_static(b"other")).await.expect("write");
    let refused = writer.finish(Some(Digest::of(b"announced").into())).await;
    assert!(matches!(refused, Err(Error::DigestMismatch { .. })), "{refused:?}");
    let mut writer = store.writer(WriterOptions { max_size: 4, hashes: Hashes::Sha256 });
    let refused = writer.write(Bytes::from_static(b"other")).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: 4 })), "{refused:?}");
    drop(writer);
    assert!(!store.contains(&Digest::of(b"other")).await.expect("contains"));

    // Two writers of the same content at once.
    let bytes = pattern(2 * 1024 * 1024);
    let (first, second) = tokio::join!(put(store, bytes.clone()), put(store, bytes.clone()));
    assert_eq!(first.expect("the first"), second.expect("the second"));
    assert_eq!(read(store, &Digest::of(&bytes), WHOLE).await.as_deref(), Some(&bytes[..]));

    // An upload in two requests.
    let upload = store.uploads().create().await.expect("create");
    for piece in [b"pie".as_slice(), b"ces"] {
        let offset = store.uploads().offset(&upload).await.expect("offset");
        let mut append = store.uploads().append(&upload, Some(offset), 6).await.expect("append");
        append.write(Bytes::from_static(piece)).await.expect("write");
        assert_eq!(append.finish().await.expect("finish"), offset + 3);
    }
    let pieces = Digest::of(b"pieces");
    assert!(!store.contains(&pieces).await.expect("contains"));
    let written = store.uploads().finish(&upload, pieces).await.expect("finish");
    assert_eq!((written.digest, written.size), (pieces, 6));
    assert!(store.contains(&pieces).await.expect("contains"));

    let all: Vec<_> = store.list().try_collect().await.expect("list");
    for blob in all {
        assert_eq!(
            store.collect(&blob.digest, Duration::ZERO).await.expect("collect"),
            Some(blob.size)
        );
        assert!(!store.contains(&blob.digest).await.expect("contains"));
    }
}

#[tokio::test]
async fn a_directory_conforms() {
    let fixture = Fixture::new().await;
    conforms(&fixture.store).await;
    fixture.becomes_empty().await;
}
