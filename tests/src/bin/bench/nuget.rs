//! NuGet: what a feed can do beside other servers.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use pakhus_tests::nuget::{Feed, Package};

use crate::load::{Load, rate};
use crate::registry::{Registry, random};
use crate::table::{Table, line};
use crate::{nginx, nuget_server, processor};

/// How long each rate is measured.
const TIME: Duration = Duration::from_secs(2);
/// How many versions a package with many has.
const VERSIONS: usize = 500;
/// How many packages are searched.
const PACKAGES: usize = 1_000;
/// More packages than are pushed in the time.
const PUSHES: usize = 5_000;

/// A server of packages that runs, and where it has what clients ask for.
pub(crate) struct Source {
    pub(crate) registry: Registry,
    /// The folder of registrations, with its slash.
    pub(crate) registrations: &'static str,
    /// The folder of package files, with its slash.
    pub(crate) flat: &'static str,
    /// Where searches go.
    pub(crate) search: &'static str,
    /// How packages are pushed.
    pub(crate) push: (Method, &'static str),
}

/// Measures a feed, another server of packages, and how fast nginx serves the same bytes; and prints how
/// they compare.
pub(crate) async fn compare() {
    let feed = Feed::open().await;
    let own = Source {
        registry: Registry {
            address: feed.server.address().to_owned(),
            root: "/nuget/libs/".to_owned(),
            key: Some(feed.server.key().to_owned()),
            process: processor::started_last(),
        },
        registrations: "v3/registration-gz-semver2/",
        flat: "v3/flat/",
        search: "v3/search",
        push: (Method::PUT, "v3/package"),
    };
    let (table, memory) = measure("pakhus", &own).await;
    println!();
    let other = nuget_server::start().await;
    let (others, others_memory) = measure(&nuget_server::name(), &other.source).await;
    table.compare(&others);
    let times = others_memory as f64 / memory as f64;
    line("times less memory at most", &format!("{times:.1} x"));
    drop(other);
    println!();
    let documents = [
        ("service index", "v3/index.json".to_owned()),
        ("versions, 500", format!("{}many/index.json", own.flat)),
    ];
    nginx::compare(&own.registry, &documents).await;
}

/// Measures reads, searches and pushes; and the most memory of the server in bytes.
async fn measure(name: &str, source: &Source) -> (Table, u64) {
    let many = (0..VERSIONS).map(|number| Package::new("many", &format!("1.{number}.0")));
    let found = (0..PACKAGES).map(|number| {
        let tag = ["json", "xml", "yaml", "http", "log"][number % 5];
        Package::new(&format!("Acme.Tool{number}"), "1.0.0").saying(&format!("<tags>{tag}</tags>"))
    });
    let large = Package::new("large", "1.0.0").with_file("content/data.bin", &random(100_000_000));
    push(source, many.chain(found).chain([sized("small"), large])).all().await;

    let mut table = Table::begin(name);
    let (registrations, flat, search) = (source.registrations, source.flat, source.search);
    let get = |path: String| Load::get(&source.registry, &path);
    let gzip = |path: String| get(path).header("accept-encoding", "gzip");
    for (what, load) in [
        ("service index", get("v3/index.json".to_owned())),
        ("registration, 1 version", gzip(format!("{registrations}small/index.json"))),
        ("registration, 500 versions", gzip(format!("{registrations}many/index.json"))),
        ("versions, 500", get(format!("{flat}many/index.json"))),
        (
            "search, 1,000 packages, a word",
            get(format!("{search}?q=json&take=20&semVerLevel=2.0.0")),
        ),
        ("search, 1,000 packages, all", get(format!("{search}?q=&take=20&semVerLevel=2.0.0"))),
        ("package, 10 kB", get(format!("{flat}small/1.0.0/small.1.0.0.nupkg"))),
    ] {
        both(source, &mut table, what, &load).await;
    }
    let large = get(format!("{flat}large/1.0.0/large.1.0.0.nupkg"));
    table.throughput("package, 100 MB", rate(&source.registry, &large, 1, TIME).await);
    let load = push(source, (0..PUSHES).map(|number| sized(&format!("p{number}"))));
    both(source, &mut table, "push, 10 kB", &load).await;
    let memory = processor::peak_memory(source.registry.process);
    line("most memory of the server", &format!("{} MiB", memory >> 20));
    (table, memory)
}

/// A package of about 10 kB.
fn sized(id: &str) -> Package {
    Package::new(id, "1.0.0").with_file("content/data.bin", &random(9_000))
}

fn push(source: &Source, packages: impl Iterator<Item = Package>) -> Load {
    let (method, path) = &source.push;
    let requests = packages.map(|package| ((*path).to_owned(), Bytes::from(package.bytes())));
    let kind = "application/octet-stream";
    Load::write(&source.registry, method.clone(), kind, requests.collect())
}

async fn both(source: &Source, table: &mut Table, what: &str, load: &Load) {
    let one = rate(&source.registry, load, 1, TIME).await;
    let many = rate(&source.registry, load, 16, TIME).await;
    table.rates(what, one, many);
}
