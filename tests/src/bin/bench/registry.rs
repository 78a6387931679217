//! What one npm registry can do, whoever serves it.

use std::time::Duration;

use bytes::Bytes;
use pakhus_tests::package::Package;
use serde_json::{Value, json};

use crate::load::{Load, rate};
use crate::processor::peak_memory;
use crate::table::{self, Table};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(2);
/// How many versions a package with many has.
const VERSIONS: usize = 500;
/// More packages than are published in the time.
const PUBLISHES: usize = 5_000;
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// A registry that runs.
pub(crate) struct Registry {
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// The path of the registry, with a slash at its end.
    pub(crate) root: String,
    /// A key that may publish, where one is needed.
    pub(crate) key: Option<String>,
    /// The process that serves it.
    pub(crate) process: u32,
}

impl Registry {
    /// The path of something in it.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    async fn etag(&self, path: &str) -> String {
        let url = format!("http://{}{}", self.address, self.path(path));
        let answer = reqwest::get(url).await.expect("the server answers");
        answer.headers()["etag"].to_str().expect("text").to_owned()
    }
}

/// Bytes that cannot be compressed.
pub(crate) fn random(bytes: usize) -> Vec<u8> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random[..]);
    random
}

/// The request that publishes a package, whose manifest is about as long as they are.
pub(crate) fn publish(package: &Package) -> (String, Bytes) {
    let mut document = package.document();
    let dependencies: serde_json::Map<String, Value> =
        (0..12).map(|number| (format!("a-dependency-{number}"), json!("^1.2.3"))).collect();
    for (name, value) in [
        ("description", json!("A package that is published to be read many times.")),
        ("keywords", json!(["read", "many", "times", "package"])),
        ("license", json!("MIT")),
        ("dependencies", json!(dependencies)),
        ("devDependencies", json!(dependencies)),
        ("scripts", json!({ "test": "node test.js", "build": "node build.js --all" })),
        ("repository", json!({ "type": "git", "url": "git+https://example.com/a/package.git" })),
        ("readme", json!("# A package\n\nRead it.\n".repeat(10))),
        ("engines", json!({ "node": ">=20" })),
    ] {
        document["versions"][&package.version][name] = value;
    }
    (package.name.clone(), document.to_string().into())
}

/// The requests that publish a package with many versions.
pub(crate) fn many_versions(name: &str) -> impl Iterator<Item = (String, Bytes)> {
    (0..VERSIONS).map(move |number| publish(&Package::new(name, &format!("1.{number}.0"))))
}

/// Measures reads and publishes.
pub(crate) async fn measure(name: &str, registry: &Registry) -> Table {
    let small = publish(&Package::with_file("small", "1.0.0", &random(10_000)));
    let large = publish(&Package::with_file("large", "1.0.0", &random(100_000_000)));
    Load::put(registry, many_versions("many").chain([small, large]).collect()).all().await;

    let mut table = Table::begin(name);
    reads(registry, &mut table).await;
    let packages = (0..PUBLISHES)
        .map(|number| Package::with_file(&format!("p{number}"), "1.0.0", &random(10_000)));
    let load = Load::put(registry, packages.map(|package| publish(&package)).collect());
    both(registry, &mut table, "publish, 10 kB", &load).await;
    let peak = peak_memory(registry.process);
    table::line("most memory of the server", &format!("{} MiB", peak >> 20));
    table
}

async fn reads(registry: &Registry, table: &mut Table) {
    let small = Load::get(registry, "small");
    let many = Load::get(registry, "many");
    let short = many.clone().header("accept", ABBREVIATED);
    let etag = registry.etag("many").await;
    for (what, load) in [
        ("packument, 1 version", small.clone()),
        ("packument, 1 version, abbreviated", small.header("accept", ABBREVIATED)),
        ("packument, 500 versions", many.clone()),
        ("packument, 500 versions, gzip", many.clone().header("accept-encoding", "gzip")),
        ("packument, 500 versions, abbreviated", short.clone()),
        ("packument, 500 versions, abbreviated, gzip", short.header("accept-encoding", "gzip")),
        ("packument, 500 versions, not modified", many.header("if-none-match", &etag)),
        ("tarball, 10 kB", Load::get(registry, "small/-/small-1.0.0.tgz")),
    ] {
        both(registry, table, what, &load).await;
    }
    let large = Load::get(registry, "large/-/large-1.0.0.tgz");
    table.throughput("tarball, 100 MB", rate(registry, &large, 1, TIME).await);
}

/// Measures a load over one connection, and over 16.
pub(crate) async fn both(registry: &Registry, table: &mut Table, what: &str, load: &Load) {
    let one = rate(registry, load, 1, TIME).await;
    let many = rate(registry, load, 16, TIME).await;
    table.rates(what, one, many);
}
