//! The main job on real input: two sites, one npm feed, the packages of a real application, and the
//! real npm at both ends.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use pakhus_tests::application::{Application, Packed};
use pakhus_tests::npm::Npm;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use serde_json::Value;

/// How many `npm publish` run at a time.
const PUBLISHERS: usize = 3;

/// The source, and a mirror of it.
async fn sites() -> (Server, Server) {
    let source = Setup::new().npm_feed("libs", "read-write").start().await;
    let mirror = Setup::new()
        .npm_feed("libs", "disabled")
        .client_of(&source, "libs", "mirror")
        .start()
        .await;
    (source, mirror)
}

/// Publishes a tarball as it is; flags, since a manifest may say otherwise in its `publishConfig`.
fn publish_one(npm: &Npm, package: &Packed) {
    let tarball = package.tarball.to_str().expect("UTF-8");
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = vec!["publish", tarball, "--registry", npm.registry()];
    arguments.extend(["--tag", "latest", "--access", "public", "--provenance=false"]);
    npm.run(folder.path(), &arguments);
}

/// Publishes several at a time; the versions of one package one after another.
async fn publish(npm: Npm, packages: &[Packed]) {
    let npm = Arc::new(npm);
    let by_name = packages.chunk_by(|a, b| a.name == b.name).map(<[Packed]>::to_vec);
    let left = Arc::new(Mutex::new(by_name.collect::<Vec<_>>()));
    let mut publishers = tokio::task::JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (npm, left) = (Arc::clone(&npm), Arc::clone(&left));
        publishers.spawn_blocking(move || {
            loop {
                let next = left.lock().expect("no panic while it was held").pop();
                let Some(versions) = next else { return };
                versions.iter().for_each(|package| publish_one(&npm, package));
            }
        });
    }
    while let Some(published) = publishers.join_next().await {
        published.expect("published");
    }
}

/// A packument in full, byte for byte but for the address of the site.
async fn packument(server: &Server, name: &str) -> String {
    let path = format!("/npm/libs/{}", name.replace('/', "%2f"));
    let response = server.get(&path).await;
    assert_eq!(response.status(), 200, "{name}");
    response.text().await.expect("a body").replace(server.address(), "SITE")
}

/// Waits until the mirror shows every package as the source does.
async fn arrive(application: &Application, source: &Server, mirror: &Server) {
    let published = source.holdings("libs").await;
    assert_eq!(published.len(), application.packages.len());
    until("every version arrives", async || {
        (mirror.holdings("libs").await == published).then_some(())
    })
    .await;
    // The last tag may travel behind the last version.
    mirror.sync("libs").await;
}

/// Runs `npm ci` against the mirror with an empty cache.
fn install(application: &Application, mirror: &Server, project: &Path) {
    application.copy_to(project);
    Npm::new(&mirror.registry("libs"), None).run(project, &["ci", "--no-audit"]);
}

/// Where each installed package came from, by npm's own account, with its integrity.
fn installed(project: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(project.join("node_modules/.package-lock.json"));
    let lock: Value = serde_json::from_str(&text.expect("npm's account")).expect("JSON");
    let packages = lock["packages"].as_object().expect("packages");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    packages
        .iter()
        .map(|(path, package)| {
            (path.clone(), text(&package["resolved"]), text(&package["integrity"]))
        })
        .collect()
}

fn node(project: &Path, script: &str) {
    let ran = Command::new("node").args(["-e", script]).current_dir(project).output();
    let ran = ran.expect("node is installed");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_published_at_one_site_is_the_same_and_installed_at_the_other() {
    let application = Application::fetched();
    assert!(application.packages.len() >= 60, "only {} packages", application.packages.len());
    let (source, mirror) = sites().await;
    let npm = Npm::new(&source.registry("libs"), Some(source.key()));
    publish(npm, &application.packages).await;
    arrive(&application, &source, &mirror).await;

    // Publish dates, tags, integrities: everything that a client sees.
    for versions in application.packages.chunk_by(|a, b| a.name == b.name) {
        let name = &versions[0].name;
        let there = packument(&mirror, name).await;
        assert_eq!(there, packument(&source, name).await, "{name}");
        let document: Value = serde_json::from_str(&there).expect("JSON");
        for Packed { version, integrity, .. } in versions {
            let version = version.to_string();
            assert!(document["time"][&version].is_string(), "{name}: {document}");
            assert_eq!(&document["versions"][&version]["dist"]["integrity"], integrity, "{name}");
        }
        let last = versions.last().expect("a version").version.to_string();
        assert_eq!(document["dist-tags"], serde_json::json!({ "latest": last }), "{name}");
    }

    let project = tempfile::tempdir().expect("a folder");
    install(&application, &mirror, project.path());
    let installed = installed(project.path());
    let registry = mirror.registry("libs");
    // The lockfile names no place, the cache was empty, and npm knew of this registry alone.
    for (path, resolved, _) in &installed {
        assert!(resolved.is_empty() || resolved.starts_with(&registry), "{path}: {resolved}");
    }
    let locked: BTreeSet<_> = application.packages.iter().map(|one| &one.integrity).collect();
    assert_eq!(
        installed.iter().map(|(_, _, integrity)| integrity).collect::<BTreeSet<_>>(),
        locked
    );
    node(project.path(), "require('express')(); require('typescript'); require('commander')");

    let npm = Npm::new(&registry, Some(mirror.key()));
    npm.run(project.path(), &["unpublish", "commander", "--force"]);
    until("what is unpublished at the mirror disappears at the source", async || {
        (source.get("/npm/libs/commander").await.status() == 404).then_some(())
    })
    .await;
    assert_eq!(source.holdings("libs").await, mirror.holdings("libs").await);
    let left: BTreeSet<_> = application
        .packages
        .iter()
        .filter(|package| package.name != "commander")
        .map(|package| (package.name.clone(), package.version.to_string()))
        .collect();
    let at_source: BTreeSet<_> = source.holdings("libs").await.into_iter().collect();
    assert_eq!(at_source, left, "and nothing else does");
}
