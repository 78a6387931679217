//! Work with NuGet from end to end, by the clients that have the commands for it.

use std::path::Path;

use pakhus_tests::nuget::{Client, Feed, Package, Protocol, Worker, write_project};
use reqwest::Method;
use serde_json::json;

/// Somebody who may push, by the newest protocol.
fn worker(client: Client, feed: &Feed) -> Worker {
    Worker::new(client, &feed.source(Protocol::V3)).with_key(feed.server.key())
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("written");
}

/// Makes a library with symbols in a folder, by `dotnet pack`.
fn pack_library(worker: &Worker, folder: &Path, version: &str) {
    let project = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><Version>{version}</Version>\
         <TargetFramework>netstandard2.1</TargetFramework><IncludeSymbols>true</IncludeSymbols>\
         <SymbolPackageFormat>snupkg</SymbolPackageFormat></PropertyGroup></Project>"
    );
    write(folder, "Acme.Greeter.csproj", &project);
    let code = "namespace Acme { public static class Greeter { public static string Greet(string name) \
        { return \"Hello \" + name; } } }";
    write(folder, "Greeter.cs", code);
    let _ = worker.run(folder, &["pack", "-c", "Release", "-o", "."]).good();
}

/// What debuggers know a portable PDB by: the id in its `#Pdb` stream.
fn signature(pdb: &[u8]) -> String {
    let name = pdb.windows(5).position(|bytes| bytes == b"#Pdb\0").expect("a portable PDB");
    let offset = u32::from_le_bytes(pdb[name - 8..name - 4].try_into().expect("four bytes"));
    let id = &pdb[offset as usize..][..16];
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    order.iter().map(|place| format!("{:02x}", id[*place])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_is_packed_pushed_with_its_symbols_and_run_in_an_app() {
    let feed = Feed::open().await;
    let dotnet = worker(Client::Dotnet, &feed);
    let library = dotnet.folder();
    pack_library(&dotnet, library.path(), "1.0.0");
    let said = dotnet.push(&library.path().join("Acme.Greeter.1.0.0.nupkg")).good();
    assert!(said.contains("Acme.Greeter.1.0.0.snupkg"), "{said}");

    let pdb = library.path().join("obj/Release/netstandard2.1/Acme.Greeter.pdb");
    let pdb = std::fs::read(pdb).expect("it was built");
    let path = format!("symbols/Acme.Greeter.pdb/{}FFFFFFFF/Acme.Greeter.pdb", signature(&pdb));
    assert!(feed.read(&path).await == Some(pdb), "{path}");

    let app = dotnet.folder();
    write_project(app.path(), "Acme.Greeter", "1.0.0");
    let code = "class App { static void Main() { System.Console.WriteLine(Acme.Greeter.Greet(\"you\")); } }";
    write(app.path(), "App.cs", code);
    let said = dotnet.run(app.path(), &["run"]).good();
    assert!(said.contains("Hello you"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_added_to_a_project_and_is_outdated_when_there_is_a_newer_one() {
    let feed = Feed::open().await;
    feed.publish(&["1.0.0", "2.0.0-beta"].map(|version| Package::new("Acme.Tool", version))).await;
    let dotnet = worker(Client::Dotnet, &feed);
    let app = dotnet.folder();
    feed.publish(&[Package::new("Other", "1.0.0")]).await;
    write_project(app.path(), "Other", "1.0.0");
    let _ = dotnet.run(app.path(), &["add", "package", "Acme.Tool"]).good();
    let project = std::fs::read_to_string(app.path().join("app.csproj")).expect("a project");
    assert!(project.contains("Include=\"Acme.Tool\" Version=\"1.0.0\""), "{project}");

    feed.publish(&[Package::new("Acme.Tool", "1.10.0")]).await;
    let later = worker(Client::Dotnet, &feed);
    let _ = later.run(app.path(), &["restore"]).good();
    let said = later.run(app.path(), &["list", "package", "--outdated"]).good();
    let line = said.lines().find(|line| line.contains("> Acme.Tool"));
    let words: Vec<_> = line.expect("it is outdated").split_whitespace().collect();
    assert_eq!(words, [">", "Acme.Tool", "1.0.0", "1.0.0", "1.10.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_packed_pushed_and_installed() {
    let feed = Feed::open().await;
    let dotnet = worker(Client::Dotnet, &feed);
    let tool = dotnet.folder();
    let project = "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><OutputType>Exe</OutputType>\
        <TargetFramework>netcoreapp3.1</TargetFramework><PackAsTool>true</PackAsTool>\
        <ToolCommandName>greet</ToolCommandName></PropertyGroup></Project>";
    write(tool.path(), "Acme.Greet.csproj", project);
    let code =
        "class Tool { static void Main() { System.Console.WriteLine(\"Hello from a tool\"); } }";
    write(tool.path(), "Tool.cs", code);
    let _ = dotnet.run(tool.path(), &["pack", "-o", "."]).good();
    let _ = dotnet.push(&tool.path().join("Acme.Greet.1.0.0.nupkg")).good();

    let user = dotnet.folder();
    let words = ["tool", "install", "Acme.Greet", "--tool-path", "tools"];
    let said = dotnet.run(user.path(), &words).good();
    assert!(said.contains("'acme.greet' (version '1.0.0') was successfully installed"), "{said}");
    let found = worker(Client::NuGet7, &feed);
    let words = ["search", "greet", "--source", "site", "--type", "DotnetTool"];
    assert!(found.run(user.path(), &words).good().contains("Acme.Greet 1.0.0"));
    let words = ["search", "greet", "--source", "site", "--type", "Template"];
    assert!(!found.run(user.path(), &words).good().contains("Acme.Greet"));
}

/// Pushes a package with symbols beside it, twice.
async fn push_with_symbols_twice(client: Client, skip: &str) -> (Feed, String) {
    let feed = Feed::open().await;
    let folder = tempfile::tempdir().expect("a folder");
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/nuget/tests/data/packages");
    for name in ["TestData.1.2.3.nupkg", "TestData.1.2.3.snupkg"] {
        std::fs::copy(Path::new(made).join(name), folder.path().join(name)).expect("a package");
    }
    let file = folder.path().join("TestData.1.2.3.nupkg");
    let said = worker(client, &feed).push(&file).good();
    assert!(said.contains("TestData.1.2.3.snupkg"), "{said}");
    let said = worker(client, &feed).push_with(&file, &[skip]).good();
    (feed, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_there_is_skipped_by_nuget_7_where_that_is_asked() {
    let (feed, said) = push_with_symbols_twice(Client::NuGet7, "--skip-duplicate").await;
    assert!(said.contains("already exists"), "{said}");
    let _ = worker(Client::NuGet7, &feed).install("TestData", Some("1.2.3")).good();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_there_is_skipped_by_nuget_exe_where_that_is_asked() {
    let (_feed, said) = push_with_symbols_twice(Client::NuGet60, "-SkipDuplicate").await;
    assert!(said.contains("already exists"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_package_is_shows_in_nuget_7() {
    let feed = Feed::open().await;
    let more = "<license type=\"expression\">MIT</license><readme>readme.txt</readme><dependencies>\
        <group targetFramework=\"net8.0\"><dependency id=\"Acme.Core\" version=\"1.0\" /></group>\
        </dependencies>";
    let package = Package::new("Acme.Tool", "1.0.0").saying(more);
    feed.publish(&[package.with_file("readme.txt", b"Read me")]).await;
    feed.publish(&[Package::new("Acme.Tool", "1.1.0")]).await;
    let nuget = worker(Client::NuGet7, &feed);
    let _ = nuget.delete("acme.tool", "1.1.0").good();
    let folder = nuget.folder();
    let run = |words: &[&str]| nuget.run(folder.path(), &[words, &["--source", "site"]].concat());

    let said = run(&["metadata", "acme.TOOL", "--unlisted"]).good();
    let line = said.lines().find(|line| line.starts_with("Acme.Tool 1.0.0 ")).expect("a line");
    for part in ["listed=True", "dependencies=net8.0:Acme.Core [1.0.0, )", "license=MIT", "/readme"]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(said.contains("Acme.Tool 1.1.0 listed=False"), "{said}");
    assert!(run(&["versions", "Acme.Tool"]).good().ends_with("1.0.0\n1.1.0\n"));
    assert!(run(&["autocomplete", "acme"]).good().ends_with("Acme.Tool\n"));
    let said = run(&["vulnerabilities"]).bad();
    assert!(said.contains("the source has no IVulnerabilityInfoResource"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chocolatey_packs_pushes_finds_and_tells_what_is_outdated() {
    let feed = Feed::open().await;
    for protocol in [Protocol::V2, Protocol::V3] {
        let id = format!("acme-{protocol:?}").to_lowercase();
        let choco = Worker::new(Client::Choco, &feed.source(protocol)).with_key(feed.server.key());
        let source = feed.source(protocol);
        let folder = choco.folder();
        for version in ["1.0.0", "1.1.0"] {
            let nuspec = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
                 <package xmlns=\"http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd\"><metadata>\
                 <id>{id}</id><version>{version}</version><title>{id}</title><authors>Acme</authors>\
                 <description>A tool</description><tags>acme</tags></metadata></package>"
            );
            write(folder.path(), "tool.nuspec", &nuspec);
            write(&folder.path().join("tools"), "chocolateyInstall.ps1", "");
            let _ = choco.run(folder.path(), &["pack", "tool.nuspec"]).good();
            let _ = choco.push(&folder.path().join(format!("{id}.{version}.nupkg"))).good();
        }
        let _ = choco.install(&id, Some("1.0.0")).good();
        let words = ["outdated", "--source", &source, "--limit-output"];
        let said = choco.run(folder.path(), &words);
        assert!(said.said.contains(&format!("{id}|1.0.0|1.1.0|")), "{}", said.said);
        let said = choco.run(folder.path(), &["info", &id, "--source", &source]).good();
        assert!(said.contains("1.1.0") && said.contains("A tool"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_not_there_is_said_to_be_unknown() {
    let feed = Feed::open().await;
    let said = worker(Client::Dotnet, &feed).install("Nothing", Some("1.0.0")).bad();
    assert!(said.contains("NU1101"), "{said}");
    let said = worker(Client::NuGet60, &feed).install("Nothing", Some("1.0.0")).bad();
    assert!(said.contains("Nothing 1.0.0' is not found"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_of_a_client_that_tries_often_do_not_lock_the_right_one_out() {
    let feed = Feed::closed().await;
    feed.publish(&[Package::new("Acme.Tool", "1.0.0")]).await;
    let user = json!({
        "name": "anybody", "scopes": ["view:libs"], "password": "correct horse", "email": "a@example.org",
    });
    let added = feed.server.request(Method::POST, "/api/v1/users").json(&user).send().await;
    assert_eq!(added.expect("an answer").status(), 201);
    let source = feed.source(Protocol::V3);
    let wrong = Worker::new(Client::NuGet7, &source).with_password("battery staple");
    let said = wrong.install("Acme.Tool", Some("1.0.0")).bad();
    assert!(said.contains("401"), "{said}");
    let right = Worker::new(Client::NuGet7, &source).with_password("correct horse");
    let _ = right.install("Acme.Tool", Some("1.0.0")).good();
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_packages_are_restored_as_they_were_signed() {
    let feed = Feed::open().await;
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/nuget/tests/data/packages");
    for (id, version) in [("SignedPackage", "1.0.0"), ("Test.Reposigned", "1.0.0")] {
        let file = Path::new(made).join(format!("{id}.{version}.nupkg"));
        let bytes = std::fs::read(file).expect("a package");
        feed.publish_file(bytes.clone()).await;
        let nuget = worker(Client::NuGet7, &feed);
        let folder = nuget.folder();
        let words = ["download", id, version, "file.nupkg", "--source", "site"];
        let _ = nuget.run(folder.path(), &words).good();
        assert!(std::fs::read(folder.path().join("file.nupkg")).expect("a file") == bytes, "{id}");
    }
}
