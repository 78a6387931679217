//! The second protocol: OData.

mod atom;
mod functions;
mod options;
mod paging;
mod paths;

use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::Value;

use crate::support::{feed, nuspec, package, package_of, pushed};

/// Asks for `set` with these options: the query is encoded here.
fn ask(feed: &MemoryFeed, set: &str, options: &[(&str, &str)]) -> Answer {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> =
        options.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    feed.request("GET", &format!("/v2/{set}?{}", pairs.join("&"))).send()
}

/// The rows of an answer, in JSON.
#[track_caller]
fn rows(feed: &MemoryFeed, set: &str, options: &[(&str, &str)]) -> Value {
    let answer = ask(feed, set, &[options, &[("$format", "json")]].concat());
    assert_eq!(answer.status, 200, "{set} {options:?}: {}", answer.text());
    answer.json()["d"].clone()
}

/// The ids and versions of an answer.
#[track_caller]
fn found(feed: &MemoryFeed, set: &str, options: &[(&str, &str)]) -> Vec<String> {
    let rows = rows(feed, set, options);
    let rows = rows["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| format!("{} {}", text(&row["Id"]), text(&row["Version"]))).collect()
}

/// A feed with versions of all kinds.
fn full_feed() -> MemoryFeed {
    let feed = feed();
    for (id, version) in [
        ("Acme.Lib", "1.0.0"),
        ("Acme.Lib", "1.2.0"),
        ("Acme.Lib", "1.10.0"),
        ("Acme.Lib", "2.0.0-beta"),
        ("Acme.Lib", "2.0.0-rc.1"),
        ("Early", "0.1.0-alpha"),
    ] {
        pushed(&feed, &package(id, version));
    }
    let more = "<tags>PSModule az</tags><title>The tool</title>";
    pushed(&feed, &package_of(nuspec("AzTool", "3.0.0", more)));
    feed
}
