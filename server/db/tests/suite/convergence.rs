//! Sites that exchange pages become equal.

use std::collections::HashMap;

use pakhus_core::Edit;
use pakhus_core::replication::{MergePolicy, RecordKey, State};
use pakhus_db::changes;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};

use crate::bench::{Bench, Site};
use crate::vocabulary::{
    attribute, delete, publish_with, remove_tag, tag, tag_if_absent, write_of,
};

on_both_backends!(sites_that_exchange_pages_in_any_order_become_equal);

/// The seeds of the runs; a seed that failed once belongs here.
const SEEDS: std::ops::Range<u64> = 0..8;

fn edit(random: &mut StdRng) -> Edit {
    let package = ["a", "b"][random.random_range(0..2)];
    let number = ["1.0.0", "1.1.0", "2.0.0"][random.random_range(0..3)];
    match random.random_range(0..8) {
        0..=2 => publish_with(package, number, &random.random_range(0..9).to_string(), Vec::new()),
        3 => delete(package, number),
        4 => tag(package, "latest", number),
        5 => tag_if_absent(package, "latest", number),
        6 => remove_tag(package, "latest"),
        _ => {
            let value = random.random_bool(0.7).then_some("deprecated");
            attribute(package, Some(number), "deprecation", value)
        }
    }
}

/// Takes one page of `source` at `site`, after the number where the last one ended.
async fn pull(site: &Site, source: &Site, since: u64, limit: u64) -> (u64, bool) {
    let page = changes::page(&source.database, source.feed.id, since, limit, usize::MAX).await;
    let page = page.expect("no failure");
    let writes = page.records.iter().map(write_of).collect();
    site.apply(writes, MergePolicy::Converge).await;
    (page.end.through, page.end.more)
}

async fn states(site: &Site) -> HashMap<RecordKey, State> {
    site.all_records().await.into_iter().map(|record| (record.key, record.state)).collect()
}

async fn sites_that_exchange_pages_in_any_order_become_equal(bench: &Bench) {
    let sites = [bench.site("la").await, bench.site("tokyo").await, bench.site("oslo").await];
    for seed in SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let mut cursors: HashMap<(usize, usize), u64> = HashMap::new();
        for _ in 0..30 {
            let here = random.random_range(0..sites.len());
            if random.random_bool(0.6) {
                // Some are refused, such as the delete of what is not there.
                let _ = sites[here].commit([edit(&mut random)]).await;
            } else {
                let there = (here + random.random_range(1..sites.len())) % sites.len();
                let limit = random.random_range(1..4);
                let since = cursors.get(&(here, there)).copied().unwrap_or_default();
                // A page that was applied and then forgotten is applied again.
                let (through, _) = pull(&sites[here], &sites[there], since, limit).await;
                if random.random_bool(0.8) {
                    cursors.insert((here, there), through);
                }
            }
        }
        // A line of sites: what happened at one end takes a run over each link to the other.
        for (here, there) in [(1, 0), (2, 1), (1, 2), (0, 1)] {
            let mut since = cursors.get(&(here, there)).copied().unwrap_or_default();
            while let (through, true) = pull(&sites[here], &sites[there], since, 2).await {
                since = through;
            }
        }
        let expected = states(&sites[0]).await;
        for site in &sites {
            assert_eq!(states(site).await, expected, "{} after seed {seed}", site.origin);
            for package in ["a", "b"] {
                let fingerprint = async |site: &Site| {
                    site.contents(package).await.map(|contents| contents.fingerprint)
                };
                assert_eq!(fingerprint(site).await, fingerprint(&sites[0]).await, "seed {seed}");
            }
            crate::log::check(site).await;
        }
    }
}
