//! Addresses of the second protocol, and what they need.

use pakhus_plugin_api::Action;

use super::full_feed;
use crate::support::{assert_refused, feed, form, package};

#[test]
fn each_address_needs_its_permission() {
    let feed = feed();
    for (method, path, name, action) in [
        ("GET", "", "nuget.v2_service", Action::View),
        ("GET", "/$metadata", "nuget.v2_metadata", Action::View),
        ("GET", "/Packages", "nuget.v2_packages", Action::View),
        ("GET", "/Packages()/$count", "nuget.v2_packages", Action::View),
        ("GET", "/Packages(Id='a',Version='1.0')", "nuget.v2_entry", Action::View),
        ("GET", "/Packages(Id=%27a%27,Version=%271.0%27)/$value", "nuget.package", Action::View),
        ("GET", "/Search()", "nuget.v2_search", Action::View),
        ("GET", "/FindPackagesById()", "nuget.v2_find", Action::View),
        ("GET", "/GetUpdates()", "nuget.v2_updates", Action::View),
        ("GET", "/package/a/1.0", "nuget.package", Action::View),
        ("GET", "/package/a", "nuget.v2_latest", Action::View),
        ("GET", "/package-ids", "nuget.v2_ids", Action::View),
        ("GET", "/package-versions/a", "nuget.v2_versions", Action::View),
        ("PUT", "", "nuget.push", Action::Publish),
        ("PUT", "/package", "nuget.push", Action::Publish),
        ("PUT", "/package/", "nuget.push", Action::Publish),
        ("DELETE", "/A/1.0", "nuget.delete", Action::Delete),
        ("DELETE", "/package/A/1.0", "nuget.delete", Action::Delete),
        ("POST", "/package/A/1.0", "nuget.relist", Action::Delete),
    ] {
        for root in ["", "/v2"] {
            let path = if path.is_empty() { format!("{root}/") } else { format!("{root}{path}") };
            let route = feed.request(method, &path).send().route.unwrap();
            assert_eq!((route.name, route.action), (name, action), "{method} {path}");
        }
    }
}

#[test]
fn other_addresses_and_methods_are_refused() {
    let feed = feed();
    for path in ["/v2/Nothing()", "/v2/Packages()/Id", "/v2/$batch", "/v2/Packages("] {
        assert_refused(&feed.request("GET", path).send(), 404, "no such address");
    }
    for (method, path) in [("POST", "/v2/"), ("PUT", "/v2/Packages()"), ("GET", "/v2/package")] {
        assert_refused(&feed.request(method, path).send(), 405, "this method");
    }
    for path in ["/v2/Packages('a')", "/v2/Packages(Id='a')", "/v2/Packages(Id='a,Version='1')"] {
        assert_eq!(feed.request("GET", path).send().status, 400, "{path}");
    }
}

#[test]
fn a_package_is_pushed_to_the_service_and_read_back_below_it() {
    for root in ["/", "/v2/", "/v2/package/"] {
        let feed = feed();
        let package = package("Acme.Lib", "1.0.0");
        let (kind, body) = form(&package);
        let push = feed.request("PUT", root).header("content-type", kind).by("alice").body(body);
        assert_eq!(push.send().status, 201, "{root}");
        for path in [
            "/v2/package/acme.lib/1.0",
            "/v2/package/Acme.Lib",
            "/v2/Packages(Id='ACME.Lib',Version='1.0.0.0')/$value",
            "/Packages(Id='Acme.Lib',Version='1.0.0')/Download",
        ] {
            let answer = feed.request("GET", path).send();
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.body, package, "{path}");
        }
    }
}

#[test]
fn the_latest_release_is_downloaded_where_no_version_is_said() {
    let feed = full_feed();
    let downloaded = |id: &str| {
        let answer = feed.request("GET", &format!("/v2/package/{id}")).send();
        answer.download.map(|download| download.version)
    };
    assert_eq!(downloaded("acme.lib").as_deref(), Some("1.10.0"));
    assert_eq!(downloaded("early").as_deref(), Some("0.1.0-alpha"));
    assert_refused(&feed.request("GET", "/v2/package/nothing").send(), 404, "no version");
}

#[test]
fn answers_link_to_the_service_that_was_asked() {
    let feed = full_feed();
    for (root, service) in [("/v2", "/v2"), ("", "")] {
        let path = format!("{root}/FindPackagesById()?id='AzTool'");
        let answer = feed.request("GET", &path).send();
        let text = answer.text();
        let content =
            format!("src=\"https://pakhus.test/nuget/main{service}/package/AzTool/3.0.0\"");
        assert!(text.contains(&content), "{text}");
    }
}
