//! Sites of a package type whose deletions do not travel.

use std::sync::{Arc, Mutex};

use super::chance::Chance;
use super::line::Meanwhile;
use super::memory::Site;
use super::people::People;
use super::topology::{Connection, RunOptions, Topology, poll_to_end};
use crate::replication::engine::{FeedStore as _, Report, read_changes};
use crate::replication::{ClientMode, Cursor, Position, RecordKey, ServerMode, State};
use crate::{BlobRef, Digest, Edit, Metadata, NewVersion, PackageName, PackageVersion, SortKey};

/// A source and a site that mirrors it.
struct Pair(Topology);

impl Pair {
    fn new() -> Self {
        let clock = Arc::new(Mutex::new(1_700_000_000_000));
        let site = |number| {
            let mut site = Site::new(number, 1, 0, Arc::clone(&clock), None);
            site.tracks_deletions = false;
            site
        };
        let sites = vec![site(0), site(1)];
        let connection = Connection {
            client: 1,
            source: 0,
            mode: ClientMode::Mirror,
            server_mode: ServerMode::ReadWrite,
            paused: false,
        };
        Self(Topology { sites, connections: vec![connection], clock })
    }

    fn run(&self, full: bool) -> Report {
        let mut chance = Chance::new(1);
        let people = Arc::new(Mutex::new(People::new(1, false)));
        let options = RunOptions { full, ..RunOptions::default() };
        let nobody = Meanwhile { people, percent: 0 };
        self.0.tick(1_000);
        let connection = &self.0.connections[0];
        self.0.run(connection, &mut chance, 0, options, nobody).expect("nothing fails")
    }

    fn edit(&self, site: usize, edit: &Edit) {
        self.0.tick(1_000);
        assert!(self.0.sites[site].edit(edit).is_some(), "the edit is made");
    }

    fn has(&self, site: usize) -> bool {
        let key = RecordKey::Version { name: "a".to_owned(), version: "1".to_owned() };
        self.0.sites[site].disk().records.get(&key).is_some_and(|(state, _)| state.is_live())
    }

    fn tag(&self, site: usize) -> Option<String> {
        let key = RecordKey::Tag { name: "a".to_owned(), tag: "latest".to_owned() };
        match self.0.sites[site].disk().records.get(&key) {
            Some((State::Register(register), _)) => register.value.as_ref()?.parse().ok(),
            _ => None,
        }
    }
}

fn name() -> PackageName {
    PackageName::new("a", "a").expect("a name")
}

fn version(text: &str) -> PackageVersion {
    PackageVersion::new(text, text, SortKey::from_bytes(Vec::new())).expect("a version")
}

fn publish(text: &str) -> Edit {
    let blob = BlobRef {
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        role: "file".to_owned(),
        sha512: None,
    };
    Edit::Publish(NewVersion {
        name: name(),
        version: version(text),
        metadata: Metadata::from_value(&text).expect("JSON"),
        blobs: vec![blob],
    })
}

fn tag(text: &str) -> Edit {
    let (tag, version) = ("latest".to_owned(), version(text));
    Edit::SetTag { name: name(), tag, version, only_if_absent: false }
}

#[test]
fn what_is_deleted_at_one_site_stays_at_the_other_and_stays_deleted() {
    for deleter in [0, 1] {
        let pair = Pair::new();
        pair.edit(0, &publish("1"));
        pair.run(false);
        pair.edit(deleter, &Edit::Delete { name: name(), version: version("1") });
        for full in [false, true, false] {
            let report = pair.run(full);
            assert_eq!((report.pushed, report.deleted), (0, 0), "by {deleter}, full: {full}");
            assert!(pair.has(1 - deleter) && !pair.has(deleter), "by {deleter}, full: {full}");
        }
    }
}

#[test]
fn what_was_deleted_and_is_published_again_travels_again() {
    let pair = Pair::new();
    pair.edit(0, &publish("1"));
    pair.run(false);
    for site in [0, 1] {
        pair.edit(site, &Edit::Delete { name: name(), version: version("1") });
    }
    pair.edit(1, &publish("1"));
    pair.run(false);
    assert!(pair.has(0) && pair.has(1));
}

#[test]
fn a_tag_that_is_removed_at_one_site_stays_at_the_other_until_it_is_moved() {
    for remover in [0, 1] {
        let pair = Pair::new();
        for edit in [publish("1"), publish("2"), tag("1")] {
            pair.edit(0, &edit);
        }
        pair.run(false);
        pair.edit(remover, &Edit::RemoveTag { name: name(), tag: "latest".to_owned() });
        for full in [false, true] {
            pair.run(full);
            assert_eq!(pair.tag(remover), None);
            assert_eq!(pair.tag(1 - remover).as_deref(), Some("1"));
        }
        pair.edit(1 - remover, &tag("2"));
        pair.run(false);
        assert_eq!(pair.tag(remover).as_deref(), Some("2"));
    }
}

#[test]
fn a_page_that_says_there_is_more_has_something() {
    let pair = Pair::new();
    for deleted in ["1", "2", "3"] {
        pair.edit(0, &publish(deleted));
        pair.edit(0, &Edit::Delete { name: name(), version: version(deleted) });
    }
    pair.edit(0, &publish("4"));
    pair.edit(0, &publish("5"));
    let source = &pair.0.sites[0];
    let page = poll_to_end(async {
        let lineage = source.end().await.expect("an end").lineage;
        let cursor = Cursor { lineage, seq: 0, witness: Position::START };
        read_changes(source, &cursor, true, 1).await.expect("a page")
    });
    assert!(page.end.more);
    assert_eq!(page.records.len(), 1);
}
