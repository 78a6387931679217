//! Filling a feed quickly: by the replication API, page by page.

use std::time::{SystemTime, UNIX_EPOCH};

use pakhus_tests::package::Package;
use pakhus_tests::server::{SYNC_TOKEN, Server};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The most records of one page.
pub(crate) const PAGE: usize = 500;

/// A tarball that a feed has received, for versions to name.
pub(crate) struct Tarball {
    digest: String,
    package: Package,
}

fn ask(hub: &Server, method: Method, path: &str) -> RequestBuilder {
    hub.anonymous(method, &format!("/replication/libs/{path}")).bearer_auth(SYNC_TOKEN)
}

async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("the server answers");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Uploads the tarball of a package.
pub(crate) async fn upload(hub: &Server, package: Package) -> Tarball {
    let hash: String =
        Sha256::digest(&package.tarball).iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = format!("sha256:{hash}");
    let begun = answer(ask(hub, Method::POST, &format!("uploads?digest={digest}"))).await;
    let upload = format!("uploads/{}?digest={digest}", begun["id"].as_str().expect("an id"));
    let bytes = ask(hub, Method::PATCH, &format!("{upload}&offset=0"));
    answer(bytes.body(package.tarball.clone())).await;
    answer(ask(hub, Method::PUT, &upload)).await;
    Tarball { digest, package }
}

/// The record of a version that has this tarball.
pub(crate) fn record(tarball: &Tarball, name: &str, version: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is right");
    let Tarball { digest, package } = tarball;
    let content = json!({
        "name": name,
        "version": version,
        "published_at": now.as_millis() as u64,
        "origin": "bench",
        "blobs": [{ "digest": digest, "size": package.tarball.len(), "role": "tarball" }],
        "metadata": {
            "format": 1,
            "install": { "name": name, "version": version },
            "details": {},
            "dist": { "shasum": package.shasum(), "integrity": package.integrity() },
            "publisher": "bench",
            "readme": "",
        },
    });
    json!({
        "key": { "kind": "version", "name": name, "version": version },
        "state": { "version": { "incarnation": 1, "standing": { "content": content } } },
    })
}

/// Sends records. Each page is one transaction.
pub(crate) async fn push(hub: &Server, records: &[Value]) {
    for page in records.chunks(PAGE) {
        let lines: String = page.iter().map(|record| format!("{record}\n")).collect();
        let taken = answer(ask(hub, Method::POST, "changes").body(lines)).await;
        assert_eq!(taken["applied"], page.len(), "{taken}");
    }
}
