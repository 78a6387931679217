//! Whatever is done at two sites that mirror each other, they end with the same documents.

use pakhus_npm::Npm;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{CORGI, attach, publish_document, tarball};

const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "2.0.0-beta.1", "2.0.0+build.1"];
const TAGS: [&str; 3] = ["latest", "beta", "old"];

/// What somebody does at one of the sites. Much of it is refused, which is part of the game.
#[derive(Debug, Clone)]
enum Step {
    Publish {
        version: usize,
        tag: Option<usize>,
        content: u8,
    },
    Tag {
        tag: usize,
        version: usize,
    },
    Untag {
        tag: usize,
    },
    Deprecate {
        version: usize,
        message: &'static str,
    },
    UnpublishVersion {
        version: usize,
    },
    UnpublishPackage,
    Owners {
        names: Vec<&'static str>,
    },
    /// The site pulls what the other has.
    Pull,
}

fn step() -> impl Strategy<Value = Step> {
    let (version, tag) = (0..VERSIONS.len(), 0..TAGS.len());
    prop_oneof![
        5 => (version.clone(), proptest::option::of(tag.clone()), 0..2_u8)
            .prop_map(|(version, tag, content)| Step::Publish { version, tag, content }),
        2 => (tag.clone(), version.clone()).prop_map(|(tag, version)| Step::Tag { tag, version }),
        1 => tag.prop_map(|tag| Step::Untag { tag }),
        2 => (version.clone(), prop::sample::select(vec!["", "old", "bad"]))
            .prop_map(|(version, message)| Step::Deprecate { version, message }),
        2 => version.prop_map(|version| Step::UnpublishVersion { version }),
        1 => Just(Step::UnpublishPackage),
        1 => prop::sample::subsequence(vec!["alice", "bob", "carol"], 1..3)
            .prop_map(|names| Step::Owners { names }),
        3 => Just(Step::Pull),
    ]
}

fn send(site: &MemoryFeed, method: &str, path: &str, body: &Value) -> Answer {
    let answer = site.request(method, path).by("alice").body(body.to_string()).send();
    assert!(answer.status < 500, "{method} {path}: {}", answer.text());
    answer
}

fn take(here: &MemoryFeed, there: &MemoryFeed, step: &Step) {
    // As clients do: what is written back was read before.
    let read = here.request("GET", "/pad?write=true").send();
    let mut document = if read.status == 200 { read.json() } else { json!({}) };
    let rev = document["_rev"].as_str().unwrap_or("1-0").to_owned();
    match step {
        Step::Publish { version, tag, content } => {
            let version = VERSIONS[*version];
            let tags: Vec<_> = tag.iter().map(|tag| TAGS[*tag]).collect();
            let mut document = publish_document("pad", version, &tags);
            document["versions"][version]["content"] = json!(content);
            let mut bytes = tarball("pad", version);
            bytes.push(*content);
            attach(&mut document, &bytes);
            send(here, "PUT", "/pad", &document);
        }
        Step::Tag { tag, version } => {
            let path = format!("/-/package/pad/dist-tags/{}", TAGS[*tag]);
            send(here, "PUT", &path, &json!(VERSIONS[*version]));
        }
        Step::Untag { tag } => {
            let path = format!("/-/package/pad/dist-tags/{}", TAGS[*tag]);
            send(here, "DELETE", &path, &Value::Null);
        }
        Step::Deprecate { version, message } => {
            if let Some(manifest) = document["versions"].get_mut(VERSIONS[*version]) {
                manifest["deprecated"] = json!(message);
                send(here, "PUT", "/pad", &document);
            }
        }
        Step::UnpublishVersion { version } => {
            let Some(versions) = document["versions"].as_object_mut() else { return };
            versions.remove(VERSIONS[*version]);
            let tags = document["dist-tags"].as_object_mut().expect("tags");
            tags.retain(|_, tagged| tagged != VERSIONS[*version]);
            send(here, "PUT", &format!("/pad/-rev/{rev}"), &document);
        }
        Step::UnpublishPackage => {
            send(here, "DELETE", &format!("/pad/-rev/{rev}"), &Value::Null);
        }
        Step::Owners { names } => {
            let owners: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
            let document = json!({ "_id": "pad", "_rev": rev, "maintainers": owners });
            send(here, "PUT", &format!("/pad/-rev/{rev}"), &document);
        }
        Step::Pull => here.pull_from(there).expect("a site takes what the other publishes"),
    }
}

/// What is answered: the status, the headers and the body.
type Answered = (u16, Vec<(String, String)>, String);

/// All that clients can read of the package.
fn documents(site: &MemoryFeed) -> Vec<Answered> {
    [("/pad", "application/json"), ("/pad", CORGI), ("/-/package/pad/dist-tags", "*/*")]
        .into_iter()
        .map(|(path, accept)| {
            let answer = site.request("GET", path).header("accept", accept).send();
            (answer.status, answer.headers.clone(), answer.text().to_owned())
        })
        .collect()
}

proptest! {
    #[test]
    fn two_sites_end_with_the_same_documents(
        steps in prop::collection::vec((any::<bool>(), step()), 1..40)
    ) {
        let berlin = MemoryFeed::new(Npm::default()).at_site("berlin");
        let osaka = MemoryFeed::new(Npm::default()).at_site("osaka");
        for (at_berlin, step) in &steps {
            let (here, there) = if *at_berlin { (&berlin, &osaka) } else { (&osaka, &berlin) };
            take(here, there, step);
        }
        // The first pull brings what the other has; the second, what came of that.
        for _ in 0..2 {
            berlin.pull_from(&osaka).expect("a site takes what the other publishes");
            osaka.pull_from(&berlin).expect("a site takes what the other publishes");
        }
        prop_assert_eq!(documents(&berlin), documents(&osaka));
    }
}
