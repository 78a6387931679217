use pakhus_plugin_api::Action;

use crate::support::{assert_refused, feed};

#[test]
fn each_address_needs_its_permission() {
    let feed = feed();
    for (method, path, name, action) in [
        ("GET", "/v3/index.json", "nuget.service_index", Action::View),
        ("GET", "/v3/flat/a/index.json", "nuget.versions", Action::View),
        ("GET", "/v3/flat/a/1.0.0/a.1.0.0.nupkg", "nuget.package", Action::View),
        ("GET", "/v3/flat/a/1.0.0/a.nuspec", "nuget.part", Action::View),
        ("GET", "/v3/registration/a/index.json", "nuget.registration", Action::View),
        ("GET", "/v3/registration/a/page/1.0/2.0.json", "nuget.registration_page", Action::View),
        ("GET", "/v3/registration-gz/a/1.0.json", "nuget.registration_leaf", Action::View),
        ("GET", "/v3/details/a/1.0.json", "nuget.details", Action::View),
        ("GET", "/v3/search?q=a", "nuget.search", Action::View),
        ("GET", "/v3/autocomplete?q=a", "nuget.autocomplete", Action::View),
        ("GET", "/v3/catalog/index.json", "nuget.catalog", Action::View),
        ("GET", "/v3/catalog/page0.json", "nuget.catalog_page", Action::View),
        ("GET", "/v3/catalog/1/a/1.0.json", "nuget.catalog_leaf", Action::View),
        ("PUT", "/v3/package", "nuget.push", Action::Publish),
        ("PUT", "/v3/package/", "nuget.push", Action::Publish),
        ("PUT", "/v3/symbols", "nuget.push_symbols", Action::Publish),
        ("GET", "/v3/flat/a/1.0.0/a.1.0.0.snupkg", "nuget.symbols", Action::View),
        ("DELETE", "/v3/package/A/1.0", "nuget.delete", Action::Delete),
        ("POST", "/v3/package/A/1.0", "nuget.relist", Action::Delete),
    ] {
        let route = feed.request(method, path).send().route.unwrap();
        assert_eq!((route.name, route.action), (name, action), "{method} {path}");
    }
}

#[test]
fn other_addresses_and_methods_are_refused() {
    let feed = feed();
    for path in ["/v3", "/v3/nothing", "/v3/flat/a", "/v3/registration/a/1.0", "/v4/index.json"] {
        assert_refused(&feed.request("GET", path).send(), 404, "no such address");
    }
    for (method, path) in [
        ("POST", "/v3/index.json"),
        ("PUT", "/v3/flat/a/index.json"),
        ("DELETE", "/v3/search"),
        ("GET", "/v3/package"),
        ("PUT", "/v3/package/a/1.0"),
    ] {
        assert_refused(&feed.request(method, path).send(), 405, "this method");
    }
    let answer = feed.request("GET", "/v3/flat/a%20b/index.json").send();
    assert_refused(&answer, 400, "is not of letters");
}
