//! What each client of NuGet does with a feed, done by each client, by each protocol that it speaks.
//! Commands that a client does not have have no cell.

use std::path::PathBuf;

use pakhus_tests::certificate::Certificate;
use pakhus_tests::nuget::{Client, Named, Package, Protocol, Worker};
use pakhus_tests::server::{Server, Setup};
use reqwest::Method;
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
    dotnet_v2 = Dotnet V2: push delete install;
    nuget_7_v3 = NuGet7 V3: push push_again push_without_permission delete search install
        install_with_a_password push_with_a_password work_over_tls;
    nuget_7_v2 = NuGet7 V2: push delete search install;
    aspire_v3 = Aspire V3: search install install_with_a_password install_over_tls;
    nuget_6_0_v3 = NuGet60 V3: push push_again push_without_permission delete search search_all install
        install_with_a_password push_with_a_password work_over_tls;
    nuget_6_0_v2 = NuGet60 V2: push delete search search_all install install_with_a_password;
    nuget_5_8_v3 = NuGet58 V3: push delete search install;
    nuget_5_8_v2 = NuGet58 V2: push search_all install;
    nuget_4_9_v3 = NuGet49 V3: push delete search install;
    nuget_4_9_v2 = NuGet49 V2: push search_all install;
    nuget_4_5_v3 = NuGet45 V3: push delete search install;
    nuget_4_5_v2 = NuGet45 V2: push search_all install;
    nuget_3_4_v3 = NuGet34 V3: push delete search install;
    nuget_3_4_v2 = NuGet34 V2: push search_all install;
    nuget_2_8_v2 = NuGet28 V2: push push_again push_without_permission delete search search_all install
        install_with_a_password push_with_a_password work_over_tls;
    choco_v3 = Choco V3: push push_again search search_all install install_with_a_password;
    choco_v2 = Choco V2: push push_again push_without_permission search search_all install
        install_with_a_password push_with_a_password work_over_tls;
}

/// A server with a feed, which anybody may read or nobody without a key.
async fn site(anonymous: &str) -> Server {
    Setup::new().config(&feed(anonymous)).start().await
}

fn feed(anonymous: &str) -> String {
    format!("[[feeds]]\nname = \"libs\"\ntype = \"nuget\"\nanonymous = \"{anonymous}\"")
}

fn worker(client: Client, protocol: Protocol, server: &Server) -> Worker {
    Worker::new(client, &protocol.source(server, "libs"))
}

/// A package, the folder that it is in, and its file.
fn saved(package: &Package) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = package.save(folder.path());
    (folder, file)
}

/// Pushes packages with nothing but HTTP.
async fn publish(server: &Server, packages: &[Package]) {
    for package in packages {
        let push = server.request(Method::PUT, "/nuget/libs/v3/package").body(package.bytes());
        let answer = push.send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    }
}

/// The package file as the feed has it; nothing where it has none.
async fn stored(server: &Server, id: &str, version: &str) -> Option<Vec<u8>> {
    let id = id.to_lowercase();
    let path = format!("/nuget/libs/v3/flat/{id}/{version}/{id}.{version}.nupkg");
    let answer = server.request(Method::GET, &path).send().await.expect("an answer");
    if answer.status() == 404 {
        return None;
    }
    Some(answer.bytes().await.expect("a body").to_vec())
}

