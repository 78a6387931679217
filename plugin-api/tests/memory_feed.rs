//! The feed in memory, asked through a complete small adapter: notes, kept by name and number.

#![allow(clippy::unwrap_used, missing_docs)]

use pakhus_plugin_api::testing::MemoryFeed;
use pakhus_plugin_api::{
    Action, BlobRef, Body, Capabilities, Change, Descriptor, Edit, Host, InvalidName,
    InvalidVersion, LiftRule, Metadata, Method, NewVersion, PackageName, PackageType,
    PackageVersion, PathStep, Precondition, ReceiveDocument, Refusal, RefusalKind, Request,
    RequestHead, Response, Result, Route, SortKey,
};

/// `PUT /{name}/{number}` with `{"notes": {"a.txt": base64}}`, `GET` and `DELETE` of the same,
/// `GET /{name}` for the list of numbers, `DELETE /{name}?fingerprint=…` for all of them.
struct Notes {
    descriptor: Descriptor,
}

impl Default for Notes {
    fn default() -> Self {
        let capabilities = Capabilities { tracks_deletions: true, ..Capabilities::default() };
        let (name, version) = ("notes".to_owned(), "1.0.0".to_owned());
        Self { descriptor: Descriptor { name, version, capabilities } }
    }
}

#[async_trait::async_trait]
impl PackageType for Notes {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        PackageName::new(raw.to_lowercase(), raw)
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        let number = raw.parse().map_err(|error| InvalidVersion(format!("{error}")))?;
        PackageVersion::new(raw, raw, SortKey::of_numbers(&[number], ""))
    }

    fn check_version(&self, version: &NewVersion) -> Result<()> {
        match version.metadata.as_json() {
            "\"note\"" => Ok(()),
            other => Err(Refusal::invalid(format!("{other} is no note"))),
        }
    }

    fn check_tag(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn check_attribute(&self, _: &str, _: Option<&str>, _: &Metadata) -> Result<()> {
        Ok(())
    }

    fn route(&self, head: &RequestHead) -> Result<Route> {
        let name = head.path.segments().first().copied().map(|name| self.parse_name(name));
        let package = name.transpose().map_err(Refusal::invalid)?;
        if package.is_none() {
            return Err(Refusal::not_found("no name"));
        }
        let (name, action) = match head.method {
            Method::Get => ("notes.read", Action::View),
            Method::Put => ("notes.write", Action::Publish),
            _ => ("notes.remove", Action::Delete),
        };
        Ok(Route { name, action, package })
    }

    async fn serve(&self, request: Request, host: &dyn Host) -> Result<Response> {
        let head = request.head;
        let segments = head.path.segments();
        let name = self.parse_name(segments[0]).map_err(Refusal::invalid)?;
        let Some(number) = segments.get(1) else {
            let contents =
                host.contents(&name).await?.ok_or_else(|| Refusal::not_found("no such note"))?;
            if head.method == Method::Get {
                let numbers: Vec<_> =
                    contents.versions.iter().map(|note| note.version.display()).collect();
                let revision = contents.package.revision;
                let text = format!("{numbers:?} {}", contents.fingerprint);
                let document = host.keep_document(name.key(), revision, text.into()).await?;
                let body = Body::Document(document);
                return Ok(Response::new(200, body));
            }
            let fingerprint = head.query_parameter("fingerprint").unwrap_or_default();
            let edits = contents.versions.into_iter().map(|note| note.version);
            let edits = edits.map(|version| Edit::Delete { name: name.clone(), version }).collect();
            let preconditions = vec![Precondition::Fingerprint { name: name.clone(), fingerprint }];
            host.commit(Change { preconditions, edits }).await?;
            return Ok(Response::empty(204));
        };
        let version = self.parse_version(number).map_err(Refusal::invalid)?;
        match head.method {
            Method::Get => {
                let note = host.version(&name, &version).await?;
                let note = note.ok_or_else(|| Refusal::not_found("no such note"))?;
                let body = Body::Blob { digest: note.blobs[0].digest, size: note.blobs[0].size };
                Ok(Response::new(200, body))
            }
            _ => {
                let path = vec![PathStep::Member("notes"), PathStep::MemberEndingIn(".txt")];
                let rules = ReceiveDocument {
                    max_document: 100,
                    max_blob: 10,
                    max_blobs: 1,
                    lift: LiftRule { path },
                };
                let received = host.receive_document(rules).await?;
                let kind = if received.json.starts_with(b"{\"kind\"") { "letter" } else { "note" };
                let blob = received.lifted.first().map(|lifted| &lifted.file);
                let blob = blob.ok_or_else(|| Refusal::invalid("no note"))?;
                let edit = Edit::Publish(NewVersion {
                    name,
                    version,
                    metadata: Metadata::from_value(&kind).map_err(Refusal::internal)?,
                    blobs: vec![BlobRef { role: "text".to_owned(), ..blob.blob.clone() }],
                });
                host.commit(Change { preconditions: Vec::new(), edits: vec![edit] }).await?;
                Ok(Response::json(201, received.json))
            }
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let body = Body::Bytes(refusal.message.clone().into());
        Response::new(refusal.kind.status(), body).with_header("content-type", "text/plain")
    }
}

fn write(feed: &MemoryFeed, target: &str, text: &str) -> (u16, String) {
    let answer = feed.request("PUT", target).body(format!(r#"{{"notes":{{"a.txt":"{text}"}}}}"#));
    let answer = answer.send();
    (answer.status, answer.text().to_owned())
}

#[test]
fn a_dialogue_is_answered_and_written_down() {
    let feed = MemoryFeed::new(Notes::default());
    let answer = feed
        .request("PUT", "/Milk/1")
        .body(r#"{ "notes" : {"b.md":"eA==", "a.txt":"aGVsbG8="}, "x":[ 1.0 ] }"#)
        .send();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.text(), r#"{"notes":{"b.md":"eA==","a.txt":""},"x":[ 1.0 ]}"#);
    assert_eq!(answer.route.unwrap().name, "notes.write");
    assert_eq!(
        answer.transcript,
        [
            "? receive_document, lift notes/*.txt",
            "= 48 bytes, 1 lifted",
            "? commit publish Milk 1",
            "= sequence 1",
        ]
    );
    let answer = feed.request("GET", "/milk/1").send();
    assert_eq!((answer.text(), answer.blob.is_some()), ("hello", true));
    assert_eq!(feed.blob_count(), 1);
}

#[test]
fn refusals_are_in_the_adapter_s_words() {
    let feed = MemoryFeed::new(Notes::default());
    let answer = feed.request("GET", "/milk/1").send();
    assert_eq!((answer.status, answer.text()), (404, "no such note"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(feed.request("GET", "/a//b").send().status, 400);
    assert_eq!(feed.request("BREW", "/a").send().status, 405);
    assert_eq!(feed.request("GET", "/").send().status, 404);
}

#[test]
fn documents_are_received_within_their_rules() {
    let feed = MemoryFeed::new(Notes::default());
    assert_eq!(write(&feed, "/milk/1", "not base64").0, 400);
    assert_eq!(write(&feed, "/milk/1", "aGVsbG8gaGVsbG8=").0, 413);
    for (body, status) in [
        ("{", 400),
        (r#"{"notes":{"a.txt":"eA==","b.txt":"eA=="}}"#, 400),
        (r#"{"notes":{"a.txt":7}}"#, 400),
        (r#"{"notes":["a.txt"]}"#, 400),
        (&format!(r#"{{"x":"{}"}}"#, "x".repeat(100)), 413),
    ] {
        let answer = feed.request("PUT", "/milk/1").body(body.to_owned()).send();
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
}

#[test]
fn a_version_is_there_once() {
    let feed = MemoryFeed::new(Notes::default());
    assert_eq!(write(&feed, "/milk/1", "eA==").0, 201);
    assert_eq!(write(&feed, "/MILK/1", "eQ==").0, 409);
}

#[test]
fn versions_are_in_their_order_and_a_stale_change_is_refused() {
    let feed = MemoryFeed::new(Notes::default());
    for number in [10, 9, 100] {
        assert_eq!(write(&feed, &format!("/milk/{number}"), "eA==").0, 201);
    }
    let listed = feed.request("GET", "/milk").send();
    assert!(listed.text().starts_with(r#"["9", "10", "100"] "#), "{}", listed.text());
    assert!(listed.header("etag").is_some());
    let fingerprint = listed.text().rsplit_once(' ').unwrap().1.to_owned();
    assert_eq!(write(&feed, "/milk/11", "eA==").0, 201);
    let target = format!("/milk?fingerprint={fingerprint}");
    assert_eq!(feed.request("DELETE", &target).send().status, 409);
    let listed = feed.request("GET", "/milk").send();
    let fingerprint = listed.text().rsplit_once(' ').unwrap().1.to_owned();
    let target = format!("/milk?fingerprint={fingerprint}");
    assert_eq!(feed.request("DELETE", &target).send().status, 204);
    assert_eq!(feed.request("GET", "/milk").send().status, 404);
}

#[test]
fn what_another_site_would_refuse_cannot_be_published() {
    let feed = MemoryFeed::new(Notes::default());
    let body = r#"{"kind":"letter","notes":{"a.txt":"eA=="}}"#;
    let answer = feed.request("PUT", "/milk/1").body(body).send();
    assert_eq!(answer.status, RefusalKind::Internal.status());
    assert!(answer.text().contains("another site would refuse"), "{}", answer.text());
}

#[test]
fn sites_that_pull_from_each_other_hold_the_same() {
    let (berlin, osaka) = (
        MemoryFeed::new(Notes::default()).at_site("berlin"),
        MemoryFeed::new(Notes::default()).at_site("osaka"),
    );
    write(&berlin, "/milk/1", "eA==");
    write(&osaka, "/milk/2", "eQ==");
    berlin.pull_from(&osaka).unwrap();
    osaka.pull_from(&berlin).unwrap();
    let listed = |feed: &MemoryFeed| feed.request("GET", "/milk").send().body;
    assert_eq!(listed(&berlin), listed(&osaka));
    assert_eq!(osaka.request("GET", "/milk/1").send().text(), "x");
}

/// Waits for something that is not the host.
struct Sleeper(Notes);

#[async_trait::async_trait]
impl PackageType for Sleeper {
    fn descriptor(&self) -> &Descriptor {
        self.0.descriptor()
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        self.0.parse_name(raw)
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        self.0.parse_version(raw)
    }

    fn check_version(&self, version: &NewVersion) -> Result<()> {
        self.0.check_version(version)
    }

    fn check_tag(&self, tag: &str) -> Result<()> {
        self.0.check_tag(tag)
    }

    fn check_attribute(
        &self,
        attribute: &str,
        version: Option<&str>,
        value: &Metadata,
    ) -> Result<()> {
        self.0.check_attribute(attribute, version, value)
    }

    fn route(&self, head: &RequestHead) -> Result<Route> {
        self.0.route(head)
    }

    async fn serve(&self, _: Request, _: &dyn Host) -> Result<Response> {
        std::future::pending().await
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        self.0.refuse(refusal)
    }
}

#[test]
#[should_panic(expected = "awaits something other than its host")]
fn an_adapter_that_waits_for_something_else_is_told_so() {
    let feed = MemoryFeed::new(Sleeper(Notes::default()));
    let _ = feed.request("GET", "/milk").send();
}
