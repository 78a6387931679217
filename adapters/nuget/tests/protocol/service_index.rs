use crate::support::{feed, json};

#[test]
fn every_client_finds_the_resources_that_it_looks_for() {
    let index = json(&feed(), "/v3/index.json");
    assert_eq!(index["version"], "3.0.0");
    let resources = index["resources"].as_array().unwrap();
    let id_of = |kind: &str| {
        let found = resources.iter().find(|resource| resource["@type"] == kind);
        found.unwrap_or_else(|| panic!("{kind}"))["@id"].as_str().unwrap()
    };
    let base = "https://pakhus.test/nuget/main/v3";
    assert_eq!(id_of("PackageBaseAddress/3.0.0"), format!("{base}/flat/"));
    assert_eq!(id_of("PackagePublish/2.0.0"), format!("{base}/package"));
    assert_eq!(id_of("Catalog/3.0.0"), format!("{base}/catalog/index.json"));
    assert_eq!(id_of("SymbolPackagePublish/4.9.0"), format!("{base}/symbols"));
    for kind in ["", "/3.0.0-beta", "/3.0.0-rc"] {
        let kind = format!("RegistrationsBaseUrl{kind}");
        assert_eq!(id_of(&kind), format!("{base}/registration/"));
    }
    assert_eq!(id_of("RegistrationsBaseUrl/3.4.0"), format!("{base}/registration-gz/"));
    assert_eq!(id_of("RegistrationsBaseUrl/3.6.0"), format!("{base}/registration-gz-semver2/"));
    for kind in ["", "/3.0.0-beta", "/3.0.0-rc", "/3.4.0", "/3.5.0"] {
        assert_eq!(id_of(&format!("SearchQueryService{kind}")), format!("{base}/search"));
    }
    for kind in ["", "/3.0.0-beta", "/3.0.0-rc", "/3.5.0"] {
        let kind = format!("SearchAutocompleteService{kind}");
        assert_eq!(id_of(&kind), format!("{base}/autocomplete"));
    }
    let readme = format!("{base}/flat/{{lower_id}}/{{lower_version}}/readme");
    assert_eq!(id_of("ReadmeUriTemplate/6.13.0"), readme);
    assert_eq!(id_of("LegacyGallery/2.0.0"), "https://pakhus.test/nuget/main/v2");
}

#[test]
fn what_would_be_a_lie_is_left_out() {
    let index = json(&feed(), "/v3/index.json").to_string();
    // Over http, the first makes clients refuse the feed; the second would say that nothing here has
    // vulnerabilities.
    for kind in ["RepositorySignatures", "VulnerabilityInfo", "/Versioned"] {
        assert!(!index.contains(kind), "{kind}");
    }
}

#[test]
fn all_addresses_are_below_the_url_that_the_client_sees() {
    let feed = feed();
    for url in ["http://a.example/nuget/main", "https://b.example:8443/x/nuget/main"] {
        let index = feed.request("GET", "/v3/index.json").seen_at(url).send().json();
        for resource in index["resources"].as_array().unwrap() {
            assert!(resource["@id"].as_str().unwrap().starts_with(&format!("{url}/v")));
        }
    }
}
