//! What replication costs, beside programs that do something like it.
//!
//! Both sites and this program share the machine. All folders stay until the end: ext4 makes files
//! slowly for minutes after many were removed.

use std::time::{Duration, Instant};

use pakhus_tests::package::Package;
use pakhus_tests::relay::{Relay, Traffic};
use pakhus_tests::server::{Server, Setup};
use tempfile::TempDir;

use crate::compared::{Compared, heading, kilobytes, milliseconds, seconds};
use crate::load::{Load, rate};
use crate::registry::{Registry, publish, random};
use crate::sites::{arrival, latencies, percentile, run};
use crate::{processor, rsync, seed, skopeo};

/// A round trip to a site that is far away.
const FAR: Duration = Duration::from_millis(50);
/// How often a first sync is measured; the median counts.
const TIMES: usize = 3;
/// Runs that find nothing.
const RUNS: usize = 20;
/// Versions of one package, where there are many.
const VERSIONS: usize = 100;

/// What can be measured by itself.
pub(crate) const PARTS: [&str; 5] = ["small", "push", "large", "nothing", "latency"];

/// Measures `part`, or everything, and prints.
pub(crate) async fn measure(part: Option<&str>) {
    let wanted = |name| part.is_none_or(|part| part == name);
    heading();
    let mut kept = Kept::default();
    if wanted("small") {
        first_syncs(&mut kept, "10,000 of 10 kB", 10_000, 10_000, true).await;
    }
    if wanted("push") {
        first_pushes(&mut kept, "10,000 of 10 kB", 10_000, 10_000).await;
    }
    if wanted("large") {
        first_syncs(&mut kept, "100 of 10 MB", 100, 10_000_000, false).await;
    }
    if wanted("nothing") {
        let other = skopeo::measure().await;
        for versions in [1_000, 100_000] {
            no_op(&mut kept, versions, &other).await;
        }
    }
    if wanted("latency") {
        latency().await;
    }
}

async fn latency() {
    for (what, mut took) in latencies().await {
        let [half, most] = [50, 99].map(|percent| percentile(&mut took, percent));
        Compared::new(&format!("publish to visible, {what}, p50"))
            .pakhus(&milliseconds(half))
            .print();
        Compared::new(&format!("publish to visible, {what}, p99"))
            .pakhus(&milliseconds(most))
            .goal("< 250 ms", most < Duration::from_millis(250))
            .print();
    }
}

/// What must not be removed before all is measured.
#[derive(Default)]
struct Kept {
    servers: Vec<Server>,
    folders: Vec<TempDir>,
}

impl Kept {
    async fn stop(&mut self, mut server: Server) {
        server.stop().await;
        self.servers.push(server);
    }

    /// An empty folder.
    fn folder(&mut self) -> &TempDir {
        self.folders.push(tempfile::tempdir().expect("a folder"));
        &self.folders[self.folders.len() - 1]
    }
}

async fn hub() -> Server {
    Setup::new().npm_feed("libs", "read-write").start().await
}

/// A site that mirrors a hub at `address`, and runs by itself once, at its start.
async fn leaf(address: &str) -> Server {
    mirror_of(address).start().await
}

fn mirror_of(address: &str) -> Setup {
    let url = format!("http://{address}/replication/libs");
    Setup::new().npm_feed("libs", "disabled").client_of_url(&url, "mirror", "1h")
}

async fn sync(leaf: &Server) {
    let execution = leaf.sync("libs").await;
    assert_eq!(execution["status"], "done", "{execution}");
}

/// Publishes so many packages of so many bytes.
async fn fill(hub: &Server, packages: usize, bytes: usize) {
    let registry = Registry {
        address: hub.address().to_owned(),
        root: "/npm/libs/".to_owned(),
        key: Some(hub.key().to_owned()),
        process: processor::started_last(),
    };
    let names: Vec<_> = (0..packages).map(|number| format!("p{number}")).collect();
    for names in names.chunks(1_000.min(100_000_000 / bytes)) {
        let documents = names
            .iter()
            .map(|name| publish(&Package::with_file(name, "1.0.0", &random(bytes))))
            .collect();
        let load = Load::put(&registry, documents);
        rate(&registry, &load, 8, Duration::from_secs(600)).await;
    }
}

