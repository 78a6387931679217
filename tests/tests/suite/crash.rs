//! Kill -9 at any moment: what was acknowledged is there, what was not is not there by half, and both
//! sites come to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// How often each test kills a server in the middle of something.
const KILLS: u32 = 7;
/// How many packages are published at a time.
const PUBLISHERS: u32 = 3;
/// How many packages each publisher publishes for a run to carry.
const BATCH: u32 = 8;
/// One package in so many is a large one, so that kills come in the middle of a blob.
const LARGE_EVERY: u32 = 4;
/// The size of a large package.
const LARGE: usize = 3_000_000;
/// The longest that something is left alone before the kill.
const LONGEST_PAUSE_MS: u64 = 400;

/// A name, and a version of it.
type Which = (String, String);

/// Versions with their integrity.
type Versions = BTreeMap<Which, String>;

/// The source, its mirror, what each acknowledged, and the chance that says who is killed when.
struct Sites {
    source: Server,
    mirror: Server,
    acknowledged: Arc<Mutex<Versions>>,
    /// What large packages are filled with; it does not compress.
    noise: Arc<Vec<u8>>,
    chance: StdRng,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Source,
    Mirror,
}

impl Site {
    /// What the names of packages published here begin with.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Source => "source-",
            Self::Mirror => "mirror-",
        }
    }
}

impl Sites {
    async fn start() -> Self {
        let seed = std::env::var("PAKHUS_TEST_SEED")
            .map_or_else(|_| rand::random(), |seed| seed.parse().expect("a seed is a number"));
        println!("the seed is {seed}; PAKHUS_TEST_SEED={seed} takes it again");
        let mut chance = StdRng::seed_from_u64(seed);
        let mut noise = vec![0; LARGE];
        chance.fill_bytes(&mut noise);
        let source = Setup::new().npm_feed("libs", "read-write").start().await;
        let mirror = Setup::new()
            .npm_feed("libs", "disabled")
            .client_of(&source, "libs", "mirror")
            .start()
            .await;
        Self { source, mirror, acknowledged: Arc::default(), noise: Arc::new(noise), chance }
    }

    const fn server(&self, site: Site) -> &Server {
        match site {
            Site::Source => &self.source,
            Site::Mirror => &self.mirror,
        }
    }

    const fn server_mut(&mut self, site: Site) -> &mut Server {
        match site {
            Site::Source => &mut self.source,
            Site::Mirror => &mut self.mirror,
        }
    }

    /// Either site.
    fn any(&mut self) -> Site {
        if self.chance.random() { Site::Source } else { Site::Mirror }
    }

    /// Lets things go on until a moment of chance, and kills a server then.
    async fn kill_at_some_moment(&mut self, site: Site) {
        let pause = self.chance.random_range(0..LONGEST_PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.server_mut(site).kill();
    }

    /// Begins to publish at a site, in several tasks, until the server goes away or each has published
    /// `each`.
    fn publish(&self, site: Site, round: u32, each: u32) -> tokio::task::JoinSet<()> {
        let mut publishers = tokio::task::JoinSet::new();
        for publisher in 0..PUBLISHERS {
            let publisher = Publisher {
                client: Client::new(),
                registry: self.server(site).registry("libs"),
                key: self.server(site).key().to_owned(),
                acknowledged: Arc::clone(&self.acknowledged),
                noise: Arc::clone(&self.noise),
                name: format!("{}{round}-{publisher}", site.prefix()),
            };
            publishers.spawn(publisher.publish(each));
        }
        publishers
    }

    fn acknowledged(&self) -> Versions {
        self.acknowledged.lock().expect("no panic while it was held").clone()
    }

    /// Restarts a site that was killed: all that it acknowledged is there, and nothing by half.
    async fn restarts_whole(&mut self, site: Site) {
        self.server_mut(site).restart().await;
        let shown = whole(self.server(site)).await;
        for (version, integrity) in self.acknowledged() {
            if version.0.starts_with(site.prefix()) {
                assert_eq!(shown.get(&version), Some(&integrity), "{version:?} at {site:?}");
            }
        }
    }

    /// Both sites come to the same, whole, with all that either acknowledged; nothing counts as running
    /// that does not run.
    async fn converge(&self) {
        until("both sites show the same", async || {
            let execution = self.mirror.sync("libs").await;
            assert_eq!(execution["status"], "done", "{execution}");
            (packuments(&self.source).await == packuments(&self.mirror).await).then_some(())
        })
        .await;
        let shown = whole(&self.source).await;
        assert_eq!(shown, whole(&self.mirror).await);
        let acknowledged = self.acknowledged();
        assert!(!acknowledged.is_empty());
        for (version, integrity) in &acknowledged {
            assert_eq!(shown.get(version), Some(integrity), "{version:?} was acknowledged");
        }
        for server in [&self.source, &self.mirror] {
            until("no execution is left running", async || {
                let running = server.json("/api/v1/executions?status=running&limit=1000").await;
                (running["executions"] == json!([])).then_some(())
            })
            .await;
        }
    }
}

/// Publishes one version of a package after another.
struct Publisher {
    client: Client,
    registry: String,
    key: String,
    acknowledged: Arc<Mutex<Versions>>,
    noise: Arc<Vec<u8>>,
    name: String,
}

impl Publisher {
    async fn publish(self, count: u32) {
        for number in 0..count {
            let package = self.package(number);
            let url = format!("{}{}", self.registry, self.name);
            let request = self.client.request(Method::PUT, url).bearer_auth(&self.key);
            let Ok(answer) = request.json(&package.document()).send().await else { return };
            let status = answer.status();
            assert!(status.is_success(), "{} {}: {status}", package.name, package.version);
            let integrity = package.integrity();
            let mut acknowledged = self.acknowledged.lock().expect("no panic while it was held");
            acknowledged.insert((package.name, package.version), integrity);
        }
    }

