use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::json;

use crate::support::{assert_refused, below_the_feed, feed, get, push};

fn with_tags() -> MemoryFeed {
    let feed = feed();
    for tag in ["b", "B", "1.10", "1.9", "a", "_"] {
        push(&feed, "a", tag, "layer");
    }
    feed
}

fn tags(answer: &Answer) -> Vec<String> {
    serde_json::from_value(answer.json()["tags"].clone()).unwrap()
}

/// The address of the next page.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?.strip_suffix(">; rel=\"next\"").unwrap();
    Some(below_the_feed(link.strip_prefix('<').unwrap()))
}

#[test]
fn tags_are_listed_in_the_order_of_their_bytes() {
    let answer = get(&with_tags(), "/a/tags/list");
    assert_eq!(answer.json()["name"], "main/a");
    assert_eq!(tags(&answer), ["1.10", "1.9", "B", "_", "a", "b"]);
    assert_eq!(next(&answer), None);
}

#[test]
fn tags_are_listed_page_by_page() {
    let feed = with_tags();
    let answer = get(&feed, "/a/tags/list?n=4");
    assert_eq!(tags(&answer), ["1.10", "1.9", "B", "_"]);
    let answer = get(&feed, &next(&answer).unwrap());
    assert_eq!((tags(&answer), next(&answer)), (vec!["a".to_owned(), "b".to_owned()], None));
    let answer = get(&feed, "/a/tags/list?n=2&last=B");
    assert_eq!(tags(&answer), ["_", "a"]);
    let answer = get(&feed, "/a/tags/list?last=a");
    assert_eq!(tags(&answer), ["b"]);
    let answer = get(&feed, "/a/tags/list?n=6");
    assert_eq!((tags(&answer).len(), next(&answer)), (6, None));
}

#[test]
fn no_tags_are_listed_where_none_are_asked_for() {
    let answer = get(&with_tags(), "/a/tags/list?n=0");
    assert_eq!((tags(&answer).len(), next(&answer)), (0, None));
}

#[test]
fn a_number_that_is_none_is_refused() {
    let feed = with_tags();
    for target in ["/a/tags/list?n=x", "/a/tags/list?n=-1", "/_catalog?n=x"] {
        assert_refused(&get(&feed, target), 400, "UNSUPPORTED");
    }
}

#[test]
fn repositories_are_listed_page_by_page() {
    let feed = feed();
    for name in ["c", "a/b", "a", "b"] {
        push(&feed, name, "latest", "layer");
    }
    let answer = get(&feed, "/_catalog?n=3");
    assert_eq!(answer.json(), json!({ "repositories": ["a", "a/b", "b"] }));
    let answer = get(&feed, &next(&answer).unwrap());
    assert_eq!(answer.json(), json!({ "repositories": ["c"] }));
    assert_eq!(next(&answer), None);
}
