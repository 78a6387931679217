//! The requests of clients that do not run on Linux, or that no package registry has, as their sources
//! make them; and what each reads of the answers.

use pakhus_tests::nuget::{Feed, Package};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A feed with modules of PowerShell, a script, and a library.
async fn feed() -> Feed {
    let feed = Feed::open().await;
    let module = |id: &str, version: &str| {
        Package::new(id, version).saying("<tags>PSModule PSCommand_Get-Az json</tags>")
    };
    let script = Package::new("Az-Script", "1.0.0").saying("<tags>PSScript</tags>");
    let needs = "<dependencies><group targetFramework=\"net45\"><dependency id=\"Az.Core\" \
        version=\"[1.0.0,2.0.0)\" /></group><group targetFramework=\"net8.0\" /></dependencies>";
    let library = Package::new("Acme.Lib", "1.2.0").saying(needs);
    feed.publish(&[
        module("Az.Tools", "1.0.0"),
        module("Az.Tools", "1.1.0"),
        module("Az.Tools", "2.0.0"),
        module("Az.Tools", "2.1.0-preview"),
        module("Az.Core", "1.5.0"),
        script,
        library,
    ])
    .await;
    feed
}

/// An answer in Atom, as clients take it apart.
struct Atom(String);

impl Atom {
    async fn of(feed: &Feed, path: &str) -> Self {
        // Sent as they write it, spaces apart.
        let path = format!("/nuget/libs/v2/{}", path.replace(' ', "%20"));
        let request = feed.server.anonymous(Method::GET, &path);
        let answer =
            request.header("accept", "application/atom+xml").send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("text");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        Self(text)
    }

    /// The texts of the elements of this name, in the order of the document.
    fn texts(&self, name: &str) -> Vec<&str> {
        let (begin, end) = (format!("<{name}"), format!("</{name}>"));
        let mut found = Vec::new();
        let mut rest = self.0.as_str();
        while let Some((_, from)) = rest.split_once(&begin) {
            rest = from;
            let is_it = from.starts_with([' ', '>']);
            if let (true, Some((inside, _))) = (is_it, from.split_once(&end)) {
                found.push(inside.split_once('>').map_or("", |(_, text)| text));
            }
        }
        found
    }