/// The ids that a search of the feed finds.
async fn listed(server: &Server) -> Vec<String> {
    let found = server.json("/nuget/libs/v3/search?prerelease=true&semVerLevel=2.0.0").await;
    let data = found["data"].as_array().expect("a list").iter();
    data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

async fn push(client: Client, protocol: Protocol) {
    let server = site("view").await;
    let package = Package::new("Acme.Tool", "1.2.3");
    let (_folder, file) = saved(&package);
    let _ = worker(client, protocol, &server).with_key(server.key()).push(&file).good();
    assert!(stored(&server, "acme.tool", "1.2.3").await == Some(package.bytes()));
}

async fn push_again(client: Client, protocol: Protocol) {
    let server = site("view").await;
    let package = Package::new("Acme.Tool", "1.2.3");
    publish(&server, std::slice::from_ref(&package)).await;
    let (_folder, file) = saved(&package.clone().saying("<tags>other</tags>"));
    let said = worker(client, protocol, &server).with_key(server.key()).push(&file).bad();
    assert!(said.contains("is here already"), "{said}");
    assert!(stored(&server, "acme.tool", "1.2.3").await == Some(package.bytes()));
}

async fn push_without_permission(client: Client, protocol: Protocol) {
    let server = site("view").await;
    let (_folder, file) = saved(&Package::new("Acme.Tool", "1.2.3"));
    let said = worker(client, protocol, &server).with_key("wrong").push(&file).bad();
    assert!(said.contains("403") && said.contains("known here"), "{said}");
    assert_eq!(stored(&server, "acme.tool", "1.2.3").await, None);
}

async fn delete(client: Client, protocol: Protocol) {
    let server = site("view").await;
    publish(&server, &[Package::new("Acme.Tool", "1.2.3"), Package::new("Other", "1.0.0")]).await;
    let worker = worker(client, protocol, &server).with_key(server.key());
    let _ = worker.delete("Acme.Tool", "1.2.3").good();
    assert_eq!(listed(&server).await, ["Other"]);
    assert!(stored(&server, "acme.tool", "1.2.3").await.is_some(), "who has it goes on");
}

/// What a search is asked in: two packages that are meant, one that is not.
async fn library(server: &Server) {
    let packages = ["1.0.0", "1.10.0", "1.2.0", "2.0.0-beta"].map(|v| Package::new("Acme.Tool", v));
    publish(server, &packages).await;
    let other = Package::new("Unrelated", "1.0.0").saying("<tags>acme</tags>");
    publish(server, &[other, Package::new("More", "1.0.0")]).await;
}

fn names(named: &[(&str, &str)]) -> Vec<Named> {
    let mut names: Vec<_> =
        named.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect();
    names.sort();
    names
}

async fn search(client: Client, protocol: Protocol) {
    let server = site("view").await;
    library(&server).await;
    let mut found = worker(client, protocol, &server).search("acme");
    found.sort();
    assert_eq!(found, names(&[("Acme.Tool", "1.10.0"), ("Unrelated", "1.0.0")]));
}

async fn search_all(client: Client, protocol: Protocol) {
    let server = site("view").await;
    library(&server).await;
    let mut found = worker(client, protocol, &server).search_all("acme.tool");
    found.sort();
    let all = ["1.0.0", "1.10.0", "1.2.0", "2.0.0-beta"].map(|version| ("Acme.Tool", version));
    assert_eq!(found, names(&all));
}

/// Installs a package that needs another one.
async fn install_from(server: &Server, worker: &Worker) {
    let needs =
        "<dependencies><dependency id=\"Acme.Core\" version=\"[1.0.0,2.0.0)\" /></dependencies>";
    let core = Package::new("Acme.Core", "1.5.0");
    let tool = Package::new("Acme.Tool", "1.2.3").saying(needs);
    let later = Package::new("Acme.Tool", "2.0.0").saying(needs);
    publish(server, &[Package::new("Acme.Core", "2.0.0"), core, tool, later]).await;
    let _ = worker.install("Acme.Tool", Some("1.2.3")).good();
}

async fn install(client: Client, protocol: Protocol) {
    let server = site("view").await;
    let worker = worker(client, protocol, &server);
    install_from(&server, &worker).await;
}

async fn install_with_a_password(client: Client, protocol: Protocol) {
    let server = site("none").await;
    let worker = worker(client, protocol, &server).with_password(server.key());
    install_from(&server, &worker).await;
}

async fn push_with_a_password(client: Client, protocol: Protocol) {
    let server = site("none").await;
    let package = Package::new("Acme.Tool", "1.2.3").with_file("content/large.bin", &[7; 300_000]);
    let (_folder, file) = saved(&package);
    let worker = worker(client, protocol, &server).with_password(server.key());
    // Clients do not push without a key; the password says who it is.
    let _ = worker.with_key("none").push(&file).good();
    assert!(stored(&server, "acme.tool", "1.2.3").await == Some(package.bytes()));
}

/// A server over TLS with its certificate, and somebody who trusts the authority that has signed that.
async fn trusted_site(client: Client, protocol: Protocol) -> (Server, Certificate, Worker) {
    let certificate = Certificate::signed();
    let server = Setup::new().tls(&certificate).config(&feed("view")).start().await;
    // Mono does not look for addresses in certificates.
    let source = protocol.source(&server, "libs").replace("127.0.0.1", "localhost");
    let worker = Worker::new(client, &source).trusting(&certificate.authority_file());
    let worker = worker.with_key(server.key());
    (server, certificate, worker)
}

async fn install_over_tls(client: Client, protocol: Protocol) {
    let (server, _certificate, worker) = trusted_site(client, protocol).await;
    install_from(&server, &worker).await;
}

async fn work_over_tls(client: Client, protocol: Protocol) {
    let (server, _certificate, worker) = trusted_site(client, protocol).await;
    let package = Package::new("Pushed", "1.0.0");
    let (_folder, file) = saved(&package);
    let _ = worker.push(&file).good();
    assert!(stored(&server, "pushed", "1.0.0").await == Some(package.bytes()));
    install_from(&server, &worker).await;
}