    fn package(&self, number: u32) -> Package {
        let version = format!("1.{number}.0");
        if number % LARGE_EVERY != LARGE_EVERY - 1 {
            return Package::new(&self.name, &version);
        }
        let mut file = format!("// {}@{version}\n//", self.name).into_bytes();
        file.extend_from_slice(&self.noise);
        Package::with_file(&self.name, &version, &file)
    }
}

async fn text(response: Response, what: &str) -> String {
    assert_eq!(response.status(), 200, "{what}");
    response.text().await.expect("it comes whole")
}

/// Every packument of a site by its name, with the address of the site taken out.
async fn packuments(server: &Server) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let names: BTreeSet<_> =
        server.holdings("libs").await.into_iter().map(|(name, _)| name).collect();
    for name in names {
        let packument = text(server.get(&format!("/npm/libs/{name}")).await, &name).await;
        all.insert(name, packument.replace(server.address(), "SITE"));
    }
    all
}

/// Every version that the packuments of a site show. Its tarball is read, and is what the packument
/// says; tags name versions that are there.
async fn whole(server: &Server) -> Versions {
    let holdings = server.holdings("libs").await;
    let mut shown = Versions::new();
    for (name, packument) in packuments(server).await {
        let packument: Value = serde_json::from_str(&packument).expect("JSON");
        let versions = packument["versions"].as_object().expect("versions");
        for (version, manifest) in versions {
            let path = format!("/npm/libs/{name}/-/{name}-{version}.tgz");
            let tarball = server.get(&path).await;
            assert_eq!(tarball.status(), 200, "{path}");
            let tarball = tarball.bytes().await.expect("the tarball comes whole");
            let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
            assert_eq!(manifest["dist"]["integrity"], integrity, "{path}");
            shown.insert((name.clone(), version.clone()), integrity);
        }
        for (tag, version) in packument["dist-tags"].as_object().expect("tags") {
            let version = version.as_str().expect("a version");
            assert!(versions.contains_key(version), "{name}: {tag} is {version}");
        }
    }
    for version in &holdings {
        assert!(shown.contains_key(version), "{version:?} is listed and in no packument");
    }
    shown
}

async fn ended(mut publishers: tokio::task::JoinSet<()>) {
    while let Some(ended) = publishers.join_next().await {
        ended.expect("only the kill ends publishing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_packages_are_published_loses_nothing_acknowledged() {
    let mut sites = Sites::start().await;
    for round in 0..KILLS {
        let site = sites.any();
        let before = sites.acknowledged().len();
        let publishers = sites.publish(site, round, u32::MAX);
        until("something is acknowledged", async || {
            (sites.acknowledged().len() > before).then_some(())
        })
        .await;
        sites.kill_at_some_moment(site).await;
        ended(publishers).await;
        sites.restarts_whole(site).await;
    }
    sites.converge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_mirror_pulls_leaves_nothing_by_half() {
    let mut sites = Sites::start().await;
    for round in 0..KILLS {
        sites.mirror.kill();
        ended(sites.publish(Site::Source, round, BATCH)).await;
        // A mirror begins to pull as it starts.
        sites.mirror.restart().await;
        let site = sites.any();
        sites.kill_at_some_moment(site).await;
        sites.restarts_whole(site).await;
    }
    sites.converge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_mirror_pushes_leaves_nothing_by_half() {
    let mut sites = Sites::start().await;
    for round in 0..KILLS {
        sites.source.kill();
        ended(sites.publish(Site::Mirror, round, BATCH)).await;
        sites.source.restart().await;
        let begin = sites.mirror.request(Method::POST, "/api/v1/feeds/libs/sync");
        let begun = begin.json(&json!({})).send().await.expect("an answer");
        assert_eq!(begun.status(), 202);
        let site = sites.any();
        sites.kill_at_some_moment(site).await;
        sites.restarts_whole(site).await;
    }
    sites.converge().await;
}