/// First syncs of a hub's packages, and copies of its blobs by rsync, in turn.
async fn first_syncs(kept: &mut Kept, what: &str, packages: usize, bytes: usize, small: bool) {
    let hub = hub().await;
    fill(&hub, packages, bytes).await;
    let daemon = rsync::Rsync::start(&hub.data_dir().join("blobs/sha256")).await;
    let (far_hub, far_daemon) = (
        Relay::start_long(hub.address(), FAR / 2).await,
        Relay::start_long(daemon.address(), FAR / 2).await,
    );
    for (line, hub_address, daemon_address) in [
        ("loopback", hub.address(), daemon.address()),
        ("50 ms", &far_hub.address(), &far_daemon.address()),
    ] {
        let (mut own, mut plain, mut safe) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TIMES {
            own.push(first_sync(kept, hub_address, packages).await);
            for (took, fsync) in [(&mut plain, false), (&mut safe, true)] {
                let folder = kept.folder();
                took.push(rsync::copy(daemon_address, folder.path(), fsync).await);
            }
        }
        let own = percentile(&mut own, 50);
        for (with, mut took, fsync) in [("rsync", plain, false), ("rsync --fsync", safe, true)] {
            let took = percentile(&mut took, 50);
            let times = took.as_secs_f64() / own.as_secs_f64();
            let row = Compared::new(&format!("first sync, {what}, {line}"))
                .pakhus(&seconds(own))
                .beside(with, &seconds(took))
                .times(times);
            match (small && !fsync, line) {
                (true, "loopback") => row.goal("1 x", times >= 1.0).print(),
                (true, _) => row.goal("5 x", times >= 5.0).print(),
                (false, _) => row.print(),
            }
        }
        if !small {
            // Few files: removing them costs the next nothing, and they are large.
            kept.folders.clear();
            kept.servers.clear();
        }
    }
    if small {
        kept.stop(hub).await;
    }
}

/// From the start of a site to the end of its first run.
async fn first_sync(kept: &mut Kept, hub: &str, packages: usize) -> Duration {
    let started = Instant::now();
    let leaf = leaf(hub).await;
    sync(&leaf).await;
    let took = started.elapsed();
    assert_eq!(leaf.holdings("libs").await.len(), packages);
    kept.stop(leaf).await;
    took
}

/// First pushes of a site's packages to empty hubs.
async fn first_pushes(kept: &mut Kept, what: &str, packages: usize, bytes: usize) {
    let mut site = Setup::new().npm_feed("libs", "disabled").start().await;
    fill(&site, packages, bytes).await;
    for line in ["loopback", "50 ms"] {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let hub = hub().await;
            let far = Relay::start_long(hub.address(), FAR / 2).await;
            let near = hub.address().to_owned();
            site.reconfigure(mirror_of(&if line == "loopback" { near } else { far.address() }));
            let started = Instant::now();
            site.restart().await;
            sync(&site).await;
            took.push(started.elapsed());
            assert_eq!(hub.holdings("libs").await.len(), packages);
            kept.stop(hub).await;
        }
        Compared::new(&format!("first push, {what}, {line}"))
            .pakhus(&seconds(percentile(&mut took, 50)))
            .print();
    }
    kept.stop(site).await;
}

/// Runs that find nothing, and one that finds ten changes.
async fn no_op(kept: &mut Kept, versions: usize, other: &skopeo::Synced) {
    let hub = hub().await;
    let tarball = seed::upload(&hub, Package::new("a", "1.0.0")).await;
    for package in 0..versions / VERSIONS {
        let name = format!("p{package}");
        let records: Vec<_> = (0..VERSIONS)
            .map(|number| seed::record(&tarball, &name, &format!("1.{number}.0")))
            .collect();
        seed::push(&hub, &records).await;
    }
    let line = Relay::start(hub.address()).await;
    let leaf = leaf(&line.address()).await;
    sync(&leaf).await;
    let (mut took, mut requests, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (before, started) = (line.traffic(), Instant::now());
        run(&leaf).await;
        took.push(started.elapsed());
        let Traffic { requests: asked, bytes: moved } = line.traffic().since(before);
        requests.push(asked);
        bytes.push(moved);
    }
    let (took, requests, bytes) =
        (percentile(&mut took, 50), percentile(&mut requests, 50), percentile(&mut bytes, 50));
    let images = skopeo::IMAGES;
    let skopeo::Synced { took: other_took, source, target } = other;
    let beside = format!(
        "{} + {} requests, {}",
        source.requests,
        target.requests,
        milliseconds(*other_took)
    );
    Compared::new(&format!("a run that finds nothing, {versions} versions"))
        .pakhus(&format!("{requests} request, {bytes} bytes, {}", milliseconds(took)))
        .beside(&format!("skopeo, {images} images"), &beside)
        .times(other_took.as_secs_f64() / took.as_secs_f64())
        .goal("1 request, < 1 kB", requests == 1 && bytes < 1_000)
        .print();
    ten_changes(&hub, &leaf, &line, versions).await;
    kept.stop(leaf).await;
    kept.stop(hub).await;
}

/// Ten versions that are published at once, until the last is visible at the other site.
async fn ten_changes(hub: &Server, leaf: &Server, line: &Relay, versions: usize) {
    let mut records = Vec::new();
    let mut blobs = 0;
    for number in 0..10 {
        let name = format!("new{number}");
        let package = Package::with_file(&name, "1.0.0", &random(10_000));
        blobs += package.tarball.len();
        records.push(seed::record(&seed::upload(hub, package).await, &name, "1.0.0"));
    }
    let before = line.traffic();
    seed::push(hub, &records).await;
    let took = arrival(leaf, "new9").await;
    // Until the site waits for the next change.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let Traffic { requests, bytes } = line.traffic().since(before);
    let besides = kilobytes(bytes - blobs as u64);
    Compared::new(&format!("10 changes in {versions} versions, without blobs"))
        .pakhus(&format!("{requests} requests, {besides}, {}", milliseconds(took)))
        .print();
}
