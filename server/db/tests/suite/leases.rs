//! Leases.

use pakhus_core::Timestamp;
use pakhus_core::replication::MergePolicy;
use pakhus_core::replication::engine::Batch;
use pakhus_db::leases::{self, Lease};
use pakhus_db::{Error, apply};

use crate::bench::{Bench, Site};
use crate::vocabulary::content;

on_both_backends!(
    one_holds_a_lease_until_it_expires,
    a_lease_that_was_given_up_is_free,
    who_lost_the_lease_writes_nothing_more,
    of_many_who_want_a_lease_one_gets_it,
);

async fn take(site: &Site, holder: &str, now: i64) -> Option<Lease> {
    let at = Timestamp::from_millis;
    leases::take(&site.database, "run/1", holder, at(now), at(now + 10)).await.expect("no failure")
}

async fn one_holds_a_lease_until_it_expires(bench: &Bench) {
    let site = bench.site("la").await;
    let first = take(&site, "one", 0).await.expect("it is free");
    assert_eq!(take(&site, "two", 5).await, None);
    assert_eq!(take(&site, "one", 5).await, Some(first.clone()), "it is renewed");
    assert_eq!(take(&site, "two", 14).await, None);
    let second = take(&site, "two", 15).await.expect("it expired");
    assert!(second.fence > first.fence);
    let holders = leases::holders(&site.database, "run/", Timestamp::from_millis(15)).await;
    assert_eq!(holders.expect("no failure"), ["two"]);
}

async fn a_lease_that_was_given_up_is_free(bench: &Bench) {
    let site = bench.site("la").await;
    take(&site, "one", 0).await.expect("it is free");
    leases::release(&site.database, "run/1", "two").await.expect("no failure");
    assert_eq!(take(&site, "two", 1).await, None);
    leases::release(&site.database, "run/1", "one").await.expect("no failure");
    assert!(take(&site, "two", 1).await.is_some());
    leases::release_all(&site.database, "two").await.expect("no failure");
    assert!(take(&site, "one", 2).await.is_some());
}

async fn who_lost_the_lease_writes_nothing_more(bench: &Bench) {
    let site = bench.site("la").await;
    let lost = take(&site, "one", 0).await.expect("it is free");
    let held = take(&site, "two", 20).await.expect("it expired");
    let write = async |lease: &Lease| {
        let writes = vec![content("a", "1.0.0", 1, 5, "x", Vec::new())];
        let batch = Batch { writes, ..Batch::new(MergePolicy::Converge) };
        let now = site.clock.now();
        apply::apply(&site.database, site.feed.id, batch, Some(lease), now).await
    };
    let refused = write(&lost).await;
    assert!(matches!(refused, Err(Error::LeaseLost)), "{refused:?}");
    assert_eq!(site.end().await.seq, 0);
    write(&held).await.expect("it is held");
}

async fn of_many_who_want_a_lease_one_gets_it(bench: &Bench) {
    let site = bench.site("la").await;
    let other = site.other_node().await;
    let holders: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    let taking = holders
        .iter()
        .enumerate()
        .map(|(number, holder)| take(if number % 2 == 0 { &site } else { &other }, holder, 0));
    let taken = futures_util::future::join_all(taking).await;
    assert_eq!(taken.iter().flatten().count(), 1);
}
