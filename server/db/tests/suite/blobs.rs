//! Which blobs a feed may see.

use pakhus_core::Digest;
use pakhus_db::{blobs, feeds};

use crate::bench::{Bench, Site, feed_settings};
use crate::vocabulary::{blob, delete, publish_with};

on_both_backends!(
    a_blob_has_a_size_while_a_record_names_it,
    a_blob_that_another_version_names_too_stays_named,
    what_no_record_names_and_nobody_uploaded_is_unknown,
    noting_an_upload_again_changes_nothing,
    what_one_feed_sees_another_does_not,
);

async fn size(site: &Site, bytes: &str) -> Option<u64> {
    blobs::named_size(&site.database, site.feed.id, &blob(bytes).digest).await.expect("no failure")
}

async fn a_blob_has_a_size_while_a_record_names_it(bench: &Bench) {
    let site = bench.site("la").await;
    assert_eq!(size(&site, "tarball").await, None);
    let blobs = vec![blob("tarball"), blob("signature")];
    site.commit([publish_with("a", "1.0.0", "", blobs)]).await.expect("published");
    assert_eq!(size(&site, "tarball").await, Some(7));
    assert_eq!(size(&site, "signature").await, Some(9));
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    assert_eq!(size(&site, "tarball").await, None);
    site.commit([publish_with("a", "1.0.0", "", vec![blob("other")])]).await.expect("published");
    assert_eq!(size(&site, "tarball").await, None);
    assert_eq!(size(&site, "other").await, Some(5));
}

async fn a_blob_that_another_version_names_too_stays_named(bench: &Bench) {
    let site = bench.site("la").await;
    let shared = || vec![blob("shared")];
    let edits = [
        publish_with("a", "1.0.0", "", shared()),
        publish_with("a", "2.0.0", "", shared()),
        publish_with("b", "1.0.0", "", shared()),
        publish_with("b", "2.0.0", "", vec![blob("own")]),
    ];
    site.commit(edits).await.expect("published");
    site.commit([delete("a", "1.0.0"), delete("b", "2.0.0")]).await.expect("deleted");
    assert_eq!(size(&site, "shared").await, Some(6));
    let raw = site.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM record_blobs").await, 2);
    site.commit([delete("a", "2.0.0"), delete("b", "1.0.0")]).await.expect("deleted");
    assert_eq!(size(&site, "shared").await, None);
}

async fn what_no_record_names_and_nobody_uploaded_is_unknown(bench: &Bench) {
    let site = bench.site("la").await;
    let (feed, now) = (site.feed.id, bench.clock.now());
    site.commit([publish_with("a", "1.0.0", "", vec![blob("named")])]).await.expect("published");
    blobs::note_received(&site.database, feed, &[blob("received").digest], now)
        .await
        .expect("noted");
    let mut asked: Vec<Digest> =
        (0..250).map(|number| blob(&format!("unknown {number}")).digest).collect();
    let expected = asked.clone();
    asked.insert(3, blob("named").digest);
    asked.push(blob("received").digest);
    let unknown = blobs::unknown(&site.database, feed, &asked).await.expect("no failure");
    assert_eq!(unknown, expected);
    assert_eq!(blobs::unknown(&site.database, feed, &[]).await.expect("no failure"), []);
    assert_eq!(size(&site, "received").await, None, "it was uploaded, but no record names it");
}

async fn noting_an_upload_again_changes_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    for _ in 0..3 {
        let (digest, now) = (blob("received").digest, bench.clock.now());
        blobs::note_received(&site.database, site.feed.id, &[digest], now).await.expect("noted");
    }
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM received_blobs").await, 1);
}

async fn what_one_feed_sees_another_does_not(bench: &Bench) {
    let site = bench.site("la").await;
    let made = feeds::create(&site.database, &feed_settings("other"), bench.clock.now()).await;
    let other = made.expect("no failure").expect("a new name").id;
    site.commit([publish_with("a", "1.0.0", "", vec![blob("named")])]).await.expect("published");
    let received = blob("received").digest;
    let now = bench.clock.now();
    blobs::note_received(&site.database, site.feed.id, &[received], now).await.expect("noted");
    let asked = [blob("named").digest, received];
    assert_eq!(blobs::unknown(&site.database, other, &asked).await.expect("no failure"), asked);
    let size = blobs::named_size(&site.database, other, &asked[0]).await.expect("no failure");
    assert_eq!(size, None);
}
