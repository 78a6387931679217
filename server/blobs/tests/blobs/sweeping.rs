//! Removing what was left behind.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::{Fixture, OPTIONS, blob_file, pattern, put};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn age(path: &std::path::Path, age: Duration) {
    let file = File::open(path).expect("open");
    file.set_modified(SystemTime::now() - age).expect("set modified");
}

#[tokio::test]
async fn opening_removes_only_what_is_older_than_a_day() {
    let mut fixture = Fixture::new().await;
    put(&fixture.store, "bytes").await.expect("put");
    let root = fixture.directory.path().to_path_buf();
    for (name, old) in [("old", 2 * DAY), ("young", DAY / 2)] {
        fs::write(root.join("incoming").join(name), "left behind").expect("write");
        age(&root.join("incoming").join(name), old);
    }
    age(&root.join(blob_file(b"bytes")), 100 * DAY);
    fixture.restart().await;
    assert_eq!(fixture.files(), ["incoming/young".to_owned(), blob_file(b"bytes")]);
}

#[tokio::test]
async fn a_writer_whose_file_was_swept_fails_when_it_finishes() {
    let fixture = Fixture::new().await;
    let mut writer = fixture.store.writer(OPTIONS);
    writer.write(pattern(2_500_000)).await.expect("write");
    assert_eq!(fixture.store.sweep_incoming(Duration::ZERO).await.expect("sweep"), 1);
    assert!(writer.finish(None).await.is_err());
    assert_eq!(fixture.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_sweep_of_uploads_spares_the_young_and_the_held() {
    let fixture = Fixture::new().await;
    let uploads = fixture.store.uploads();
    let root = fixture.directory.path().join("uploads");
    let [old, young, held] = [
        uploads.create().await.expect("create"),
        uploads.create().await.expect("create"),
        uploads.create().await.expect("create"),
    ];
    age(&root.join(old.to_string()), 8 * DAY);
    age(&root.join(held.to_string()), 8 * DAY);
    fs::write(root.join("notes.txt"), "not ours").expect("write");
    age(&root.join("notes.txt"), 8 * DAY);
    let append = uploads.append(&held, None, 10).await.expect("append");

    assert_eq!(uploads.sweep(7 * DAY).await.expect("sweep"), 1);
    assert!(uploads.offset(&old).await.is_err());
    assert_eq!(uploads.offset(&young).await.expect("offset"), 0);
    assert_eq!(uploads.offset(&held).await.expect("offset"), 0);
    assert!(root.join("notes.txt").exists());
    drop(append);
}
