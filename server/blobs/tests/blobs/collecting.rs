//! Collecting garbage.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use pakhus_blobs::WHOLE;
use pakhus_core::Digest;

use crate::{Fixture, blob_file, put, read};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn age(path: &Path, age: Duration) {
    let file = File::open(path).expect("open");
    file.set_modified(SystemTime::now() - age).expect("set modified");
}

#[tokio::test]
async fn an_old_blob_is_removed_and_a_young_one_is_spared() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, "bytes").await.expect("put").digest;
    assert_eq!(fixture.store.collect(&digest, HOUR).await.expect("collect"), None);
    assert_eq!(fixture.files(), [blob_file(b"bytes")]);
    age(&fixture.directory.path().join(blob_file(b"bytes")), 2 * HOUR);
    assert_eq!(fixture.store.collect(&digest, HOUR).await.expect("collect"), Some(5));
    assert_eq!(fixture.files(), Vec::<String>::new());
    assert_eq!(fixture.store.collect(&digest, HOUR).await.expect("collect"), None);
}

#[tokio::test]
async fn a_blob_that_is_renewed_or_stored_again_is_spared() {
    let fixture = Fixture::new().await;
    let written = put(&fixture.store, "bytes").await.expect("put");
    let path = fixture.directory.path().join(blob_file(b"bytes"));
    age(&path, 2 * HOUR);
    let renewed = fixture.store.renew(vec![(written.digest, Some(5))]).await.expect("renew");
    assert_eq!(renewed, []);
    assert_eq!(fixture.store.collect(&written.digest, HOUR).await.expect("collect"), None);
    age(&path, 2 * HOUR);
    put(&fixture.store, "bytes").await.expect("put");
    assert_eq!(fixture.store.collect(&written.digest, HOUR).await.expect("collect"), None);
}

#[tokio::test]
async fn renewing_tells_what_is_not_stored_or_has_another_length() {
    let fixture = Fixture::new().await;
    let digest = put(&fixture.store, "bytes").await.expect("put").digest;
    let absent = Digest::of(b"absent");
    let asked = vec![(digest, None), (digest, Some(6)), (absent, None)];
    assert_eq!(fixture.store.renew(asked).await.expect("renew"), [digest, absent]);
}

#[tokio::test]
async fn what_a_collection_that_was_cut_off_had_taken_away_is_put_back() {
    let mut fixture = Fixture::new().await;
    let digest = put(&fixture.store, "bytes").await.expect("put").digest;
    let root = fixture.directory.path().to_path_buf();
    let taken = root.join("collected").join(digest.hex());
    fs::rename(root.join(blob_file(b"bytes")), taken).expect("rename");
    fixture.restart().await;
    assert_eq!(fixture.files(), [blob_file(b"bytes")]);
    assert_eq!(read(&fixture.store, &digest, WHOLE).await.as_deref(), Some(b"bytes".as_slice()));
}
