//! What a full disk leaves behind.

use sea_orm::ConnectionTrait as _;

use super::Database;
use crate::settings;

#[tokio::test]
async fn what_is_written_after_the_disk_was_full_is_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.db");
    let database = Database::open(&format!("sqlite:{}", path.display())).await.expect("it opens");

    // The disk has no room for another page.
    let full = database.begin().await.expect("a transaction");
    full.execute_unprepared("PRAGMA max_page_count = 1").await.expect("it is set");
    let much = "INSERT INTO settings (name, value) VALUES ('much', hex(zeroblob(1000000)))";
    full.execute_unprepared(much).await.expect_err("it does not fit");
    full.execute_unprepared("PRAGMA max_page_count = 1000000").await.expect("it is set");
    drop(full);

    // A change that is given up, as a refused one is, and one that is made.
    drop(database.begin().await.expect("a transaction"));
    settings::set(&database, "after", "it").await.expect("it is written");
    let kept = settings::get(&database, "after").await.expect("it is read");
    assert_eq!(kept.as_deref(), Some("it"));
}
