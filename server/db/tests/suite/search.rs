//! Searching for packages.

use std::collections::HashMap;

use pakhus_core::replication::MergePolicy;
use pakhus_core::{Download, Metadata, Search, SearchEntry, SearchOrder, SearchPage};
use pakhus_db::{downloads, feeds, search};

use crate::bench::{Backend, Bench, Site};
use crate::vocabulary::{content, delete, publish};

on_both_backends!(
    a_package_is_found_by_the_beginnings_of_its_words,
    all_words_of_a_search_are_found_wherever_they_stand,
    labels_narrow_a_search_down,
    the_very_name_comes_first_and_a_name_before_a_description,
    of_alike_packages_the_more_downloaded_comes_first,
    what_is_found_is_ordered_by_name_or_downloads_where_that_is_asked,
    pages_of_a_search_neither_overlap_nor_leave_out,
    what_is_deleted_is_not_found,
    what_another_site_published_is_found,
    a_package_is_found_in_its_feed_alone,
    hostile_texts_find_nothing_and_break_nothing,
    downloads_of_late_are_told_apart,
    of_very_many_the_most_downloaded_come_first_behind_the_very_name,
);

/// Brings the index up to date: what each package is found by, its versions say in their metadata.
async fn update(site: &Site, entry: impl Fn(&str) -> SearchEntry) {
    loop {
        let pending = search::pending(&site.database, site.feed.id).await.expect("no failure");
        if pending.is_empty() {
            return;
        }
        let entries = pending.into_iter().map(|pending| {
            let entry = pending.contents().map(|contents| entry(contents.package.name.display()));
            (pending, entry)
        });
        search::index(&site.database, site.feed.id, entries.collect()).await.expect("indexed");
    }
}

fn entry(description: &str, keywords: &[&str], labels: &[&str]) -> SearchEntry {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    SearchEntry {
        keywords: owned(keywords),
        description: description.to_owned(),
        labels: owned(labels),
        shown: Metadata::from_value(&description).expect("JSON"),
    }
}

fn nothing(_: &str) -> SearchEntry {
    entry("", &[], &[])
}

async fn find(site: &Site, search: &Search) -> SearchPage {
    search::find(&site.database, site.feed.id, search, site.clock.now()).await.expect("no failure")
}

fn text(text: &str) -> Search {
    Search { text: text.to_owned(), take: 100, ..Search::default() }
}

async fn names(site: &Site, search: &Search) -> Vec<String> {
    let page = find(site, search).await;
    assert_eq!(page.total, page.found.len() as u64);
    page.found.iter().map(|found| found.name.display().to_owned()).collect()
}

async fn publish_all(site: &Site, names: &[&str]) {
    site.commit(names.iter().map(|name| publish(name, "1.0.0"))).await.expect("published");
}

async fn a_package_is_found_by_the_beginnings_of_its_words(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["http-router", "lodash.merge", "unrelated"]).await;
    update(&site, nothing).await;
    assert_eq!(names(&site, &text("rout")).await, ["http-router"]);
    assert_eq!(names(&site, &text("HTTP Router")).await, ["http-router"]);
    assert_eq!(names(&site, &text("lodashmerge")).await, ["lodash.merge"]);
    assert_eq!(names(&site, &text("outer")).await, [""; 0]);
    assert_eq!(names(&site, &text("")).await, ["http-router", "lodash.merge", "unrelated"]);
}

async fn all_words_of_a_search_are_found_wherever_they_stand(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["alpha", "beta"]).await;
    update(&site, |name| match name {
        "alpha" => entry("Parses quickly", &["yaml"], &[]),
        _ => entry("Parses slowly", &["toml"], &[]),
    })
    .await;
    assert_eq!(names(&site, &text("alpha yaml parses")).await, ["alpha"]);
    assert_eq!(names(&site, &text("parses")).await, ["alpha", "beta"]);
    assert_eq!(names(&site, &text("alpha toml")).await, [""; 0]);
    let page = find(&site, &text("yaml")).await;
    assert_eq!(page.found[0].shown.as_json(), "\"Parses quickly\"");
}

