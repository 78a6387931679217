//! Servers over TLS: certificates that change, sites and clients that trust them.

use std::path::Path;

use pakhus_tests::certificate::Certificate;
use pakhus_tests::npm::Npm;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup, client};
use pakhus_tests::wait::until;
use serde_json::{Value, json};

/// Whether a new connection to the server is served with the certificate as it was at `pem`.
async fn is_served_with(server: &Server, pem: &[u8]) -> bool {
    client(Some(pem)).get(server.url("/healthz")).send().await.is_ok()
}

/// A site over TLS.
async fn site(certificate: &Certificate) -> Server {
    Setup::new().tls(certificate).npm_feed("libs", "read-write").start().await
}

/// A site over TLS that mirrors `source` and trusts what is in the file `trusted`.
async fn mirror(source: &Server, certificate: &Certificate, trusted: &Path) -> Server {
    let trusted = trusted.to_str().expect("UTF-8");
    Setup::new()
        .tls(certificate)
        .environment("SSL_CERT_FILE", trusted)
        .environment("SSL_CERT_DIR", "")
        .npm_feed("libs", "disabled")
        .client_of(source, "libs", "mirror")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_replaced_is_served_without_a_restart() {
    let certificate = Certificate::new();
    let server = site(&certificate).await;
    let first = certificate.pem();
    assert!(is_served_with(&server, &first).await);
    certificate.replace();
    let second = certificate.pem();
    until("the second certificate is served", async || {
        is_served_with(&server, &second).await.then_some(())
    })
    .await;
    assert!(!is_served_with(&server, &first).await, "the first one is no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_in_use_stays_until_there_is_another_that_can_be_used() {
    let certificate = Certificate::new();
    let server = site(&certificate).await;
    let first = certificate.pem();
    std::fs::write(certificate.file(), "no certificate").expect("written");
    until("the broken one is seen", async || {
        server.log_text().contains("cannot be used").then_some(())
    })
    .await;
    assert!(is_served_with(&server, &first).await);
    certificate.replace();
    let second = certificate.pem();
    until("the next one is served", async || is_served_with(&server, &second).await.then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_that_trust_each_others_certificates_replicate_over_tls() {
    let (here, there) = (Certificate::new(), Certificate::new());
    let source = site(&here).await;
    let mirror = mirror(&source, &there, &here.file()).await;
    source.publish("libs", &Package::new("from-source", "1.0.0")).await;
    mirror.publish("libs", &Package::new("from-mirror", "1.0.0")).await;
    let both = ["from-mirror", "from-source"].map(|name| (name.to_owned(), "1.0.0".to_owned()));
    for server in [&source, &mirror] {
        until("both packages are there", async || {
            (server.holdings("libs").await == both).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_a_certificate_that_is_not_trusted_is_not_replicated_with() {
    let (here, there) = (Certificate::new(), Certificate::new());
    let source = site(&here).await;
    source.publish("libs", &Package::new("secret", "1.0.0")).await;
    let mirror = mirror(&source, &there, &there.file()).await;
    let execution = mirror.sync("libs").await;
    assert_eq!(execution["status"], "failed");
    let summary = execution["summary"].as_str().expect("a summary");
    assert!(summary.contains("certificate"), "{summary}");
    assert_eq!(mirror.holdings("libs").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_publishes_and_installs_over_tls_by_its_cafile() {
    let certificate = Certificate::new();
    let server = site(&certificate).await;
    let npm = Npm::new(&server.registry("libs"), Some(server.key())).trusting(&certificate.file());
    let package = tempfile::tempdir().expect("a folder");
    let manifest = json!({ "name": "tools", "version": "1.0.0" }).to_string();
    std::fs::write(package.path().join("package.json"), manifest).expect("written");
    npm.run(package.path(), &["publish"]);
    let project = tempfile::tempdir().expect("a folder");
    npm.run(project.path(), &["install", "tools"]);
    let lock = std::fs::read_to_string(project.path().join("package-lock.json"));
    let lock: Value = serde_json::from_str(&lock.expect("a lockfile")).expect("JSON");
    let resolved = lock["packages"]["node_modules/tools"]["resolved"].as_str().expect("a URL");
    assert!(resolved.starts_with(&server.registry("libs")), "{resolved}");
    assert!(resolved.starts_with("https://"), "{resolved}");
}
