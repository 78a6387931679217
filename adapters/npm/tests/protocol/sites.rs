use pakhus_npm::Npm;
use pakhus_plugin_api::testing::MemoryFeed;
use serde_json::json;

use crate::support::{CORGI, abbreviated, feed, packument, packument_to_write, publish, put};

fn two_sites() -> (MemoryFeed, MemoryFeed) {
    let site = |name| MemoryFeed::new(Npm::default()).at_site(name);
    (site("berlin"), site("osaka"))
}

fn meet(a: &MemoryFeed, b: &MemoryFeed) {
    a.pull_from(b).expect("the other site takes what was published");
    b.pull_from(a).expect("the other site takes what was published");
}

#[test]
fn equal_contents_make_equal_documents() {
    let (berlin, osaka) = two_sites();
    publish(&berlin, "@acme/pad", "1.0.0", &["latest"]);
    publish(&osaka, "@acme/pad", "1.1.0", &["latest"]);
    publish(&osaka, "@acme/pad", "2.0.0-beta.1", &["beta"]);
    meet(&berlin, &osaka);
    let (mut document, _) = packument_to_write(&berlin, "@acme/pad");
    document["versions"]["1.0.0"]["deprecated"] = json!("old");
    assert_eq!(put(&berlin, "@acme/pad", &document).status, 200);
    meet(&berlin, &osaka);

    for accept in ["application/json", CORGI] {
        let document = |site: &MemoryFeed| {
            let answer = site.request("GET", "/@acme%2fpad").header("accept", accept).send();
            (answer.status, answer.headers, answer.body)
        };
        assert_eq!(document(&berlin), document(&osaka));
    }
    let merged = packument(&osaka, "@acme/pad");
    assert_eq!(merged["versions"].as_object().unwrap().len(), 3);
    assert_eq!(merged["versions"]["1.0.0"]["deprecated"], "old");
    let tarball = osaka.request("GET", "/@acme/pad/-/pad-1.0.0.tgz").send();
    assert_eq!(tarball.status, 200);
}

#[test]
fn a_rev_read_at_one_site_is_good_at_the_other() {
    let (berlin, osaka) = two_sites();
    publish(&berlin, "left-pad", "1.0.0", &["latest"]);
    meet(&berlin, &osaka);
    let (_, rev) = packument_to_write(&berlin, "left-pad");
    let answer = osaka.request("DELETE", &format!("/left-pad/-rev/{rev}")).by("alice").send();
    assert_eq!(answer.status, 200);
}

#[test]
fn a_tag_whose_version_another_site_deleted_is_not_shown() {
    let (berlin, osaka) = two_sites();
    publish(&berlin, "left-pad", "1.0.0", &["latest"]);
    publish(&berlin, "left-pad", "1.1.0", &["latest"]);
    meet(&berlin, &osaka);
    // At the same time one site removes 1.1.0 and the other tags it.
    let (mut document, rev) = packument_to_write(&berlin, "left-pad");
    document["versions"].as_object_mut().unwrap().remove("1.1.0");
    document["dist-tags"]["latest"] = json!("1.0.0");
    let answer = berlin
        .request("PUT", &format!("/left-pad/-rev/{rev}"))
        .by("alice")
        .body(document.to_string())
        .send();
    assert_eq!(answer.status, 200);
    for tag in ["stable", "latest"] {
        let path = format!("/-/package/left-pad/dist-tags/{tag}");
        for version in ["\"1.0.0\"", "\"1.1.0\""] {
            let answer = osaka.request("PUT", &path).by("bob").body(version).send();
            assert_eq!(answer.status, 201);
        }
    }
    meet(&berlin, &osaka);
    for site in [&berlin, &osaka] {
        assert_eq!(packument(site, "left-pad")["dist-tags"], json!({"latest": "1.0.0"}));
        assert_eq!(abbreviated(site, "left-pad")["dist-tags"], json!({"latest": "1.0.0"}));
    }
}

#[test]
fn a_publish_where_latest_is_gone_sets_it() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let (_, rev) = packument_to_write(&feed, "left-pad");
    let answer = feed.request("DELETE", &format!("/left-pad/-rev/{rev}")).by("alice").send();
    assert_eq!(answer.status, 200);
    publish(&feed, "left-pad", "2.0.0-beta.1", &["beta"]);
    let tags = json!({"beta": "2.0.0-beta.1", "latest": "2.0.0-beta.1"});
    assert_eq!(packument(&feed, "left-pad")["dist-tags"], tags);
}
