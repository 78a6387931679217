//! What each client of NuGet does with a feed, done by each client, by each protocol that it speaks.
//! Commands that a client does not have have no cell.

use std::path::PathBuf;

use pakhus_tests::certificate::Certificate;
use pakhus_tests::nuget::{Client, Feed, Named, Package, Protocol, Worker};
use tempfile::TempDir;

/// Makes a test of each cell.
macro_rules! matrix {
    ($($name:ident = $client:ident $protocol:ident: $($cell:ident)+;)+) => {$(
        mod $name {
            use pakhus_tests::nuget::{Client, Protocol};
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $cell() {
                    super::$cell(Client::$client, Protocol::$protocol).await;
                }
            )+
        }
    )+};
}

matrix! {
    dotnet_v3 = Dotnet V3: push push_again push_without_permission delete install
        install_with_a_password push_with_a_password work_over_tls;
    dotnet_v2 = Dotnet V2: push delete install install_the_latest;
    nuget_7_v3 = NuGet7 V3: push push_again push_without_permission delete search install
        install_with_a_password push_with_a_password work_over_tls;
    nuget_7_v2 = NuGet7 V2: push delete search install;
    aspire_v3 = Aspire V3: search install install_with_a_password install_over_tls;
    nuget_6_0_v3 = NuGet60 V3: push push_again push_without_permission delete search search_all install
        install_with_a_password push_with_a_password work_over_tls;
    nuget_6_0_v2 = NuGet60 V2: push delete search search_all install install_the_latest
        install_with_a_password;
    nuget_5_8_v3 = NuGet58 V3: push delete search install;
    nuget_5_8_v2 = NuGet58 V2: push search_all install;
    nuget_4_9_v3 = NuGet49 V3: push delete search install;
    nuget_4_9_v2 = NuGet49 V2: push search_all install;
    nuget_4_5_v3 = NuGet45 V3: push delete search install;
    nuget_4_5_v2 = NuGet45 V2: push search_all install;
    nuget_3_4_v3 = NuGet34 V3: push delete search install install_the_latest;
    nuget_3_4_v2 = NuGet34 V2: push search_all install;
    nuget_2_8_v2 = NuGet28 V2: push push_again push_without_permission delete search search_all install
        install_the_latest install_with_a_password push_with_a_password work_over_tls;
    choco_v3 = Choco V3: push push_again search search_all install install_the_latest
        install_with_a_password;
    choco_v2 = Choco V2: push push_again push_without_permission search search_all install
        install_with_a_password push_with_a_password work_over_tls;
}

fn worker(client: Client, protocol: Protocol, feed: &Feed) -> Worker {
    Worker::new(client, &feed.source(protocol))
}

/// A package, the folder that it is in, and its file.
fn saved(package: &Package) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = package.save(folder.path());
    (folder, file)
}

async fn push(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    let package = Package::new("Acme.Tool", "1.2.3");
    let (_folder, file) = saved(&package);
    let _ = worker(client, protocol, &feed).with_key(feed.server.key()).push(&file).good();
    assert!(feed.stored("acme.tool", "1.2.3").await == Some(package.bytes()));
}

async fn push_again(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    let package = Package::new("Acme.Tool", "1.2.3");
    feed.publish(std::slice::from_ref(&package)).await;
    let (_folder, file) = saved(&package.clone().saying("<tags>other</tags>"));
    let said = worker(client, protocol, &feed).with_key(feed.server.key()).push(&file).bad();
    assert!(said.contains("is here already"), "{said}");
    assert!(feed.stored("acme.tool", "1.2.3").await == Some(package.bytes()));
}

async fn push_without_permission(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    let (_folder, file) = saved(&Package::new("Acme.Tool", "1.2.3"));
    let said = worker(client, protocol, &feed).with_key("wrong").push(&file).bad();
    assert!(said.contains("403") && said.contains("known here"), "{said}");
    assert_eq!(feed.stored("acme.tool", "1.2.3").await, None);
}

async fn delete(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    feed.publish(&[Package::new("Acme.Tool", "1.2.3"), Package::new("Other", "1.0.0")]).await;
    let worker = worker(client, protocol, &feed).with_key(feed.server.key());
    let _ = worker.delete("Acme.Tool", "1.2.3").good();
    assert_eq!(feed.listed().await, ["Other"]);
    assert!(feed.stored("acme.tool", "1.2.3").await.is_some(), "who has it goes on");
}

