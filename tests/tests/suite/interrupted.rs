//! A first sync of many packages that is interrupted again and again: in the end both sites hold the
//! same, and hardly anything travelled twice.

use std::sync::Arc;

use pakhus_tests::crowd::Crowd;
use pakhus_tests::relay::Relay;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;

/// How many packages are synced.
const PACKAGES: usize = 2_000;
/// The line is cut each time that so many bytes went over it.
const CUT_EVERY: u64 = 24 << 20;

/// A source with packages or none, a line to it, and a client at the end of the line with the others.
struct Sites {
    crowd: Arc<Crowd>,
    line: Relay,
    source: Server,
    client: Server,
}

impl Sites {
    /// Two sites, one of which has all packages. The line is closed until [`Self::connect`].
    async fn start(client_has_all: bool) -> Self {
        let source = Setup::new().npm_feed("libs", "read-write").start().await;
        let line = Relay::start(source.address()).await;
        line.close();
        // Short, because it is the longest pause after a run that failed.
        let url = line.url("/replication/libs");
        let client = Setup::new().npm_feed("libs", "disabled");
        let client = client.client_of_url(&url, "mirror", "200ms").start().await;
        let crowd = Arc::new(Crowd::of(PACKAGES));
        crowd.publish(if client_has_all { &client } else { &source }, "libs").await;
        Self { crowd, line, source, client }
    }

    /// Waits until so many parts of a hundred of all bytes went over the line.
    async fn percent_went_over(&self, percent: u64) {
        until("much went over the line", async || {
            (self.line.traffic().bytes * 100 >= self.crowd.bytes() * percent).then_some(())
        })
        .await;
    }

    /// Both sites come to hold all packages, and hardly anything travelled twice.
    async fn converge_for_little_more_than_the_content(&self) {
        for server in [&self.client, &self.source] {
            until("all packages are there", async || {
                let held = server.json("/api/v1/feeds/libs").await["versions"].as_u64();
                (held == Some(self.crowd.count() as u64)).then_some(())
            })
            .await;
        }
        // Before anything is compared: that goes over the line too.
        let (content, carried) = (self.crowd.bytes(), self.line.traffic().bytes);
        println!(
            "{} MiB of content, {} MiB on the wire, {} requests, {} connections, {} cuts",
            content >> 20,
            carried >> 20,
            self.line.traffic().requests,
            self.line.connections(),
            self.line.cuts()
        );
        let most = content / 2 * 3 + (8 << 20);
        assert!(carried < most, "{carried} bytes on the wire for {content} bytes of content");
        self.line.leave_alone();
        self.client.agrees_with_its_source("libs").await;
    }
}

async fn survives_a_line_that_is_cut_again_and_again(client_has_all: bool) {
    let sites = Sites::start(client_has_all).await;
    sites.line.cut_every(CUT_EVERY);
    sites.line.open();
    sites.converge_for_little_more_than_the_content().await;
    let cuts = sites.line.cuts();
    assert!(cuts > sites.crowd.bytes() / CUT_EVERY / 2, "only {cuts} cuts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_pull_over_a_line_that_is_cut_again_and_again_comes_to_its_end() {
    survives_a_line_that_is_cut_again_and_again(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_push_over_a_line_that_is_cut_again_and_again_comes_to_its_end() {
    survives_a_line_that_is_cut_again_and_again(true).await;
}

async fn survives_kills_of_both_ends(client_has_all: bool) {
    let mut sites = Sites::start(client_has_all).await;
    sites.line.open();
    for percent in [15, 40, 65] {
        sites.percent_went_over(percent).await;
        sites.client.kill();
        sites.client.restart().await;
        sites.percent_went_over(percent + 10).await;
        sites.source.kill();
        sites.source.restart().await;
    }
    sites.converge_for_little_more_than_the_content().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_pull_in_which_both_ends_are_killed_comes_to_its_end() {
    survives_kills_of_both_ends(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_push_in_which_both_ends_are_killed_comes_to_its_end() {
    survives_kills_of_both_ends(true).await;
}
