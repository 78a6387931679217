use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};

use crate::support::{
    IMAGE, INDEX, below_the_feed, descriptor, digest_of, feed, get, index, push, pushed, put,
    sha256, upload,
};

/// Something of `kind` that is about `subject`.
fn about(subject: &Value, kind: &str, note: &str) -> Value {
    let empty = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind,
        "config": empty, "layers": [empty],
        "subject": descriptor(IMAGE, subject.to_string().as_bytes()),
        "annotations": { "org.example.note": note },
    })
}

fn referrers(feed: &MemoryFeed, subject: &Value, query: &str) -> (Answer, Vec<Value>) {
    let answer = get(feed, &format!("/a/referrers/{}{query}", digest_of(subject)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(INDEX));
    let document = answer.json();
    assert_eq!((&document["schemaVersion"], &document["mediaType"]), (&json!(2), &json!(INDEX)));
    let found = document["manifests"].as_array().unwrap().clone();
    (answer, found)
}

#[test]
fn what_is_about_a_manifest_is_listed_with_its_kind_and_annotations() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    let signature = about(&image, "application/vnd.example.signature", "signed");
    let answer = put(&feed, "a", &digest_of(&signature), &signature);
    assert_eq!(answer.header("oci-subject"), Some(digest_of(&image).as_str()));
    let (_, found) = referrers(&feed, &image, "");
    let expected = json!({
        "mediaType": IMAGE, "digest": digest_of(&signature), "size": signature.to_string().len(),
        "artifactType": "application/vnd.example.signature",
        "annotations": { "org.example.note": "signed" },
    });
    assert_eq!(found, [expected]);
}

#[test]
fn the_kind_of_an_image_is_that_of_its_config_and_an_index_has_none() {
    let feed = feed();
    let subject = push(&feed, "a", "latest", "layer");
    let mut image = about(&subject, "", "image");
    pushed(&feed, "a", "image", &image);
    let mut list = index(&[]);
    list["subject"] = image["subject"].take();
    pushed(&feed, "a", "list", &list);
    let (_, found) = referrers(&feed, &subject, "");
    let kind = |media_type: &str| {
        found.iter().find(|found| found["mediaType"] == media_type).unwrap().get("artifactType")
    };
    assert_eq!(kind(IMAGE), Some(&json!("application/vnd.oci.empty.v1+json")));
    assert_eq!(kind(INDEX), None);
}

#[test]
fn they_can_be_filtered_by_their_kind() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    for kind in ["application/vnd.one+json", "application/vnd.two"] {
        pushed(
            &feed,
            "a",
            kind.rsplit('.').next().unwrap().split('+').next().unwrap(),
            &about(&image, kind, "x"),
        );
    }
    let (answer, found) = referrers(&feed, &image, "?artifactType=application/vnd.one%2Bjson");
    assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["artifactType"], "application/vnd.one+json");
    let (answer, found) = referrers(&feed, &image, "");
    assert_eq!((answer.header("oci-filters-applied"), found.len()), (None, 2));
}

#[test]
fn a_subject_need_not_be_there_and_has_no_referrers_then_but_those_that_came() {
    let feed = feed();
    let absent = crate::support::image("absent");
    assert!(referrers(&feed, &absent, "").1.is_empty());
    upload(&feed, "a", b"{}");
    pushed(&feed, "a", "signature", &about(&absent, "application/vnd.example", "early"));
    assert_eq!(referrers(&feed, &absent, "").1.len(), 1);
    let answer = get(&feed, &format!("/nowhere/referrers/{}", sha256(b"x")));
    assert_eq!(answer.status, 200);
}

#[test]
fn a_referrer_that_is_deleted_is_listed_no_longer() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    let signature = about(&image, "application/vnd.example", "x");
    pushed(&feed, "a", "signature", &signature);
    let target = format!("/a/manifests/{}", digest_of(&signature));
    assert_eq!(feed.request("DELETE", &target).send().status, 202);
    assert!(referrers(&feed, &image, "").1.is_empty());
    pushed(&feed, "a", "signature", &signature);
    assert_eq!(referrers(&feed, &image, "").1.len(), 1);
}

#[test]
fn many_referrers_are_listed_page_by_page() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    for number in 0..24 {
        let large = format!("{number}{}", "x".repeat(900_000));
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        pushed(&feed, "a", "signature", &about(&image, kind, &large));
    }
    let (mut answer, mut all) = referrers(&feed, &image, "?artifactType=even");
    let mut pages = 1;
    while let Some(link) = answer.header("link") {
        let link = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        answer = get(&feed, &below_the_feed(link));
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        all.extend(answer.json()["manifests"].as_array().unwrap().iter().cloned());
        pages += 1;
    }
    assert!(pages > 1);
    let mut digests: Vec<_> = all.iter().map(|found| found["digest"].to_string()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 12);
}
