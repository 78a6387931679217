//! The main job on real input: two sites, one npm feed, the real npm at both ends.

use std::process::Command;
use std::sync::Arc;

use pakhus_tests::application::{Application, Packed};
use pakhus_tests::npm::Npm;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use serde_json::Value;

async fn sites() -> (Server, Server) {
    let los_angeles = Setup::new().npm_feed("libs", "read-write").start().await;
    let tokyo = Setup::new()
        .npm_feed("libs", "disabled")
        .client_of(&los_angeles, "libs", "mirror")
        .start()
        .await;
    (los_angeles, tokyo)
}

/// Publishes with the real npm, several at a time; those of one name one after another.
async fn publish(npm: &Arc<Npm>, packages: &[Packed]) {
    let mut workers = tokio::task::JoinSet::new();
    let groups: Vec<Vec<Packed>> =
        packages.chunk_by(|a, b| a.name == b.name).map(<[Packed]>::to_vec).collect();
    let groups = Arc::new(std::sync::Mutex::new(groups));
    for _ in 0..3 {
        let (npm, groups) = (Arc::clone(npm), Arc::clone(&groups));
        workers.spawn_blocking(move || {
            loop {
                let next = groups.lock().expect("no panic while it was held").pop();
                let Some(group) = next else { return };
                for package in group {
                    let tarball = package.tarball.to_str().expect("UTF-8");
                    let folder = package.tarball.parent().expect("a folder");
                    let registry = npm.registry();
                    let tag = format!("v{}", package.version.replace('.', "-"));
                    npm.run(
                        folder,
                        &[
                            "publish",
                            tarball,
                            "--registry",
                            registry,
                            "--tag",
                            &tag,
                            "--provenance=false",
                        ],
                    );
                }
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.expect("published");
    }
}

async fn packument(server: &Server, name: &str) -> Value {
    let path = format!("/npm/libs/{}", name.replace('/', "%2f"));
    let text = server.get(&path).await.text().await.expect("a body");
    serde_json::from_str(&text.replace(server.address(), "SITE")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_published_at_one_site_is_installed_from_another() {
    let application = Application::fetched();
    assert!(application.packages.len() >= 60, "only {} packages", application.packages.len());
    let (los_angeles, tokyo) = sites().await;
    let npm = Arc::new(Npm::new(&los_angeles.registry("libs"), Some(los_angeles.key())));
    publish(&npm, &application.packages).await;
    let published = los_angeles.holdings("libs").await;
    assert_eq!(published.len(), application.packages.len());
    until("everything arrives", async || (tokyo.holdings("libs").await == published).then_some(()))
        .await;
    until("tags arrive", async || {
        tokyo.sync("libs").await;
        for package in &application.packages {
            // Publish dates, tags, integrity, everything that a client sees.
            if packument(&los_angeles, &package.name).await
                != packument(&tokyo, &package.name).await
            {
                return None;
            }
        }
        Some(())
    })
    .await;

    let project = tempfile::tempdir().expect("a folder");
    application.copy_to(project.path());
    let stranger = Npm::new(&tokyo.registry("libs"), None);
    stranger.run(project.path(), &["ci", "--no-audit"]);
    let ran = Command::new("node")
        .args(["-e", "require('express')(); require('typescript'); require('commander')"])
        .current_dir(project.path())
        .output()
        .expect("node is installed");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    let there = Npm::new(&tokyo.registry("libs"), Some(tokyo.key()));
    there.run(project.path(), &["unpublish", "commander", "--force"]);
    until("the unpublish at Tokyo arrives at Los Angeles", async || {
        (los_angeles.get("/npm/libs/commander").await.status() == 404).then_some(())
    })
    .await;
}