/// What a search is asked in: two packages that are meant, one that is not.
async fn library(feed: &Feed) {
    let packages = ["1.0.0", "1.10.0", "1.2.0", "2.0.0-beta"].map(|v| Package::new("Acme.Tool", v));
    feed.publish(&packages).await;
    let other = Package::new("Unrelated", "1.0.0").saying("<tags>acme</tags>");
    feed.publish(&[other, Package::new("More", "1.0.0")]).await;
}

fn names(named: &[(&str, &str)]) -> Vec<Named> {
    let mut names: Vec<_> =
        named.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect();
    names.sort();
    names
}

async fn search(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    library(&feed).await;
    let mut found = worker(client, protocol, &feed).search("acme");
    found.sort();
    assert_eq!(found, names(&[("Acme.Tool", "1.10.0"), ("Unrelated", "1.0.0")]));
}

async fn search_all(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    library(&feed).await;
    let mut found = worker(client, protocol, &feed).search_all("acme.tool");
    found.sort();
    let all = ["1.0.0", "1.10.0", "1.2.0", "2.0.0-beta"].map(|version| ("Acme.Tool", version));
    assert_eq!(found, names(&all));
}

/// Installs a package that needs another one.
async fn install_from(feed: &Feed, worker: &Worker) {
    let needs =
        "<dependencies><dependency id=\"Acme.Core\" version=\"[1.0.0,2.0.0)\" /></dependencies>";
    let core = Package::new("Acme.Core", "1.5.0");
    let tool = Package::new("Acme.Tool", "1.2.3").saying(needs);
    let later = Package::new("Acme.Tool", "2.0.0").saying(needs);
    feed.publish(&[Package::new("Acme.Core", "2.0.0"), core, tool, later]).await;
    let _ = worker.install("Acme.Tool", Some("1.2.3")).good();
}

async fn install(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    let worker = worker(client, protocol, &feed);
    install_from(&feed, &worker).await;
}

async fn install_the_latest(client: Client, protocol: Protocol) {
    let feed = Feed::open().await;
    library(&feed).await;
    let worker = worker(client, protocol, &feed);
    let said = worker.install("Acme.Tool", None).good();
    let latest = Package::new("Acme.Tool", "1.10.0");
    assert!(worker.installed("Acme.Tool", "1.10.0") == latest.bytes(), "{said}");
}

async fn install_with_a_password(client: Client, protocol: Protocol) {
    let feed = Feed::closed().await;
    let worker = worker(client, protocol, &feed).with_password(feed.server.key());
    install_from(&feed, &worker).await;
}

async fn push_with_a_password(client: Client, protocol: Protocol) {
    let feed = Feed::closed().await;
    let package = Package::new("Acme.Tool", "1.2.3").with_file("content/large.bin", &[7; 300_000]);
    let (_folder, file) = saved(&package);
    let worker = worker(client, protocol, &feed).with_password(feed.server.key());
    // Clients do not push without a key; the password says who it is.
    let _ = worker.with_key("none").push(&file).good();
    assert!(feed.stored("acme.tool", "1.2.3").await == Some(package.bytes()));
}

/// A feed over TLS with its certificate, and somebody who trusts the authority that has signed that.
async fn trusted_feed(client: Client, protocol: Protocol) -> (Feed, Certificate, Worker) {
    let certificate = Certificate::signed();
    let feed = Feed::over_tls(&certificate).await;
    // Mono does not look for addresses in certificates.
    let source = feed.source(protocol).replace("127.0.0.1", "localhost");
    let worker = Worker::new(client, &source).trusting(&certificate.authority_file());
    let worker = worker.with_key(feed.server.key());
    (feed, certificate, worker)
}

async fn install_over_tls(client: Client, protocol: Protocol) {
    let (feed, _certificate, worker) = trusted_feed(client, protocol).await;
    install_from(&feed, &worker).await;
}

async fn work_over_tls(client: Client, protocol: Protocol) {
    let (feed, _certificate, worker) = trusted_feed(client, protocol).await;
    let package = Package::new("Pushed", "1.0.0");
    let (_folder, file) = saved(&package);
    let _ = worker.push(&file).good();
    assert!(feed.stored("pushed", "1.0.0").await == Some(package.bytes()));
    install_from(&feed, &worker).await;
}