async fn labels_narrow_a_search_down(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["a1", "a2", "a3"]).await;
    update(&site, |name| match name {
        "a1" => entry("", &[], &["scope:Acme", "keyword:x y"]),
        "a2" => entry("", &[], &["scope:acme", "keyword:x"]),
        _ => entry("", &[], &["scope:other"]),
    })
    .await;
    let narrowed = |labels: &[&[&str]], without: &[&str]| Search {
        labels: labels
            .iter()
            .map(|any| any.iter().map(|label| (*label).to_owned()).collect())
            .collect(),
        without: without.iter().map(|label| (*label).to_owned()).collect(),
        ..text("")
    };
    assert_eq!(names(&site, &narrowed(&[&["scope:ACME"]], &[])).await, ["a1", "a2"]);
    assert_eq!(names(&site, &narrowed(&[&["keyword:x"]], &[])).await, ["a2"]);
    assert_eq!(
        names(&site, &narrowed(&[&["keyword:x y", "scope:other"]], &[])).await,
        ["a1", "a3"]
    );
    assert_eq!(names(&site, &narrowed(&[&["scope:acme"], &["keyword:x"]], &[])).await, ["a2"]);
    assert_eq!(names(&site, &narrowed(&[], &["scope:acme"])).await, ["a3"]);
    assert_eq!(names(&site, &narrowed(&[&[]], &[])).await, [""; 0]);
}

async fn the_very_name_comes_first_and_a_name_before_a_description(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["about", "tool-kit", "tool"]).await;
    update(&site, |name| match name {
        "about" => entry("a tool that is like a tool", &[], &[]),
        _ => nothing(name),
    })
    .await;
    assert_eq!(names(&site, &text("tool")).await, ["tool", "tool-kit", "about"]);
}

async fn of_alike_packages_the_more_downloaded_comes_first(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["tool-a", "tool-b", "tool-c"]).await;
    update(&site, nothing).await;
    for (name, count) in [("tool-b", 50), ("tool-c", 5_000)] {
        let download = Download { name: name.to_owned(), version: "1.0.0".to_owned() };
        let counts = HashMap::from([(download, count)]);
        downloads::add(&site.database, site.feed.id, "la", &counts, site.clock.now())
            .await
            .expect("counted");
    }
    assert_eq!(names(&site, &text("tool")).await, ["tool-c", "tool-b", "tool-a"]);
}

async fn what_is_found_is_ordered_by_name_or_downloads_where_that_is_asked(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["b-tool", "tool", "a-tool"]).await;
    let download = |name: &str| Download { name: name.to_owned(), version: "1.0.0".to_owned() };
    let counts = HashMap::from([(download("b-tool"), 12), (download("a-tool"), 11)]);
    downloads::add(&site.database, site.feed.id, "la", &counts, site.clock.now())
        .await
        .expect("counted");
    update(&site, nothing).await;
    let ordered = async |order| names(&site, &Search { order, ..text("tool") }).await;
    assert_eq!(ordered(SearchOrder::Best).await[0], "tool");
    assert_eq!(ordered(SearchOrder::Name).await, ["a-tool", "b-tool", "tool"]);
    assert_eq!(ordered(SearchOrder::NameDescending).await, ["tool", "b-tool", "a-tool"]);
    assert_eq!(ordered(SearchOrder::Downloads).await, ["b-tool", "a-tool", "tool"]);
}

async fn pages_of_a_search_neither_overlap_nor_leave_out(bench: &Bench) {
    let site = bench.site("la").await;
    let all: Vec<_> = (0..250).map(|number| format!("tool-{number:03}")).collect();
    for some in all.chunks(90) {
        publish_all(&site, &some.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    update(&site, nothing).await;
    let mut found = Vec::new();
    for skip in (0..300).step_by(60) {
        let page = find(&site, &Search { skip, take: 60, ..text("tool") }).await;
        assert_eq!(page.total, 250);
        found.extend(page.found.iter().map(|found| found.name.display().to_owned()));
    }
    found.sort();
    assert_eq!(found, all);
}

async fn what_is_deleted_is_not_found(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["gone", "stays"]).await;
    update(&site, nothing).await;
    site.commit([delete("gone", "1.0.0")]).await.expect("deleted");
    update(&site, nothing).await;
    assert_eq!(names(&site, &text("")).await, ["stays"]);
    publish_all(&site, &["gone"]).await;
    update(&site, nothing).await;
    assert_eq!(names(&site, &text("gone")).await, ["gone"]);
}

async fn what_another_site_published_is_found(bench: &Bench) {
    let site = bench.site("la").await;
    site.apply(vec![content("theirs", "1.0.0", 1, 1, "", vec![])], MergePolicy::Converge).await;
    update(&site, nothing).await;
    assert_eq!(names(&site, &text("theirs")).await, ["theirs"]);
}

async fn a_package_is_found_in_its_feed_alone(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["mine"]).await;
    update(&site, nothing).await;
    let search = text("mine");
    let other = search::find(&site.database, site.feed.id + 1, &search, site.clock.now()).await;
    assert_eq!(other.expect("no failure").total, 0);
    feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    assert_eq!(find(&site, &search).await.total, 0);
}

