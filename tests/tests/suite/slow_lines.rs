//! Three sites in networks of their own, with 50 ms and lost packets between them.

use std::time::Duration;

use pakhus_tests::network::Network;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};

const PORT: u16 = 8624;

/// A hub, which is site 1, and two mirrors.
struct Sites {
    hub: Server,
    mirrors: [Server; 2],
    network: Network,
}

impl Sites {
    async fn start() -> Self {
        // 25 ms each way.
        let network = Network::new(3, 25, 2);
        let listen = |site| format!("{}:{PORT}", network.address(site));
        let at = |site: usize| Setup::new().within(network.within(site)).listen(&listen(site));
        let hub = at(1).npm_feed("libs", "read-write").start().await;
        let mirror = |site| at(site).npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror");
        let mirrors = tokio::join!(mirror(2).start(), mirror(3).start()).into();
        Self { hub, mirrors, network }
    }

    async fn agree(&self) {
        for mirror in &self.mirrors {
            mirror.agrees_with_its_source("libs").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_behind_slow_lines_that_lose_packets_come_to_the_same() {
    let sites = Sites::start().await;
    let [one, two] = &sites.mirrors;
    let packages: Vec<_> = (0..20)
        .map(|number| Package::with_file(&format!("p{number}"), "1.0.0", &[7; 50_000]))
        .collect();
    for (number, package) in packages.iter().enumerate() {
        [&sites.hub, one, two][number % 3].publish("libs", package).await;
    }
    for server in [&sites.hub, one, two] {
        for package in &packages {
            server.shows("libs", package).await;
        }
    }
    sites.agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_cut_off_goes_on_working_and_catches_up() {
    let sites = Sites::start().await;
    let [one, two] = &sites.mirrors;
    let (before, there, elsewhere) = (
        Package::new("before", "1.0.0"),
        Package::new("there", "1.0.0"),
        Package::new("elsewhere", "1.0.0"),
    );
    sites.hub.publish("libs", &before).await;
    for server in [one, two] {
        server.shows("libs", &before).await;
    }
    // The tests reach a site by its line alone, so what happens there meanwhile is done from within.
    let url = one.url("/npm/libs/there");
    let document = there.document().to_string();
    sites.network.cut(2);
    publish_within(&sites.network, 2, &url, one.key(), &document);
    sites.hub.publish("libs", &elsewhere).await;
    two.unpublish("libs", "before").await;
    sites.hub.shows_no("libs", "before").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    sites.network.mend(2);
    for server in [&sites.hub, one, two] {
        server.shows("libs", &there).await;
        server.shows("libs", &elsewhere).await;
        server.shows_no("libs", "before").await;
    }
    sites.agree().await;
}

/// Publishes at a site that cannot be reached from elsewhere.
fn publish_within(network: &Network, site: usize, url: &str, key: &str, document: &str) {
    let script = "import json, sys, urllib.request as u; \
        r = u.Request(sys.argv[1], sys.stdin.buffer.read(), method='PUT'); \
        r.add_header('content-type', 'application/json'); \
        r.add_header('authorization', 'Bearer ' + sys.argv[2]); \
        u.build_opener(u.ProxyHandler({})).open(r, timeout=60)";
    let within = network.within(site);
    let mut command = std::process::Command::new(&within[0]);
    command.args(&within[1..]).args(["python3", "-c", script, url, key]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut input, document.as_bytes()).expect("written");
    drop(input);
    assert!(child.wait().expect("it ends").success(), "it is published");
}
