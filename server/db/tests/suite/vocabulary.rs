//! Packages to test with: names are keys as they are, versions are numbers and perhaps a pre-release.

use pakhus_core::replication::engine::{Batch, Link};
use pakhus_core::replication::{
    CheckedRecord, Content, Cursor, MergePolicy, Position, RecordKey, RegisterState,
    SourceOfSource, Standing, State, VersionState,
};
use pakhus_core::{
    BlobRef, Digest, Edit, Metadata, NewVersion, PackageName, PackageVersion, SortKey, Timestamp,
};
use pakhus_db::{Database, apply};

pub(crate) fn name(text: &str) -> PackageName {
    PackageName::new(text, text).expect("a package name")
}

pub(crate) fn version(text: &str) -> PackageVersion {
    PackageVersion::new(text, text, sort_key(text)).expect("a version")
}

pub(crate) fn sort_key(version: &str) -> SortKey {
    let (numbers, pre_release) = version.split_once('-').unwrap_or((version, ""));
    let numbers: Vec<_> =
        numbers.split('.').map(|number| number.parse().expect("a number")).collect();
    SortKey::of_numbers(&numbers, pre_release)
}

pub(crate) fn json(value: &str) -> Metadata {
    Metadata::from_value(&value).expect("a text is JSON")
}

pub(crate) fn blob(bytes: &str) -> BlobRef {
    BlobRef {
        digest: Digest::of(bytes.as_bytes()),
        size: bytes.len() as u64,
        role: "tarball".to_owned(),
        sha512: None,
    }
}

/// A publish whose metadata and one blob follow from what is published.
pub(crate) fn publish(package: &str, number: &str) -> Edit {
    let blobs = vec![blob(&format!("{package} {number}"))];
    publish_with(package, number, "metadata", blobs)
}

pub(crate) fn publish_with(
    package: &str,
    number: &str,
    metadata: &str,
    blobs: Vec<BlobRef>,
) -> Edit {
    Edit::Publish(NewVersion {
        name: name(package),
        version: version(number),
        metadata: json(metadata),
        blobs,
    })
}

pub(crate) fn delete(package: &str, number: &str) -> Edit {
    Edit::Delete { name: name(package), version: version(number) }
}

pub(crate) fn tag(package: &str, tag: &str, number: &str) -> Edit {
    Edit::SetTag {
        name: name(package),
        tag: tag.to_owned(),
        version: version(number),
        only_if_absent: false,
    }
}

pub(crate) fn tag_if_absent(package: &str, tag: &str, number: &str) -> Edit {
    Edit::SetTag {
        name: name(package),
        tag: tag.to_owned(),
        version: version(number),
        only_if_absent: true,
    }
}

pub(crate) fn remove_tag(package: &str, tag: &str) -> Edit {
    Edit::RemoveTag { name: name(package), tag: tag.to_owned() }
}

/// Sets an attribute of a version, or of the package where `number` is `None`.
pub(crate) fn attribute(
    package: &str,
    number: Option<&str>,
    what: &str,
    value: Option<&str>,
) -> Edit {
    Edit::SetAttribute {
        name: name(package),
        version: number.map(version),
        attribute: what.to_owned(),
        value: value.map(json),
    }
}

pub(crate) fn version_key(package: &str, number: &str) -> RecordKey {
    RecordKey::Version { name: package.to_owned(), version: number.to_owned() }
}

pub(crate) fn tag_key(package: &str, tag: &str) -> RecordKey {
    RecordKey::Tag { name: package.to_owned(), tag: tag.to_owned() }
}

/// A version as another site publishes it.
pub(crate) fn content(
    package: &str,
    number: &str,
    incarnation: u64,
    at: i64,
    metadata: &str,
    blobs: Vec<BlobRef>,
) -> CheckedRecord {
    let standing = Standing::Content(Content {
        name: package.to_owned(),
        version: number.to_owned(),
        published_at: Some(Timestamp::from_millis(at)),
        origin: "elsewhere".to_owned(),
        blobs,
        metadata: json(metadata),
    });
    CheckedRecord {
        key: version_key(package, number),
        state: State::Version(VersionState { incarnation, standing }),
        sort_key: Some(sort_key(number)),
    }
}

/// The delete of a version as another site makes it.
pub(crate) fn tombstone(package: &str, number: &str, incarnation: u64, at: i64) -> CheckedRecord {
    let standing = Standing::Deleted { at: Timestamp::from_millis(at) };
    CheckedRecord {
        key: version_key(package, number),
        state: State::Version(VersionState { incarnation, standing }),
        sort_key: Some(sort_key(number)),
    }
}

/// A tag as another site sets it.
pub(crate) fn foreign_tag(
    package: &str,
    tag: &str,
    number: Option<&str>,
    counter: u64,
) -> CheckedRecord {
    let state = RegisterState {
        counter,
        value: number.map(json),
        at: Timestamp::from_millis(7),
        origin: "elsewhere".to_owned(),
    };
    CheckedRecord { key: tag_key(package, tag), state: State::Register(state), sort_key: None }
}

/// What a site hands on of a record that it read from another.
pub(crate) fn write_of(record: &pakhus_core::replication::Record) -> CheckedRecord {
    let sort_key = match &record.key {
        RecordKey::Version { version, .. } => Some(sort_key(version)),
        _ => None,
    };
    CheckedRecord { key: record.key.clone(), state: record.state.clone(), sort_key }
}

/// What [`pakhus_core::replication::engine::Batch`] does for these.
pub(crate) fn batch(writes: Vec<CheckedRecord>, policy: MergePolicy) -> Batch {
    Batch { writes, ..Batch::new(policy) }
}

/// A link that has come so far.
pub(crate) fn link_with(push_seq: u64) -> Link {
    let source = |instance: &str, sources| SourceOfSource {
        instance_id: instance.to_owned(),
        feed: "libs".parse().expect("a feed name"),
        sources,
    };
    Link {
        source_url: "https://la.example/libs".to_owned(),
        source_instance: "la".to_owned(),
        cursor: Cursor {
            lineage: "l".to_owned(),
            seq: 7,
            witness: Position { seq: 9, chain: Digest::of(b"nine") },
        },
        push_seq,
        sources: vec![source("tokyo", vec![source("oslo", Vec::new())])],
    }
}

/// Saves a link, and what its source is known to hold.
pub(crate) async fn save_link(
    database: &Database,
    feed_id: i64,
    link: &Link,
    seen: impl Iterator<Item = (&RecordKey, Digest)>,
) -> pakhus_db::Result<()> {
    let mut batch = Batch::new(MergePolicy::Converge);
    batch.link = Some(link.clone());
    batch.seen = seen.map(|(key, digest)| (key.clone(), Some(digest))).collect();
    apply::apply(database, feed_id, batch, None, Timestamp::from_millis(1)).await.map(drop)
}
