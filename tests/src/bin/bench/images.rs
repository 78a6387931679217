//! What a registry of images can do: Pakhus, and Debian's docker-registry beside it.

use std::time::{Duration, Instant};

use pakhus_core::Digest;
use pakhus_tests::images::{IMAGE, image};
use pakhus_tests::server::Setup;
use reqwest::{Body, Client, Method, Response};

use crate::load::{Load, rate};
use crate::processor;
use crate::registry::{Registry, random};
use crate::skopeo;
use crate::table::{Table, line};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(2);

/// How many small images are pushed.
const IMAGES: usize = 100;

/// Measures both, and prints how they compare.
pub(crate) async fn measure() {
    let server = Setup::new().docker_feed("images", "disabled").start().await;
    let registry = Registry {
        address: server.address().to_owned(),
        root: "/v2/images/".to_owned(),
        key: Some(server.key().to_owned()),
        process: processor::started_last(),
    };
    let own = measure_one("pakhus", &registry).await;
    println!();
    let other = skopeo::Registry::start().await;
    let beside = Registry {
        address: other.address.clone(),
        root: "/v2/".to_owned(),
        key: None,
        process: other.process(),
    };
    let other = measure_one("docker-registry", &beside).await;
    own.compare(&other);
}

async fn measure_one(name: &str, registry: &Registry) -> Table {
    let pusher = Pusher { registry, client: Client::new() };
    let small = random(10_000);
    pusher.image("bench", "latest", &small).await;
    let large = random(100 << 20);
    let hundred = pusher.timed(&large).await;
    let huge = random(1 << 30);
    let gigabyte = pusher.timed(&huge).await;
    let layers: Vec<_> = (0..IMAGES).map(|_| random(10_000)).collect();
    let started = Instant::now();
    for (number, layer) in layers.iter().enumerate() {
        pusher.image(&format!("small-{number}"), "latest", layer).await;
    }
    let images = IMAGES as f64 / started.elapsed().as_secs_f64();

    let mut table = Table::begin(name);
    let blob = |bytes: &[u8]| format!("bench/blobs/{}", Digest::of(bytes));
    let digest = Digest::of(image(&[&small]).to_string().as_bytes());
    for (what, path) in [
        ("manifest by tag", "bench/manifests/latest".to_owned()),
        ("manifest by digest", format!("bench/manifests/{digest}")),
        ("blob, 10 kB", blob(&small)),
    ] {
        let load = Load::get(registry, &path).header("accept", IMAGE);
        let one = rate(registry, &load, 1, TIME).await;
        table.rates(what, one, rate(registry, &load, 16, TIME).await);
    }
    for (what, bytes) in [("pull, 100 MiB", &large), ("pull, 1 GiB", &huge)] {
        let load = Load::get(registry, &blob(bytes));
        table.throughput(what, rate(registry, &load, 1, TIME).await);
    }
    table.number("push, 100 MiB", hundred, "MB/s");
    table.number("push, 1 GiB", gigabyte, "MB/s");
    table.number("push of small images", images, "/s");
    line(
        "most memory of the server",
        &format!("{} MiB", processor::peak_memory(registry.process) >> 20),
    );
    table
}

/// Somebody who pushes to a registry, as clients do: a request for each blob more than is needed.
struct Pusher<'r> {
    registry: &'r Registry,
    client: Client,
}

impl Pusher<'_> {
    async fn send(&self, method: Method, url: &str, kind: &str, body: impl Into<Body>) -> Response {
        let mut request = self.client.request(method, url).header("content-type", kind).body(body);
        if let Some(key) = &self.registry.key {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.expect("the server answers");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{}", self.registry.address, self.registry.path(path))
    }

    async fn blob(&self, name: &str, bytes: &[u8]) {
        let url = self.url(&format!("{name}/blobs/uploads/"));
        let begun = self.send(Method::POST, &url, "", "").await;
        let location = begun.headers()["location"].to_str().expect("text");
        let location = begun.url().join(location).expect("an address");
        let sign = if location.query().is_some() { '&' } else { '?' };
        let end = format!("{location}{sign}digest={}", Digest::of(bytes));
        self.send(Method::PUT, &end, "application/octet-stream", bytes.to_vec()).await;
    }

    async fn image(&self, name: &str, tag: &str, layer: &[u8]) {
        self.blob(name, b"{}").await;
        self.blob(name, layer).await;
        let url = self.url(&format!("{name}/manifests/{tag}"));
        self.send(Method::PUT, &url, IMAGE, image(&[layer]).to_string()).await;
    }

    /// Pushes a blob; megabytes a second.
    async fn timed(&self, bytes: &[u8]) -> f64 {
        // With what clients hash before and copy meanwhile.
        let started = Instant::now();
        self.blob("bench", bytes).await;
        bytes.len() as f64 / 1e6 / started.elapsed().as_secs_f64()
    }
}
