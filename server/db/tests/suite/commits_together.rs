//! Changes that wait at the same time, and are made in one transaction.

use std::time::Duration;

use pakhus_core::{Change, Committed, Edit, Precondition, RefusalKind};
use pakhus_db::Error;

use crate::bench::{Backend, Bench, Site, refusal};
use crate::concurrency::hold_the_lock;
use crate::vocabulary::{name, publish, tag};

on_both_backends!(
    changes_that_wait_together_share_a_transaction,
    of_changes_made_together_each_has_its_own_answer,
    changes_of_one_package_see_those_before,
    a_change_that_cannot_be_written_fails_alone,
);

/// Makes changes that all wait for a lock before the first of them is made.
async fn together<const N: usize>(
    bench: &Bench,
    site: &Site,
    changes: [Change; N],
) -> [Result<Committed, Error>; N] {
    let lock = hold_the_lock(site, bench.backend).await;
    let waiting = futures_util::future::join_all(changes.map(|change| site.change(change)));
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        lock.execute("ROLLBACK").await;
    };
    let (outcomes, ()) = tokio::join!(waiting, release);
    outcomes.try_into().expect("as many answers as changes")
}

fn change(edits: impl IntoIterator<Item = Edit>) -> Change {
    Change { preconditions: Vec::new(), edits: edits.into_iter().collect() }
}

async fn changes_that_wait_together_share_a_transaction(bench: &Bench) {
    let site = bench.site("la").await;
    let packages = ["a", "b", "c"].map(|package| change([publish(package, "1.0.0")]));
    for outcome in together(bench, &site, packages).await {
        // The end of the log after all of them: none was committed before another.
        assert_eq!(outcome.expect("published").sequence, 3);
    }
    crate::log::check(&site).await;
}

async fn of_changes_made_together_each_has_its_own_answer(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("b", "1.0.0")]).await.expect("published");
    let precondition =
        Precondition::Fingerprint { name: name("c"), fingerprint: "another".to_owned() };
    let stale = Change { preconditions: vec![precondition], edits: vec![publish("c", "1.0.0")] };
    let [first, again, late, last] = together(
        bench,
        &site,
        [
            change([publish("a", "1.0.0")]),
            change([publish("b", "1.0.0")]),
            stale,
            change([publish("d", "1.0.0")]),
        ],
    )
    .await;
    assert_eq!(first.expect("published").sequence, 3);
    assert_eq!(last.expect("published").sequence, 3);
    for refused in [again, late] {
        assert_eq!(refusal(refused).kind, RefusalKind::Conflict);
    }
    assert!(site.contents("c").await.is_none());
    crate::log::check(&site).await;
}

async fn changes_of_one_package_see_those_before(bench: &Bench) {
    let site = bench.site("la").await;
    let [published, tagged, again] = together(
        bench,
        &site,
        [
            change([publish("a", "1.0.0")]),
            change([tag("a", "latest", "1.0.0")]),
            change([publish("a", "1.0.0")]),
        ],
    )
    .await;
    published.expect("published");
    tagged.expect("the version is there");
    assert_eq!(refusal(again).kind, RefusalKind::Conflict);
    assert_eq!(site.end().await.seq, 2);
    crate::log::check(&site).await;
}

async fn a_change_that_cannot_be_written_fails_alone(bench: &Bench) {
    let site = bench.site("la").await;
    let raw = site.raw().await;
    raw.execute(match bench.backend {
        Backend::Sqlite => {
            "CREATE TRIGGER broken BEFORE INSERT ON records WHEN NEW.name = 'b' \
             BEGIN SELECT RAISE(ABORT, 'broken'); END"
        }
        Backend::Postgres => "ALTER TABLE records ADD CONSTRAINT broken CHECK (name <> 'b')",
    })
    .await;
    let packages = ["a", "b", "c"].map(|package| change([publish(package, "1.0.0")]));
    let [first, broken, last] = together(bench, &site, packages).await;
    first.expect("published");
    assert!(matches!(broken, Err(Error::Database(_))), "{broken:?}");
    last.expect("published");
    assert_eq!(site.end().await.seq, 2);
    crate::log::check(&site).await;
}
