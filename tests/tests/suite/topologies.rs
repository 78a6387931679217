//! Sites as the documentation arranges them: a hub with mirrors, and a hub behind a hub with leaves that
//! only pull.

use pakhus_tests::package::Package;
use pakhus_tests::replica::all_agree;
use pakhus_tests::server::{Server, Setup};
use serde_json::json;

/// A hub and two mirrors of it.
struct Star {
    hub: Server,
    mirrors: [Server; 2],
}

impl Star {
    async fn start() -> Self {
        let hub = Setup::new().npm_feed("libs", "read-write").start().await;
        let mirror = Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror");
        let mirrors = tokio::join!(mirror.clone().start(), mirror.start()).into();
        Self { hub, mirrors }
    }

    fn sites(&self) -> [&Server; 3] {
        let [first, second] = &self.mirrors;
        [&self.hub, first, second]
    }

    async fn agrees(&self) {
        let [_, first, second] = self.sites();
        all_agree("libs", &[first, second]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_anywhere_in_a_star_appears_everywhere() {
    let star = Star::start().await;
    let mut packages = Vec::new();
    for (number, site) in star.sites().into_iter().enumerate() {
        let package = Package::new(&format!("from-{number}"), "1.0.0");
        site.publish("libs", &package).await;
        packages.push(package);
    }
    for site in star.sites() {
        for package in &packages {
            site.shows("libs", package).await;
        }
    }
    star.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_anywhere_in_a_star_disappears_everywhere() {
    let star = Star::start().await;
    for number in 0..3 {
        star.hub.publish("libs", &Package::new(&format!("old-{number}"), "1.0.0")).await;
    }
    star.agrees().await;
    for (number, site) in star.sites().into_iter().enumerate() {
        let name = format!("old-{number}");
        site.unpublish("libs", &name).await;
        for site in star.sites() {
            site.shows_no("libs", &name).await;
        }
    }
    star.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_set_moved_or_removed_anywhere_in_a_star_is_so_everywhere() {
    let star = Star::start().await;
    star.hub.publish("libs", &Package::new("tagged", "1.0.0")).await;
    star.hub.publish("libs", &Package::new("tagged", "2.0.0").tagged("next")).await;
    star.agrees().await;
    let [hub, first, second] = star.sites();
    let everywhere = async |tag: &str, version: Option<&str>| {
        for site in star.sites() {
            site.has_tag("libs", "tagged", tag, version).await;
        }
    };
    everywhere("next", Some("2.0.0")).await;
    first.set_tag("libs", "tagged", "stable", "1.0.0").await;
    everywhere("stable", Some("1.0.0")).await;
    second.set_tag("libs", "tagged", "stable", "2.0.0").await;
    everywhere("stable", Some("2.0.0")).await;
    hub.remove_tag("libs", "tagged", "stable").await;
    everywhere("stable", None).await;
    star.agrees().await;
}

/// A hub, a second hub that is a client of it, and two leaves that only pull from the second.
struct Chain {
    hub: Server,
    second: Server,
    leaves: [Server; 2],
}

impl Chain {
    /// `mode` is that of the second hub as a client; as a server it is read-only.
    async fn start(mode: &str) -> Self {
        let hub = Setup::new().npm_feed("libs", "read-write").start().await;
        let second = Setup::new().npm_feed("libs", "read-only").client_of(&hub, "libs", mode);
        let second = second.start().await;
        let leaf =
            Setup::new().npm_feed("libs", "disabled").client_of(&second, "libs", "pull-only");
        let leaves = tokio::join!(leaf.clone().start(), leaf.start()).into();
        Self { hub, second, leaves }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_and_a_delete_at_the_hub_reach_the_leaves_behind_a_second_hub() {
    for mode in ["mirror", "pull-only"] {
        let Chain { hub, second, leaves: [first_leaf, second_leaf] } = Chain::start(mode).await;
        let (stays, goes) = (Package::new("stays", "1.0.0"), Package::new("goes", "1.0.0"));
        hub.publish("libs", &stays).await;
        hub.publish("libs", &goes).await;
        for leaf in [&first_leaf, &second_leaf] {
            leaf.shows("libs", &stays).await;
            leaf.shows("libs", &goes).await;
        }
        hub.unpublish("libs", "goes").await;
        for leaf in [&first_leaf, &second_leaf] {
            leaf.shows_no("libs", "goes").await;
        }
        all_agree("libs", &[&second, &first_leaf, &second_leaf]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_at_a_leaf_that_only_pulls_goes_nowhere_else() {
    let Chain { hub, second, leaves: [leaf, other_leaf] } = Chain::start("mirror").await;
    let own = Package::new("own", "1.0.0");
    leaf.publish("libs", &own).await;
    let shared = Package::new("shared", "1.0.0");
    hub.publish("libs", &shared).await;
    for site in [&leaf, &other_leaf] {
        site.shows("libs", &shared).await;
        let execution = site.sync("libs").await;
        assert_eq!(execution["status"], "done", "{execution}");
    }
    second.sync("libs").await;
    for site in [&hub, &second, &other_leaf] {
        assert_eq!(site.holdings("libs").await, [("shared".to_owned(), "1.0.0".to_owned())]);
    }
    leaf.shows("libs", &own).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_the_hub_removes_the_same_version_that_a_leaf_had_uploaded_itself() {
    let Chain { hub, second: _second, leaves: [leaf, other_leaf] } = Chain::start("mirror").await;
    let content = |text: &str| Package::with_file("same", "1.0.0", text.as_bytes());
    let of_the_hub = content("the hub's");
    leaf.publish("libs", &content("the leaf's")).await;
    hub.publish("libs", &of_the_hub).await;
    for leaf in [&leaf, &other_leaf] {
        leaf.shows("libs", &of_the_hub).await;
    }
    hub.unpublish("libs", "same").await;
    for leaf in [&leaf, &other_leaf] {
        leaf.shows_no("libs", "same").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_the_hub_of_what_a_leaf_never_pulled_removes_the_leafs_own_upload() {
    let Chain { hub, second, mut leaves } = Chain::start("mirror").await;
    let leaf = &mut leaves[0];
    leaf.publish("libs", &Package::with_file("same", "1.0.0", b"the leaf's")).await;
    leaf.kill();
    hub.publish("libs", &Package::with_file("same", "1.0.0", b"the hub's")).await;
    hub.unpublish("libs", "same").await;
    second.agrees_with_its_source("libs").await;
    leaf.restart().await;
    leaf.shows_no("libs", "same").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_a_client_and_a_server_at_once() {
    let Chain { hub, second, leaves: [leaf, _leaf] } = Chain::start("mirror").await;
    let package = Package::new("from-the-middle", "1.0.0");
    second.publish("libs", &package).await;
    hub.shows("libs", &package).await;
    leaf.shows("libs", &package).await;
    let feeds = second.json("/api/v1/replication").await;
    let modes = json!([feeds["feeds"][0]["server_mode"], feeds["feeds"][0]["client_mode"]]);
    assert_eq!(modes, json!(["read-only", "mirror"]), "{feeds}");
}
