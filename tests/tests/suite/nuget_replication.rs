//! NuGet feeds at two sites, real processes.

use std::path::{Path, PathBuf};

use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use serde_json::Value;

/// Packages that were made with real tools.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/nuget/tests/data/packages")
}

fn made(file: &str) -> Vec<u8> {
    std::fs::read(packages().join(file)).expect("a package")
}

/// A hub, and a mirror of it; both remove what clients delete if `more` says so.
async fn pair(more: &str) -> (Server, Server) {
    let hub = Setup::new().feed("libs", "nuget", "read-write", more).start().await;
    let mirror = Setup::new()
        .feed("libs", "nuget", "disabled", more)
        .client_of(&hub, "libs", "mirror")
        .start()
        .await;
    (hub, mirror)
}

/// Sends a package; gives the status.
async fn send(server: &Server, path: &str, package: Vec<u8>) -> u16 {
    let request = server.request(Method::PUT, &format!("/nuget/libs/{path}"));
    request.body(package).send().await.expect("an answer").status().as_u16()
}

async fn change(server: &Server, method: Method, version: &str) {
    let path = format!("/nuget/libs/v3/package/{version}");
    let answer = server.request(method, &path).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

/// The bytes of an answer that must be there.
async fn bytes(server: &Server, path: &str) -> Vec<u8> {
    let answer = server.get(&format!("/nuget/libs/{path}")).await;
    assert_eq!(answer.status(), 200, "{path} at {}", server.address());
    answer.bytes().await.expect("a body").to_vec()
}

/// A document as the site renders it, with its own address taken out.
async fn document(server: &Server, path: &str) -> Option<Value> {
    let answer = server.get(&format!("/nuget/libs/{path}")).await;
    if answer.status() != 200 {
        return None;
    }
    let text = answer.text().await.expect("a body").replace(server.address(), "SITE");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Waits until a document is the same at both sites, and shows what it must.
async fn agree(one: &Server, other: &Server, path: &str, shows: impl Fn(&Value) -> bool) {
    until(&format!("{path} is the same at both sites"), async || {
        let (here, there) = (document(one, path).await?, document(other, path).await?);
        (here == there && shows(&here)).then_some(())
    })
    .await;
}

/// Waits until there is nothing at a path.
async fn goes(server: &Server, path: &str) {
    until(&format!("{path} goes"), async || {
        (server.get(&format!("/nuget/libs/{path}")).await.status() == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_packages_are_the_same_at_both_sites_byte_for_byte() {
    let (hub, mirror) = pair("").await;
    let mut pushed = Vec::new();
    for (place, entry) in std::fs::read_dir(packages()).expect("a folder").enumerate() {
        let path = entry.expect("a file").path();
        let name = path.to_string_lossy();
        // The older kind of symbols says that it is the package itself.
        if !name.ends_with(".nupkg") || name.ends_with(".symbols.nupkg") {
            continue;
        }
        let package = std::fs::read(&path).expect("a package");
        let at = if place % 2 == 0 { &hub } else { &mirror };
        if send(at, "v3/package/", package.clone()).await == 201 {
            pushed.push(package);
        }
    }
    assert!(pushed.len() > 15, "{}", pushed.len());
    let all = "v3/search?take=100&prerelease=true&semVerLevel=2.0.0";
    agree(&hub, &mirror, all, |found| found["totalHits"].as_u64() > Some(8)).await;
    mirror.agrees_with_its_source("libs").await;
    let found = document(&hub, all).await.expect("an answer");
    let mut seen = 0;
    for package in found["data"].as_array().expect("a list") {
        let id = package["id"].as_str().expect("an id").to_lowercase();
        for folder in ["registration", "registration-gz-semver2"] {
            let path = format!("v3/{folder}/{id}/index.json");
            assert_eq!(document(&hub, &path).await, document(&mirror, &path).await, "{path}");
        }
        let versions = document(&hub, &format!("v3/flat/{id}/index.json")).await.expect("versions");
        for version in versions["versions"].as_array().expect("a list") {
            let version = version.as_str().expect("a version");
            let path = format!("v3/flat/{id}/{version}/{id}.{version}.nupkg");
            let here = bytes(&hub, &path).await;
            assert!(here == bytes(&mirror, &path).await && pushed.contains(&here), "{path}");
            seen += 1;
        }
    }
    assert_eq!(seen, pushed.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn symbols_and_what_is_listed_travel_both_ways() {
    let (hub, mirror) = pair("").await;
    assert_eq!(send(&hub, "v3/package/", made("Acme.Lib1.1.0.0.nupkg")).await, 201);
    assert_eq!(send(&hub, "v3/symbols/", made("Acme.Lib1.1.0.0.snupkg")).await, 201);
    let index = "v3/registration/acme.lib1/index.json";
    let listed = |index: &Value| index["items"][0]["items"][0]["catalogEntry"]["listed"].clone();
    agree(&hub, &mirror, index, |index| listed(index) == true).await;
    let pdb = "symbols/lib1.pdb/c2508068273e49529de520a3effe9e6fffffffff/lib1.pdb";
    until("the PDB arrives", async || {
        (mirror.get(&format!("/nuget/libs/{pdb}")).await.status() == 200).then_some(())
    })
    .await;
    assert_eq!(bytes(&hub, pdb).await, bytes(&mirror, pdb).await);
    change(&mirror, Method::DELETE, "Acme.Lib1/1.0.0").await;
    agree(&hub, &mirror, index, |index| listed(index) == false).await;
    change(&hub, Method::POST, "Acme.Lib1/1.0.0").await;
    agree(&hub, &mirror, index, |index| listed(index) == true).await;
    assert_eq!(hub.holdings("libs").await, [("Acme.Lib1".to_owned(), "1.0.0".to_owned())]);
    mirror.agrees_with_its_source("libs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_or_overwritten_at_one_site_is_so_at_the_other() {
    let (hub, mirror) = pair("deletes = \"remove\"\noverwrite = true").await;
    for version in ["1.0.0", "1.0.1"] {
        for (path, end) in [("v3/package/", "nupkg"), ("v3/symbols/", "snupkg")] {
            let package = made(&format!("Acme.Lib1.{version}.{end}"));
            assert_eq!(send(&hub, path, package).await, 201);
        }
    }
    let versions = "v3/flat/acme.lib1/index.json";
    let count = |versions: &Value| versions["versions"].as_array().map_or(0, Vec::len);
    agree(&hub, &mirror, versions, |versions| count(versions) == 2).await;
    let symbols = "v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.snupkg";
    until("the symbols arrive", async || {
        (mirror.get(&format!("/nuget/libs/{symbols}")).await.status() == 200).then_some(())
    })
    .await;
    change(&mirror, Method::DELETE, "acme.lib1/1.0.0").await;
    agree(&hub, &mirror, versions, |versions| count(versions) == 1).await;
    goes(&hub, symbols).await;
    assert_eq!(send(&mirror, "v3/package/", made("Acme.Lib1.1.0.1.nupkg")).await, 201);
    mirror.agrees_with_its_source("libs").await;
    // Whose version was overwritten has no symbols of it any more.
    goes(&hub, "v3/flat/acme.lib1/1.0.1/acme.lib1.1.0.1.snupkg").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_delete_does_is_set_for_each_feed() {
    let server = Setup::new().start().await;
    let send = async |method: Method, path: &str, body: &str| {
        let request = server.request(method, path).body(body.to_owned());
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    };
    let create = r#"{"name":"libs","type":"nuget","anonymous":"view","deletes":"remove"}"#;
    send(Method::POST, "/api/v1/feeds", create).await;
    let feed = server.json("/api/v1/feeds/libs").await;
    assert_eq!((&feed["deletes"], &feed["overwrite"]), (&"remove".into(), &false.into()));
    let package = "/nuget/libs/v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.nupkg";
    for (policy, status) in [("remove", 404), ("unlist", 200)] {
        send(Method::PATCH, "/api/v1/feeds/libs", &format!("{{\"deletes\":\"{policy}\"}}")).await;
        assert_eq!(self::send(&server, "v3/package", made("Acme.Lib1.1.0.0.nupkg")).await, 201);
        change(&server, Method::DELETE, "Acme.Lib1/1.0.0").await;
        assert_eq!(server.get(package).await.status(), status, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_add_up_over_both_sites() {
    let (hub, mirror) = pair("").await;
    assert_eq!(send(&hub, "v3/package/", made("Acme.Lib1.1.0.0.nupkg")).await, 201);
    let package = "v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.nupkg";
    until("the package arrives", async || {
        (mirror.get(&format!("/nuget/libs/{package}")).await.status() == 200).then_some(())
    })
    .await;
    bytes(&hub, package).await;
    let counted = |found: &Value| {
        let found = &found["data"][0];
        found["totalDownloads"] == 2 && found["versions"][0]["downloads"] == 2
    };
    agree(&hub, &mirror, "v3/search?q=acme", counted).await;
}