    fn count(&self) -> &str {
        self.texts("m:count")[0]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn powershellget_2_registers_a_source_that_answers_for_an_unknown_id() {
    let feed = feed().await;
    let probe = "FindPackagesById()?id='Foo.Bar.Never.Published'&$skip=0&$top=40";
    assert_eq!(Atom::of(&feed, probe).await.texts("d:Id"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn powershellget_2_finds_a_module_with_all_its_versions() {
    let feed = feed().await;
    let found = Atom::of(&feed, "FindPackagesById()?id='az.tools'&$skip=0&$top=40").await;
    let versions = ["1.0.0", "1.1.0", "2.0.0", "2.1.0-preview"];
    assert_eq!(found.texts("d:Version"), versions);
    // It shows what each of these says, and downloads from where the last one points.
    for name in
        ["d:Id", "d:Tags", "d:Description", "d:Published", "d:PackageHash", "d:IsLatestVersion"]
    {
        assert_eq!(found.texts(name).len(), 4, "{name}");
    }
    assert_eq!(found.0.matches("<content type=\"application/zip\" src=\"http://").count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn powershellget_2_searches_the_latest_by_downloads_and_all_versions() {
    let feed = feed().await;
    let latest = "Search()?$filter=IsLatestVersion&$skip=0&$top=40&searchTerm='az'\
        &targetFramework=''&includePrerelease=false";
    let mut ids = Atom::of(&feed, latest).await.texts("d:Id").join(" ");
    let mut sorted: Vec<_> = ids.split(' ').collect();
    sorted.sort_unstable();
    ids = sorted.join(" ");
    assert_eq!(ids, "Az-Script Az.Core Az.Tools");
    let all = "Search()?$orderby=DownloadCount%20desc,Id&$skip=0&$top=40&searchTerm='tag:PSModule'\
        &targetFramework=''&includePrerelease=true";
    let found = Atom::of(&feed, all).await;
    assert_eq!(found.texts("d:Id").len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_finds_one_name_by_v2() {
    let feed = feed().await;
    let path = "FindPackagesById()?id='az.tools'&$inlinecount=allpages&$skip=0&$top=100\
        &$filter=IsLatestVersion and Id eq 'az.tools' and substringof('PSModule', Tags) eq true";
    let found = Atom::of(&feed, path).await;
    assert_eq!((found.count(), found.texts("d:NormalizedVersion")), ("1", vec!["2.0.0"]));
    let path = "FindPackagesById()?id='Az.Tools'&$inlinecount=allpages&\
        $filter=NormalizedVersion eq '1.1.0' and Id eq 'Az.Tools'";
    assert_eq!(Atom::of(&feed, path).await.texts("d:Version"), ["1.1.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_finds_a_range_of_versions_by_v2() {
    let feed = feed().await;
    let path = "FindPackagesById()?$inlinecount=allpages&$skip=0&$orderby=NormalizedVersion desc\
        &id='Az.Tools'&$filter=NormalizedVersion ge '1.0.0' and NormalizedVersion le '2.0.9' \
        and IsPrerelease eq false and Id eq 'Az.Tools'";
    let found = Atom::of(&feed, path).await;
    assert_eq!(found.texts("d:Version"), ["2.0.0", "1.1.0", "1.0.0"]);
    assert_eq!(found.count(), "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_finds_names_with_stars_by_v2() {
    let feed = feed().await;
    let ask = async |criterion: &str, more: &str| {
        let path = format!(
            "Search()?$inlinecount=allpages&$skip=0&$top=100&$orderby=Id desc{more}\
             &$filter=IsLatestVersion and {criterion}"
        );
        let found = Atom::of(&feed, &path).await;
        assert_eq!(found.count(), found.texts("d:Id").len().to_string());
        found.texts("d:Id").join(" ")
    };
    assert_eq!(ask("startswith(Id, 'az.')", "").await, "Az.Tools Az.Core");
    assert_eq!(ask("endswith(Id, 'tools')", "").await, "Az.Tools");
    assert_eq!(ask("substringof('ool', Id)", "").await, "Az.Tools");
    assert_eq!(ask("startswith(Id, 'a') and endswith(Id, 'lib')", "").await, "Acme.Lib");
    let no_scripts = "startswith(Id, 'az') and substringof('PSScript', Tags) eq false";
    assert_eq!(ask(no_scripts, "&includePrerelease=true").await, "Az.Tools Az.Core");
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_finds_everything_and_by_tags_and_commands_by_v2() {
    let feed = feed().await;
    let all = "Search()?$inlinecount=allpages&$skip=0&$top=6000&includePrerelease=true\
        &$filter=IsAbsoluteLatestVersion and substringof('PSModule', Tags) eq true";
    let found = Atom::of(&feed, all).await;
    assert_eq!(found.count(), "2");
    assert!(found.texts("d:Version").contains(&"2.1.0-preview"));
    let commands = "Search()?$inlinecount=allpages&$skip=0&$top=6000&$filter=IsLatestVersion\
        &searchTerm='tag:PSCommand_Get-Az'";
    assert_eq!(Atom::of(&feed, commands).await.count(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_downloads_by_id_and_version_by_v2() {
    let feed = feed().await;
    let file = feed.read("v2/package/Az.Tools/2.1.0-preview").await.expect("a package");
    assert!(file.starts_with(b"PK"));
}

async fn resource(feed: &Feed, kinds: &[&str]) -> String {
    let index = feed.server.json("/nuget/libs/v3/index.json").await;
    let resources = index["resources"].as_array().expect("a list");
    let of_kind = |kind: &&str| resources.iter().find(|one| one["@type"] == **kind);
    let found = kinds.iter().find_map(of_kind).unwrap_or_else(|| panic!("none of {kinds:?}"));
    let url = found["@id"].as_str().expect("an address");
    url.strip_prefix(&feed.server.url("")).expect("it is below the source").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn psresourceget_finds_and_downloads_by_v3() {
    let feed = feed().await;
    let kinds = ["RegistrationsBaseUrl/Versioned", "RegistrationsBaseUrl/3.6.0"];
    let registrations = resource(&feed, &kinds).await;
    let index = feed.server.json(&format!("{registrations}az.tools/index.json")).await;
    let entries = index["items"][0]["items"].as_array().expect("versions in line");
    let versions: Vec<_> = entries.iter().map(|one| &one["catalogEntry"]["version"]).collect();
    assert_eq!(versions, ["1.0.0", "1.1.0", "2.0.0", "2.1.0-preview"]);
    for one in entries {
        let entry = &one["catalogEntry"];
        assert!(entry["listed"].is_boolean() && entry["tags"].is_array(), "{entry}");
        let content = one["packageContent"].as_str().expect("an address");
        let path = content.strip_prefix(&feed.server.url("")).expect("it is of this server");
        assert_eq!(feed.server.get(path).await.status(), 200);
    }
    // It looks for tags by search.
    let kinds = ["SearchQueryService/3.5.0", "SearchQueryService/3.0.0-rc", "SearchQueryService"];
    let search = resource(&feed, &kinds).await;
    let path = format!("{search}?q=tags:json&prerelease=False&semVerLevel=2.0.0&skip=0&take=100");
    assert_eq!(feed.server.json(&path).await["totalHits"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn visual_studio_browses_and_shows_what_it_needs_as_it_needs_it() {
    let feed = feed().await;
    let search =
        resource(&feed, &["SearchQueryService/Versioned", "SearchQueryService/3.4.0"]).await;
    let path = format!(
        "{search}?q=&skip=0&take=26&prerelease=true&supportedFramework=.NETFramework%2CVersion%3Dv4.8&semVerLevel=2.0.0"
    );
    let found = feed.server.json(&path).await;
    assert_eq!(found["totalHits"], 4);
    // A member of another type makes its list stay empty.
    let is_text = |value: &Value| value.is_string();
    for one in found["data"].as_array().expect("a list") {
        for name in ["id", "version", "description", "summary", "title", "iconUrl", "licenseUrl"] {
            assert!(is_text(&one[name]), "{name}: {one}");
        }
        for name in ["authors", "owners", "tags"] {
            assert!(one[name].as_array().expect(name).iter().all(is_text), "{name}: {one}");
        }
        assert!(one["totalDownloads"].is_u64() && one["verified"].is_boolean(), "{one}");
        let version = &one["versions"][0];
        assert!(is_text(&version["version"]) && version["downloads"].is_u64(), "{version}");
        assert!(is_text(&version["@id"]) && is_text(&one["registration"]), "{version}");
    }
    let complete = resource(
        &feed,
        &["SearchAutocompleteService/Versioned", "SearchAutocompleteService/3.0.0-beta"],
    )
    .await;
    let ids =
        feed.server.json(&format!("{complete}?q=az.t&prerelease=true&semVerLevel=2.0.0")).await;
    assert_eq!(ids["data"], serde_json::json!(["Az.Tools"]));
    let path = format!("{complete}?id=Az.Tools&prerelease=false&semVerLevel=2.0.0");
    let versions = feed.server.json(&path).await;
    assert_eq!(versions["data"], serde_json::json!(["1.0.0", "1.1.0", "2.0.0"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn visual_studio_shows_details_and_dependencies_by_registrations() {
    let feed = feed().await;
    let registrations = resource(&feed, &["RegistrationsBaseUrl/3.6.0"]).await;
    let index = feed.server.json(&format!("{registrations}acme.lib/index.json")).await;
    let page = &index["items"][0];
    assert_eq!((&page["lower"], &page["upper"]), (&"1.2.0".into(), &"1.2.0".into()));
    let entry = &page["items"][0]["catalogEntry"];
    let groups = entry["dependencyGroups"].as_array().expect("groups");
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0]["dependencies"][0]["range"], "[1.0.0, 2.0.0)");
    assert_eq!(groups[0]["dependencies"][0]["id"], "Az.Core");
    let published = entry["published"].as_str().expect("a date");
    assert!(published.starts_with("20"), "{published}");
}

#[tokio::test(flavor = "multi_thread")]
async fn visual_studio_2013_lists_counts_and_asks_for_updates() {
    let feed = feed().await;
    let listed = "Search()?$filter=IsAbsoluteLatestVersion&$orderby=DownloadCount desc,Id&$skip=0\
        &$top=30&searchTerm=''&targetFramework='net45'&includePrerelease=true&$inlinecount=allpages";
    assert_eq!(Atom::of(&feed, listed).await.count(), "4");
    let path =
        "/nuget/libs/v2/Search()/$count?$filter=IsLatestVersion&searchTerm=''&targetFramework=''";
    let count = feed.server.get(path).await.text().await.expect("text");
    assert_eq!(count, "4");
    let updates = "GetUpdates()?packageIds='Az.Tools|Acme.Lib'&versions='1.0.0|1.2.0'\
        &includePrerelease=false&includeAllVersions=false&targetFrameworks='net45|net45'\
        &versionConstraints='|'";
    assert_eq!(Atom::of(&feed, updates).await.texts("d:Version"), ["2.0.0"]);
    let named = "Packages()?$filter=(((Id ne null) and substringof('tool',tolower(Id))) or \
        ((Description ne null) and substringof('tool',tolower(Description)))) and IsLatestVersion";
    assert_eq!(Atom::of(&feed, named).await.texts("d:Id"), ["Az.Tools"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn paket_gets_versions_details_and_dependencies() {
    let feed = feed().await;
    let versions = "FindPackagesById()?semVerLevel=2.0.0&id='Az.Tools'&$select=Version";
    assert_eq!(Atom::of(&feed, versions).await.texts("d:Version").len(), 4);
    for filter in ["tolower(Id) eq 'acme.lib'", "Id eq 'Acme.Lib'"] {
        for version in ["NormalizedVersion eq '1.2.0'", "Version eq '1.2'"] {
            let path = format!("Packages?$filter=({filter}) and ({version})");
            let found = Atom::of(&feed, &path).await;
            let dependencies = "Az.Core:[1.0.0,2.0.0):net45|::net8.0";
            assert_eq!(found.texts("d:Dependencies"), [dependencies]);
        }
    }
    let details = Atom::of(&feed, "Packages(Id='Acme.Lib',Version='1.2.0')").await;
    assert_eq!(details.texts("d:LicenseUrl").len() + details.texts("d:Published").len(), 1);
    // By v3, with the casing that people write.
    let registrations =
        resource(&feed, &["RegistrationsBaseUrl/3.6.0", "RegistrationsBaseUrl"]).await;
    let leaf = feed.server.json(&format!("{registrations}acme.lib/1.2.0.json")).await;
    assert!(leaf["catalogEntry"].is_string() && leaf["packageContent"].is_string(), "{leaf}");
}

#[tokio::test(flavor = "multi_thread")]
async fn renovate_and_dependabot_read_versions_by_both_protocols() {
    let feed = feed().await;
    let path =
        "FindPackagesById()?id=%27Az.Tools%27&$select=Version,IsLatestVersion,ProjectUrl,Published";
    let found = Atom::of(&feed, path).await;
    assert_eq!(found.texts("d:IsLatestVersion"), ["false", "false", "true", "false"]);
    assert_eq!(found.texts("d:Published").len(), 4);
    // Dependabot puts paths behind addresses, and knows plain names of resources alone.
    for kind in ["PackageBaseAddress/3.0.0", "RegistrationsBaseUrl"] {
        let base = resource(&feed, &[kind]).await;
        assert!(base.ends_with('/'), "{base}");
        assert_eq!(feed.server.get(&format!("{base}az.tools/index.json")).await.status(), 200);
    }
    let flat = resource(&feed, &["PackageBaseAddress/3.0.0"]).await;
    let nuspec = feed.server.get(&format!("{flat}az.tools/2.0.0/az.tools.nuspec")).await;
    assert!(nuspec.text().await.expect("text").contains("<id>Az.Tools</id>"));
}