async fn hostile_texts_find_nothing_and_break_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["tool"]).await;
    update(&site, nothing).await;
    for hostile in [
        "\" OR 1",
        "name : tool *",
        "NEAR(a b)",
        "' | 'zz",
        "zz:*",
        "{labels} : f1",
        "\\",
        "AND",
        "NOT tool zz",
        "\u{0}zz",
        "😀zz",
    ] {
        assert_eq!(names(&site, &text(hostile)).await, [""; 0], "{hostile}");
    }
    assert_eq!(find(&site, &text(&"tool ".repeat(5_000))).await.total, 1);
}

async fn downloads_of_late_are_told_apart(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["tool"]).await;
    update(&site, nothing).await;
    let now = site.clock.now();
    let day = 24 * 60 * 60 * 1000;
    for (ago, count) in [(0, 1), (6, 10), (7, 100), (29, 1_000), (30, 10_000)] {
        let download = Download { name: "tool".to_owned(), version: "1.0.0".to_owned() };
        let at = pakhus_core::Timestamp::from_millis(now.millis() - ago * day);
        let counts = HashMap::from([(download, count)]);
        downloads::add(&site.database, site.feed.id, "la", &counts, at).await.expect("counted");
    }
    let names = ["tool".to_owned()];
    let recent = downloads::recent(&site.database, site.feed.id, &names, now).await;
    let recent = &recent.expect("no failure")["tool"];
    assert_eq!((recent.week, recent.month, recent.total), (11, 1_111, 11_111));
}

/// So many that it would take too long to weigh them all.
async fn of_very_many_the_most_downloaded_come_first_behind_the_very_name(bench: &Bench) {
    let site = bench.site("la").await;
    publish_all(&site, &["copy"]).await;
    update(&site, nothing).await;
    let (feed, raw) = (site.feed.id, site.raw().await);
    let copies = format!(
        "WITH RECURSIVE copies(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copies WHERE i < {})",
        search::MOST_MATCHES
    );
    let entry = "'copy-' || CAST(i AS TEXT), 'copy-' || CAST(i AS TEXT), '\"\"', 0";
    match bench.backend {
        Backend::Sqlite => {
            let columns = "feed_id, name, display, shown, downloads";
            raw.execute(&format!(
                "{copies} INSERT INTO search_entries ({columns}) SELECT {feed}, {entry} FROM copies"
            ))
            .await;
            raw.execute(&format!(
                "INSERT INTO search_text (rowid, name, keywords, description, labels) \
                 SELECT id, 'copy', '', '', 'f{feed}' FROM search_entries WHERE name <> 'copy'"
            ))
            .await;
        }
        Backend::Postgres => {
            raw.execute(&format!(
                "{copies} INSERT INTO search_entries \
                 (feed_id, name, display, shown, downloads, terms) \
                 SELECT {feed}, {entry}, '''copy'':1A ''f{feed}'':2D'::tsvector FROM copies"
            ))
            .await;
        }
    }
    raw.execute("UPDATE search_entries SET downloads = 50 WHERE name = 'copy-7'").await;
    for (asked, expected) in [("copy", ["copy", "copy-7"]), ("cop", ["copy-7", "copy-1"])] {
        let page = find(&site, &Search { take: 2, ..text(asked) }).await;
        assert_eq!(page.total, search::MOST_MATCHES);
        let first = page.found.iter().map(|found| found.name.display());
        assert_eq!(first.collect::<Vec<_>>(), expected);
    }
}
