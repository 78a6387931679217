//! What the real npm does against one feed.

use std::path::Path;

use pakhus_tests::npm::Npm;
use pakhus_tests::server::{Server, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;

async fn site() -> (Server, Npm) {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let npm = Npm::new(&server.registry("libs"), Some(server.key()));
    (server, npm)
}

/// A folder with a package in it.
fn package(name: &str, version: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    set_version(folder.path(), name, version);
    std::fs::write(folder.path().join("index.js"), format!("module.exports = '{name}';\n"))
        .expect("written");
    std::fs::write(folder.path().join("README.md"), format!("# {name}\n")).expect("written");
    folder
}

fn set_version(folder: &Path, name: &str, version: &str) {
    let manifest = json!({ "name": name, "version": version, "license": "MIT" });
    std::fs::write(folder.join("package.json"), manifest.to_string()).expect("written");
}

fn view(npm: &Npm, what: &[&str]) -> Value {
    let mut arguments = vec!["view", "--json"];
    arguments.extend(what);
    let text = npm.run(Path::new("."), &arguments);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_package_is_published_viewed_and_installed() {
    let (_server, npm) = site().await;
    let folder = package("@acme/tools", "1.2.3");
    npm.run(folder.path(), &["publish"]);
    assert_eq!(view(&npm, &["@acme/tools", "version"]), "1.2.3");
    let project = tempfile::tempdir().expect("a folder");
    npm.run(project.path(), &["install", "@acme/tools"]);
    let installed = project.path().join("node_modules/@acme/tools/index.js");
    assert_eq!(
        std::fs::read_to_string(installed).expect("installed"),
        "module.exports = '@acme/tools';\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prerelease_goes_under_its_tag_and_latest_stays() {
    let (_server, npm) = site().await;
    let folder = package("tools", "1.0.0");
    npm.run(folder.path(), &["publish"]);
    set_version(folder.path(), "tools", "2.0.0-beta.1");
    npm.run(folder.path(), &["publish", "--tag", "beta"]);
    let tags = view(&npm, &["tools", "dist-tags"]);
    assert_eq!(tags, json!({ "latest": "1.0.0", "beta": "2.0.0-beta.1" }));
    let project = tempfile::tempdir().expect("a folder");
    npm.run(project.path(), &["install", "tools@beta"]);
    let manifest = std::fs::read_to_string(project.path().join("node_modules/tools/package.json"));
    assert!(manifest.expect("installed").contains("2.0.0-beta.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dist_tags_are_listed_moved_and_removed() {
    let (_server, npm) = site().await;
    let folder = package("tools", "1.0.0");
    npm.run(folder.path(), &["publish"]);
    npm.run(folder.path(), &["dist-tag", "add", "tools@1.0.0", "stable"]);
    let listed = npm.run(folder.path(), &["dist-tag", "ls", "tools"]);
    assert_eq!(listed, "latest: 1.0.0\nstable: 1.0.0\n");
    npm.run(folder.path(), &["dist-tag", "rm", "tools", "stable"]);
    assert_eq!(npm.run(folder.path(), &["dist-tag", "ls", "tools"]), "latest: 1.0.0\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_deprecated_and_undeprecated() {
    let (_server, npm) = site().await;
    let folder = package("tools", "1.0.0");
    npm.run(folder.path(), &["publish"]);
    npm.run(folder.path(), &["deprecate", "tools@1.0.0", "use 2.x"]);
    assert_eq!(view(&npm, &["tools", "deprecated"]), "use 2.x");
    npm.run(folder.path(), &["deprecate", "tools@1.0.0", ""]);
    assert_eq!(view(&npm, &["tools", "deprecated"]), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_version_and_then_the_whole_package_are_unpublished() {
    let (_server, npm) = site().await;
    let folder = package("@acme/tools", "1.0.0");
    npm.run(folder.path(), &["publish"]);
    set_version(folder.path(), "@acme/tools", "1.1.0");
    npm.run(folder.path(), &["publish"]);
    npm.run(folder.path(), &["unpublish", "@acme/tools@1.1.0"]);
    assert_eq!(view(&npm, &["@acme/tools", "versions"]), json!(["1.0.0"]));
    assert_eq!(view(&npm, &["@acme/tools", "dist-tags"]), json!({ "latest": "1.0.0" }));
    npm.run(folder.path(), &["unpublish", "@acme/tools", "--force"]);
    let said = npm.fails(folder.path(), &["view", "@acme/tools"]);
    assert!(said.contains("E404"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_there_is_not_published_over() {
    let (_server, npm) = site().await;
    let folder = package("tools", "1.0.0");
    npm.run(folder.path(), &["publish"]);
    let said = npm.fails(folder.path(), &["publish"]);
    assert!(said.contains("cannot publish over"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_and_ping_answer_and_a_stranger_is_told_to_log_in() {
    let (server, npm) = site().await;
    assert_eq!(npm.run(Path::new("."), &["whoami"]), "admin\n");
    npm.run(Path::new("."), &["ping"]);
    let stranger = Npm::new(&server.registry("libs"), None);
    let said = stranger.fails(package("tools", "1.0.0").path(), &["publish"]);
    assert!(said.contains("ENEEDAUTH") || said.contains("E401"), "{said}");
    let wrong = Npm::new(&server.registry("libs"), Some("wrong"));
    let said = wrong.fails(package("tools", "1.0.0").path(), &["publish"]);
    assert!(said.contains("E401"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_project_is_installed_by_ci_from_an_empty_cache() {
    let (server, npm) = site().await;
    npm.run(package("tools", "1.0.0").path(), &["publish"]);
    let project = tempfile::tempdir().expect("a folder");
    npm.run(project.path(), &["install", "tools@^1.0.0"]);
    let fresh = Npm::new(&server.registry("libs"), None);
    fresh.run(project.path(), &["ci"]);
    assert!(project.path().join("node_modules/tools/README.md").exists());
}
