//! Answers as clients parse them.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{ask, full_feed};
use crate::support::{feed, nuspec, package_of, pushed};

/// Fails when a text is no well-formed document.
fn assert_well_formed(text: &str) {
    let mut reader = Reader::from_str(text);
    while !matches!(reader.read_event().unwrap(), Event::Eof) {}
}

/// The texts of the elements of this name.
fn texts<'t>(document: &'t str, name: &str) -> Vec<&'t str> {
    let (begin, end) = (format!("<{name}"), format!("</{name}>"));
    let parts = document.split(&begin).skip(1);
    let inside = parts.filter_map(|part| part.split_once(&end)?.0.split_once('>'));
    inside.map(|(_, text)| text).collect()
}

#[test]
fn an_entry_has_what_clients_read() {
    let feed = feed();
    let more = "<title>A &amp; B</title><tags>a b</tags><summary>short</summary>\
        <projectUrl>https://acme.example</projectUrl><dependencies>\
        <group targetFramework=\"net45\"><dependency id=\"X\" version=\"[1.0,2.0)\"/>\
        <dependency id=\"Y\"/></group><group targetFramework=\"net8.0\"/></dependencies>";
    pushed(&feed, &package_of(nuspec("Acme.Lib", "1.0+meta", more)));
    let answer = feed.request("GET", "/v2/Packages(Id='acme.lib',Version='1.0.0.0')").send();
    assert_eq!(
        answer.header("content-type"),
        Some("application/atom+xml;type=entry;charset=utf-8")
    );
    assert_eq!(answer.header("dataserviceversion"), Some("2.0;"));
    let entry = answer.text();
    assert_well_formed(entry);
    for (name, text) in [
        ("title", "Acme.Lib"),
        ("name", "Zoë, Bob"),
        ("summary", "short"),
        ("d:Id", "Acme.Lib"),
        ("d:Version", "1.0.0+meta"),
        ("d:NormalizedVersion", "1.0.0"),
        ("d:Title", "A &amp; B"),
        ("d:Description", "does &lt;things&gt;"),
        ("d:Dependencies", "X:[1.0,2.0):net45|Y::net45|::net8.0"),
        ("d:Tags", "a b"),
        ("d:IsLatestVersion", "true"),
        ("d:IsPrerelease", "false"),
        ("d:PackageHashAlgorithm", "SHA512"),
        ("d:DownloadCount", "0"),
    ] {
        assert_eq!(texts(entry, name), [text], "{name}: {entry}");
    }
    let published = texts(entry, "d:Published")[0];
    assert!(published.starts_with("20") && !published.ends_with('Z'), "{published}");
    let content = "<content type=\"application/zip\" \
        src=\"https://pakhus.test/nuget/main/v2/package/Acme.Lib/1.0.0\"/>";
    assert!(entry.contains(content), "{entry}");
}

#[test]
fn a_feed_of_rows_is_well_formed_with_its_count_and_absolute_links() {
    let feed = full_feed();
    let options = [("$inlinecount", "allpages"), ("includePrerelease", "true")];
    let answer = ask(&feed, "Search()", &options);
    assert_eq!(answer.header("content-type"), Some("application/atom+xml;type=feed;charset=utf-8"));
    let text = answer.text();
    assert_well_formed(text);
    assert_eq!(texts(text, "m:count"), ["6"]);
    assert_eq!(texts(text, "d:Id").len(), 6);
    assert!(!text.contains("rel=\"next\""), "{text}");
    let by_id = [("id", "'Acme.Lib'"), ("$top", "9999999"), ("$filter", "Id eq 'it''s & <'")];
    let empty = ask(&feed, "FindPackagesById()", &by_id);
    assert_well_formed(empty.text());
    assert_eq!(texts(empty.text(), "d:Id"), [""; 0]);
}

#[test]
fn json_is_answered_to_who_wants_it() {
    let feed = full_feed();
    let wanting = |accept: &str, path: &str| {
        let answer = feed.request("GET", path).header("accept", accept).send();
        answer.header("content-type").unwrap_or_default().contains("json")
    };
    let plain = "/v2/FindPackagesById()?id='AzTool'";
    assert!(wanting("application/json", plain));
    assert!(!wanting("application/atom+xml,application/xml,application/json", plain));
    assert!(!wanting("application/json", &format!("{plain}&$format=atom")));
    assert!(wanting("application/atom+xml", &format!("{plain}&$format=json")));
}

#[test]
fn the_service_describes_what_it_answers() {
    let feed = full_feed();
    let answer = feed.request("GET", "/v2/$metadata").send();
    assert_eq!(answer.header("content-type"), Some("application/xml;charset=utf-8"));
    let metadata = answer.text();
    assert_well_formed(metadata);
    let entry = ask(&feed, "FindPackagesById()", &[("id", "'AzTool'")]);
    let declared: Vec<_> = metadata
        .split("<Property Name=\"")
        .skip(1)
        .map(|part| part.split_once('"').unwrap().0)
        .collect();
    let answered: Vec<_> = entry
        .text()
        .split("<d:")
        .skip(1)
        .map(|part| part.split([' ', '>', '/']).next().unwrap())
        .collect();
    assert_eq!(declared, answered);
    for function in ["Search", "FindPackagesById", "GetUpdates"] {
        assert!(metadata.contains(&format!("<FunctionImport Name=\"{function}\"")), "{metadata}");
    }
    let service = feed.request("GET", "/v2").send();
    let service = service.text();
    assert_well_formed(service);
    assert!(service.contains("<collection href=\"Packages\">"), "{service}");
}
